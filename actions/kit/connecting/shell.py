"""The same as variables of an environment, by the names that the runbook has for them. No I/O here."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from actions.kit.connecting import access
from actions.kit.connecting.doors import Doors, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actions.kit.topology import Target


def variables(ways: Doors, target: Target) -> str:
    """Lines that a shell reads; what is secret is named in a comment, and not set."""
    of_sentinels = access.of_sentinels(target) if ways.entry is Entry.SENTINEL else ()
    set_to = dict(_places(ways, target))
    set_to |= {"REDIS_TLS": "true"} if target.tls else {}
    set_to |= {"REDIS_SENTINEL_TLS": "true"} if of_sentinels and target.sentinel_tls else {}
    lines = [f"{name}={shlex.quote(value)}" for name, value in set_to.items()]
    own = dict.fromkeys(one.variable for one in (*access.of_nodes(target), *of_sentinels) if one.variable)
    note = [f"# Yours to set, from where secrets are kept: {', '.join(own)}"] if own else []
    return "\n".join([*lines, *note, ""])


def _places(ways: Doors, target: Target) -> Mapping[str, str]:
    listed = ",".join(map(str, ways.addresses))
    if ways.entry is Entry.SENTINEL:
        return {"REDIS_SENTINELS": listed, "REDIS_MASTER_NAME": target.master_name}
    if ways.entry is Entry.CLUSTER:
        return {"REDIS_CLUSTER_NODES": listed}
    return {
        name: value
        for one in ways.addresses
        for name, value in ((ways.variable, one.host), ("REDIS_PORT", str(one.port)))
    }
