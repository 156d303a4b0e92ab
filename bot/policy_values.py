"""Who may do what, and under which limits, as plain values: for the audit, and to compare replicas. No I/O here."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from bot.fleet import Fleet, People, Rule

Values = dict[str, Any]


def policy_values(fleet: Fleet, lasts_s: dict[str, float]) -> Values:
    """Everything that decides what may be done, by whom; nothing about how Redis is reached, and no secrets.

    Args:
        fleet: the targets and the rules.
        lasts_s: how long what people are given lasts, in seconds, by name.
    """
    return {
        "targets": {name: _target(fleet, name) for name in fleet.targets},
        "rules": [_rule(rule) for rule in fleet.rules],
        "lasts_s": lasts_s,
    }


def settings_hashes(fleet: Fleet, lasts_s: dict[str, float]) -> dict[str, str]:
    """A hash for each part of what a bot goes by, also of where its targets are; by words for people."""
    values = policy_values(fleet, lasts_s)
    parts: Values = {"rules": values["rules"], "how long approvals and tokens last": values["lasts_s"]}
    for name, target in fleet.targets.items():
        places = (target.kind, target.master_name, *map(str, (*target.nodes, *target.sentinels)))
        home = target.kubernetes
        release = (
            (home.namespace, home.release, home.context, home.application and asdict(home.application)) if home else ()
        )
        parts[f"target {name}"] = [values["targets"][name], *places, *release]
    return {part: sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16] for part, value in parts.items()}


def _target(fleet: Fleet, name: str) -> Values:
    target = fleet.targets[name]
    return {
        "environment": target.environment,
        "channels": list(fleet.channels_of(name)),
        "limits": asdict(target.limits),
        "requesters": _people(fleet.requesters.get(name)),
        "approvers": _people(fleet.approvers.get(name)),
        "break_glass": _people(fleet.break_glass.get(name)),
    }


def _rule(rule: Rule) -> Values:
    people = {name: _people(getattr(rule, name)) for name in ("requesters", "approvers", "break_glass")}
    words = {name: list(getattr(rule, name)) for name in ("targets", "environments", "actions", "risks", "channels")}
    given = {**words, **people, **({} if rule.approvals is None else {"approvals": [rule.approvals]})}
    return {name: value for name, value in given.items() if value}


def _people(people: People | None) -> list[str]:
    if people is None:
        return []
    return [*([people.usergroup] if people.usergroup else []), *people.users]
