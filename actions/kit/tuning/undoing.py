"""What puts back what a plan has set, as words of ``tune``; and what is no longer as that plan left it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.action import Options
from actions.kit.plan import Plan, SettingChange
from actions.kit.tuning.sizes import spelled_size
from actions.kit.tuning.wanted import BUFFERS, differing_classes, shown


def options_back(plan: Plan) -> Options:
    """The old values, each for the nodes that had it: others may have had the new one all along."""
    nodes: dict[tuple[str, str], list[str]] = {}
    for change in _changes(plan):
        nodes.setdefault((change.name, _old(change)), []).append(str(change.node))
    return {f"{name}@{','.join(had)}": value for (name, value), had in nodes.items()}


def changed_since(back: Plan, plan: Plan) -> Iterator[str]:
    """What of the first plan's settings somebody has changed after it, a sentence each.

    Args:
        back: the plan to put it back, from what is there now.
        plan: what was carried out.
    """
    left = {(change.node, change.name): change.new for change in _changes(plan)}
    for change in _changes(back):
        new = left.get((change.node, change.name), change.old)
        if new != change.old:
            now, then = (shown(change.name, value) for value in (change.old, new))
            yield f"{change.name} of {change.node} is {now} by now, and not {then}: somebody has changed it since."


def _changes(plan: Plan) -> Iterator[SettingChange]:
    return (change for step in plan.steps for change in step.changes)


def _old(change: SettingChange) -> str:
    """As a person would type it."""
    if change.name == BUFFERS:
        return differing_classes(change.old, change.new)[0]
    return spelled_size(int(change.old)) if change.old.isdecimal() else change.old
