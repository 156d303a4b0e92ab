"""Files requests: planned, allowed, and with enough people that can approve them, or without any in an emergency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from actions.kit.errors import UsageError
from actions.kit.plan import Plan, Refusal
from actions.kit.tuning.undoing import changed_since
from bot.fleet import Case, Fleet
from bot.ledger import Ask, Ledger, Person, Request
from bot.policy import Eligibility, Policy
from bot.requests.planning import Planner
from bot.requests.terms import Terms


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. ``break_glass``: it shall go without approval; ``undoes``: what it is to put back."""

    action: str
    target: str
    options: Mapping[str, str]
    requester: Person
    channel: str | None = None
    reason: str = ""
    break_glass: bool = False
    undoes: Plan | None = None


class Filing:
    """Decides whether a request is filed, and on which terms."""

    def __init__(self, ledger: Ledger, fleet: Fleet, planner: Planner, policy: Policy, terms: Terms) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._planner = planner
        self._policy = policy
        self._terms = terms

    async def file(self, wish: Wish) -> Request | Refusal:
        """See ``Desk.ask``."""
        if wish.break_glass and not wish.reason.strip():
            raise UsageError('Breaking the glass takes a reason: add --reason "…". Every approver reads it.')
        planned = await self._planner.plan(wish.action, wish.target, wish.options)
        if isinstance(planned, Refusal):
            return await self._refuse(wish, planned)
        others = tuple(changed_since(planned, wish.undoes)) if wish.undoes is not None else ()
        if others:
            return await self._refuse(wish, Refusal(wish.target, wish.action, others))
        case = Case(wish.target, wish.action, planned.risk, wish.channel)
        needed = self._policy.approvals_needed(case)
        eligibility = await self._policy.eligibility(case, wish.requester.id) if needed else Eligibility(0)
        no = await self._why_not(wish, case, needed, eligibility)
        if no is not None:
            return await self._refuse(wish, Refusal(wish.target, wish.action, (no,)))
        return await self._ledger.file(self._ask(wish, planned, needed, eligibility))

    async def _why_not(self, wish: Wish, case: Case, needed: int, eligibility: Eligibility) -> str | None:
        if wish.break_glass:
            no = await self._policy.may_break_glass(case, wish.requester.id)
            free = f"{wish.action} {wish.target} needs no approval: leave --break-glass out."
            return no or (None if needed else free)
        no = await self._policy.may_ask(case, wish.requester.id)
        if no is not None or eligibility.enough(needed):
            return no
        return eligibility.sentence if needed == 1 else f"{needed} approvals are needed. {eligibility.sentence}"

    def _ask(self, wish: Wish, planned: Plan, needed: int, eligibility: Eligibility) -> Ask:
        glass = wish.break_glass
        return Ask(
            plan=planned,
            options=wish.options,
            requester=wish.requester,
            channel=wish.channel,
            reason=wish.reason,
            approvals_needed=0 if glass else needed,
            expires_in=timedelta(seconds=self._terms.break_glass_s if glass else self._terms.approval_s),
            break_glass=glass,
            shown_in=wish.channel or next(iter(self._fleet.channels_of(wish.target)), None),
            crowd=asdict(eligibility),
            told=eligibility.active if glass else (),
        )

    async def _refuse(self, wish: Wish, refusal: Refusal) -> Refusal:
        details = {"action": wish.action, "reasons": list(refusal.reasons), "break_glass": wish.break_glass}
        await self._ledger.audit("request.refused", wish.requester, wish.target, **details)
        return refusal
