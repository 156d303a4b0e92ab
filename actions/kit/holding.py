"""A node's data held back from being thrown away: it cannot begin a sync with whoever makes it a replica. No I/O here.

Sentinel turns an old master into a replica as soon as it reaches it, and the full sync that follows throws away what
only that one has. With a wrong login to its master the sync does not begin: the node keeps its data, and says that its
link is down. The value that was there is part of the marker, so that whoever looks later can put it back.
"""

from __future__ import annotations

from collections.abc import Mapping

from actions.kit.plan import SettingChange
from actions.kit.snapshot import NodeConfig
from actions.kit.topology import Address

HELD = "tandem-holds-its-data"
USER, PASSWORD = "masteruser", "masterauth"


def hold_of(node: Address, config: NodeConfig | None) -> SettingChange:
    """The setting by which the node cannot log in at its master any more, with the old value as ``config`` tells it.

    Without a password no login is tried, so there it is a wrong password where none was; else a wrong user.
    """
    if config is not None and config.masterauth:
        return SettingChange(node, USER, f"{HELD}:{config.masteruser or ''}", config.masteruser or "")
    return SettingChange(node, PASSWORD, HELD, "")


def is_hold(change: SettingChange) -> bool:
    """Whether putting this back lets a replica throw its data away."""
    return change.name in {USER, PASSWORD} and change.new.startswith(HELD)


def is_held(fields: Mapping[str, str]) -> bool:
    """Whether a node's settings, as CONFIG GET gives them, hold its data back."""
    return any(fields.get(name, "").startswith(HELD) for name in (USER, PASSWORD))


def readable(name: str, value: str | None) -> str:
    """A setting's value as a person may read it: a password that somebody has set meanwhile is not repeated."""
    return "another one" if name == PASSWORD and value and not value.startswith(HELD) else repr(value)


def without_hold(fields: Mapping[str, str]) -> dict[str, str]:
    """Its settings as they will be once nothing is held back any more."""
    plain = dict(fields)
    if plain.get(USER, "").startswith(HELD):
        plain[USER] = plain[USER].removeprefix(HELD).removeprefix(":")
    if plain.get(PASSWORD, "").startswith(HELD):
        plain[PASSWORD] = ""
    return plain
