"""The life of one request: asked for, decided, carried out, recovered. Wired once; Slack and the terminal share it.

What people see of it follows from the ledger: ``bot.ledger.messages``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

from actions.kit.action import Action, Options, Progress, Seen
from actions.kit.plan import Plan, Refusal
from actions.kit.topology import Target
from actions.registry import by_name as registered
from bot.fleet import Case, Fleet
from bot.ledger import Ask, Decided, Ledger, Person, Request, RequestState, RunState, Verdict
from bot.policy import Eligibility, Policy, case_of
from bot.requests.execution import Runner
from bot.requests.locks import Locks
from bot.requests.planning import Connections, Planner
from bot.requests.ports import Connection
from bot.requests.recovery import Recovery
from bot.requests.terms import USUAL, Terms
from bot.requests.tokens import TokenDesk

log = logging.getLogger(__name__)


class Desk:
    """Takes requests in and sees them through.

    Args:
        ledger: where everything is written down first.
        fleet: the targets, and where they are spoken of.
        connect: opens hands on a target; they are kept until ``aclose``.
        policy: who may approve what.
        by_name: finds an action.
        terms: how long requests wait, and tokens live; whether what is approved begins here.

    ``tokens`` are those of people at terminals.
    """

    def __init__(
        self,
        ledger: Ledger,
        fleet: Fleet,
        connect: Callable[[Target], Connection],
        policy: Policy,
        *,
        by_name: Callable[[str], Action] = registered,
        terms: Terms = USUAL,
    ) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._policy = policy
        self._terms = terms
        self._approval = timedelta(seconds=terms.approval_s)
        self._connections = Connections(fleet.targets, connect)
        self._planner = Planner(ledger, self._connections, by_name)
        self._runner = Runner(ledger, self._connections, self._planner)
        self._recovery = Recovery(ledger, self._connections, self._runner)
        self.locks = Locks(ledger, self._connections, policy)
        self.tokens = TokenDesk(ledger, policy, timedelta(seconds=terms.token_s))
        self._closing = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def look(self, action: str, target: str, options: Options, progress: Progress) -> Seen:
        """Look at a target; needs no ledger.

        Raises:
            UsageError: the words are wrong.
        """
        return await self._planner.reading(action).look(self._connections.hands(target), options, progress)

    async def preview(self, action: str, target: str, options: Options) -> Plan | Refusal:
        """What would be done now; changes nothing.

        Raises:
            UsageError: the words are wrong.
            LedgerError: the ledger cannot be asked.
        """
        return await self._planner.plan(action, target, options)

    async def ask(
        self,
        action: str,
        target: str,
        options: Options,
        requester: Person,
        channel: str | None = None,
        reason: str = "",
    ) -> Request | Refusal:
        """Plan and file a request, if there is a plan and enough people that can approve it.

        Without a channel it is shown in the first one that the target is bound to.

        Raises:
            UsageError: the words are wrong.
            LedgerError: it could not be filed; nothing was begun.
        """
        planned = await self._planner.plan(action, target, options)
        if isinstance(planned, Refusal):
            return await self._refuse(planned, requester)
        case = Case(target, action, planned.risk, channel)
        no = await self._policy.may_ask(case, requester.id)
        if no is not None:
            return await self._refuse(Refusal(target, action, (no,)), requester)
        needed = self._policy.approvals_needed(case)
        eligibility = await self._policy.eligibility(case, requester.id) if needed else Eligibility(0)
        if not eligibility.enough(needed):
            why = eligibility.sentence if needed == 1 else f"{needed} approvals are needed. {eligibility.sentence}"
            return await self._refuse(Refusal(target, action, (why,)), requester)
        shown_in = channel or next(iter(self._fleet.channels_of(target)), None)
        crowd = asdict(eligibility)
        ask = Ask(
            *(planned, options, requester, channel, reason, needed, self._approval), shown_in=shown_in, crowd=crowd
        )
        request = await self._ledger.file(ask)
        self._begin(request)
        return await self._ledger.request(request.id)

    async def approve(self, request_id: str, person: Person) -> Decided:
        """Count an approval; with enough of them the run begins, in the background.

        Raises:
            UnknownRequest: there is no such request.
            LedgerError: it could not be written down, and so does not count.
        """
        decided = await self._decide(request_id, person, Verdict.APPROVE, "")
        if decided.ok:
            self._begin(decided.request)
        return decided

    async def deny(self, request_id: str, person: Person, reason: str) -> Decided:
        """Count a denial: the request is over.

        Raises:
            UnknownRequest: there is no such request.
            LedgerError: it could not be written down, and so does not count.
        """
        return await self._decide(request_id, person, Verdict.DENY, reason)

    async def withdraw(self, request_id: str, person: Person) -> Decided:
        """Take one's own request back.

        Raises:
            UnknownRequest: there is no such request.
        """
        return await self._ledger.withdraw(request_id, person)

    async def show(self, request_id: str) -> Request:
        """One request with its run.

        Raises:
            UnknownRequest: there is no such request.
        """
        return await self._ledger.request(request_id)

    async def runs(self, limit: int = 20, target: str | None = None) -> tuple[Request, ...]:
        """The newest requests, the newest first."""
        return await self._ledger.runs(limit, target)

    def see_to(self, request: Request) -> None:
        """Take in hand what no process has: begin what is approved, settle what was cut off. In the background."""
        if request.standing is RequestState.APPROVED:
            self._runner.start(request.id)
        elif request.standing is RunState.UNSETTLED:
            self._runner.take_over(request.id)

    async def recover(self, every_s: float = 3.0) -> None:
        """See to what an earlier process has left, and from now on to all that falls due, every few seconds.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        await self._recovery.once()
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_recovering(every_s))

    async def aclose(self, patience_s: float = 30.0) -> None:
        """Begin nothing more; let what is in hand go on to its end for so long, else leave it for settlement."""
        self._closing.set()
        await self._runner.aclose(patience_s)
        if self._watch is not None:
            await self._watch
        await self._connections.aclose()

    def _begin(self, request: Request) -> None:
        if self._terms.begins_at_once and request.state is RequestState.APPROVED:
            self._runner.start(request.id)

    async def _decide(self, request_id: str, person: Person, verdict: Verdict, reason: str) -> Decided:
        request = await self._ledger.request(request_id)
        if request.state is RequestState.WAITING and request.requester.id != person.id:
            why = await self._policy.may_approve(case_of(request), person.id, request.requester.id)
            if why is not None:
                await self._ledger.audit(f"request.{verdict}", person, request.id, counts=False, answer=why)
                return Decided(ok=False, request=request, why=why)
        return await self._ledger.decide(request.id, person, verdict, reason)

    async def _refuse(self, refusal: Refusal, requester: Person) -> Refusal:
        reasons = list(refusal.reasons)
        await self._ledger.audit("request.refused", requester, refusal.target, action=refusal.action, reasons=reasons)
        return refusal

    async def _keep_recovering(self, every_s: float) -> None:
        while True:
            try:
                async with asyncio.timeout(every_s):
                    await self._closing.wait()
                    return
            except TimeoutError:
                pass
            try:
                await self._recovery.once()
            except Exception:
                log.exception("What is due could not be seen to; it is tried again.")
