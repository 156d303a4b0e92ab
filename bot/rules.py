"""Reads who may do what from ``targets.yaml``: people, channels and ``rules``.

A rule that never fits, by a name that is written wrongly, would be a lost prohibition: every name has to be known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from actions.kit.plan import Risk
from actions.kit.topology import Target
from bot.fleet import ALWAYS_APPROVED, FREEZE, THAW, People, Rule
from bot.marked import Field, Section
from bot.render.words import listed

_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_USER = re.compile(r"[UW][A-Z0-9]{2,}")

_RISKS = tuple(risk for risk in Risk if risk is not Risk.READ)
_MATCHERS = ("targets", "environments", "actions", "risks", "channels")
_GRANTS = ("requesters", "approvers", "break_glass", "approvals")
_MOST = 9


def read_rules(field: Field | None, targets: Mapping[str, Target]) -> tuple[Rule, ...]:
    """The ``rules``, in their order; none where there is no such key.

    Raises:
        SettingsError: a key or a name that is not known, a rule that grants nothing, or fewer approvals than what
            destroys always takes.
    """
    return tuple(_rule(item.section(*_MATCHERS, *_GRANTS), targets) for item in field.items()) if field else ()


def read_people(field: Field) -> People:
    """A user group, single users, or both.

    Raises:
        SettingsError: it names nobody, or by something else than Slack's ids.
    """
    section = field.section("usergroup", "users")
    group, users = section.get("usergroup"), section.get("users")
    if group is None and users is None:
        raise field.wrong("names nobody; write {usergroup: S…} or {users: [U…]}.")
    ids = [user.matching(_USER, "a user's id, such as U0ONCALL") for user in users.items()] if users else []
    return People(
        usergroup=group.matching(_GROUP, "a user group's id, such as S0REDISOPS") if group else None,
        users=tuple(dict.fromkeys(ids)),
    )


def read_channels(field: Field) -> tuple[str, ...]:
    """Channels by their ids, each once.

    Raises:
        SettingsError: one is no id: names change, and can be taken by another channel.
    """
    return tuple(dict.fromkeys(map(read_channel, field.items())))


def read_channel(field: Field) -> str:
    """One channel by its id.

    Raises:
        SettingsError: as ``read_channels``.
    """
    return field.matching(_CHANNEL, "a channel's id, such as C0INCIDENT")


def _rule(section: Section, targets: Mapping[str, Target]) -> Rule:
    if not set(section.fields) & set(_GRANTS):
        raise section.field.wrong(f"grants nothing; add {listed(_GRANTS, 'or')}.")
    risks = tuple(Risk(word) for word in _words(section, "risks", [risk.value for risk in _RISKS]))
    channels = section.get("channels")
    return Rule(
        targets=_words(section, "targets", list(targets)),
        environments=_words(section, "environments", sorted({target.environment for target in targets.values()})),
        actions=_words(section, "actions", _changes()) if section.get("actions") else (),
        risks=risks,
        channels=read_channels(channels) if channels else (),
        requesters=_people(section, "requesters"),
        approvers=_people(section, "approvers"),
        break_glass=_people(section, "break_glass"),
        approvals=_approvals(section, risks or _RISKS),
    )


def _words(section: Section, name: str, known: Sequence[str]) -> tuple[str, ...]:
    field = section.get(name)
    return tuple(item.one_of(known) for item in field.items()) if field else ()


def _people(section: Section, name: str) -> People | None:
    field = section.get(name)
    return read_people(field) if field else None


def _approvals(section: Section, risks: Iterable[Risk]) -> int | None:
    field = section.get("approvals")
    if field is None:
        return None
    number = field.whole(0, _MOST)
    taken = [risk.value for risk in risks if risk in ALWAYS_APPROVED]
    if number == 0 and taken:
        raise field.wrong(
            f"is 0, and this rule is also about what is {listed(taken, 'or')}: that always takes a second person. "
            "Write 1 or more, or add risks: [reversible]."
        )
    return number


def _changes() -> list[str]:
    """Everything that changes something. The actions are imported only where a rule names one."""
    from actions.registry import ACTIONS  # noqa: PLC0415 -- The terminal starts often.

    return [*(action.name for action in ACTIONS if action.risk is not Risk.READ), FREEZE, THAW]
