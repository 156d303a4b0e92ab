"""Whether there are enough people for each change on a target: the rules resolved, and everybody looked up now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from actions.kit.action import Action, ChangeAction
from actions.kit.topology import Target
from bot.checkup.checks import Check, State
from bot.fleet import Case
from bot.policy import Eligibility, Policy
from bot.render.words import counted, listed


async def approvals(target: Target, actions: Sequence[Action], policy: Policy) -> tuple[Check, ...]:
    """One check for each way in which changes on this target are approved."""
    alike: defaultdict[tuple[int, Eligibility], list[str]] = defaultdict(list)
    for action in actions:
        if isinstance(action, ChangeAction) and action.only_for in {None, target.kind}:
            case = Case(target.name, action.name, action.risk)
            alike[policy.approvals_needed(case), await policy.eligibility(case, "")].append(action.name)
    return tuple(_judged(target.name, alike))


def _judged(name: str, alike: dict[tuple[int, Eligibility], list[str]]) -> Iterator[Check]:
    for (needed, people), names in alike.items():
        said = f"{listed(names)}: {counted(needed, 'approval')}. {people.sentence}"
        if not needed:
            yield Check(name, State.OK, f"{listed(names)}: no approval is needed.")
        elif not people.enough(needed):
            yield Check(name, State.FAULT, said, "Name more approvers in targets.yaml, or mend what is said of them.")
        elif not people.enough(needed + 1):
            yield Check(name, State.WARNING, f"{said} Where one of them asks, too few are left.", "Name one more.")
        else:
            yield Check(name, State.OK, said)
