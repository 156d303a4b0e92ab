"""The life of one request: asked for, decided, carried out, recovered. Wired once; Slack and the terminal share it.

What people see of it follows from the ledger: ``bot.ledger.messages``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from actions.kit.action import Action, Options, Progress, Seen
from actions.kit.errors import UsageError
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.settlement import Answer
from actions.kit.topology import Target
from actions.registry import by_name as registered
from bot.fleet import Fleet
from bot.ledger import (
    AuditCheck,
    AuditRow,
    Decided,
    Ledger,
    LedgerError,
    Person,
    Request,
    RequestState,
    RunState,
    Verdict,
)
from bot.policy import Policy, case_of
from bot.policy_values import settings_hashes
from bot.render.words import listed, quoted
from bot.requests.answers import Answers
from bot.requests.execution import Runner
from bot.requests.filing import Filing, Wish
from bot.requests.locks import Locks
from bot.requests.planning import Connections, Planner
from bot.requests.ports import Connection
from bot.requests.recovery import Recovery
from bot.requests.reviews import ReviewDesk
from bot.requests.since import since_the_last_run
from bot.requests.terms import USUAL, Terms
from bot.requests.tokens import TokenDesk
from bot.requests.undoing import what_puts_back
from bot.waiting import within

log = logging.getLogger(__name__)


class Desk:
    """Takes requests in and sees them through.

    Args:
        ledger: where everything is written down first.
        fleet: the targets, and where they are spoken of.
        connect: opens hands on a target; they are kept until ``aclose``.
        policy: who may approve what.
        by_name: finds an action.
        terms: how long things may take or last; whether what is approved begins here.

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
        self._policy = policy
        self._terms = terms
        self._connections = Connections(fleet.targets, connect)
        self._settings = settings_hashes(fleet, terms.lasts_s)
        self._planner = Planner(ledger, self._connections, by_name, self._settings)
        self._runner = Runner(ledger, self._connections, self._planner, terms.looks_for_s)
        self._answers = Answers(ledger, policy)
        self._filing = Filing(ledger, fleet, self._planner, policy, terms)
        self.reviews = ReviewDesk(ledger, policy, timedelta(seconds=terms.review_s))
        self._recovery = Recovery(ledger, self._connections, self._runner, self.reviews)
        self.locks = Locks(ledger, self._connections, policy)
        self.tokens = TokenDesk(ledger, policy, timedelta(seconds=terms.token_s))
        self._closing = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def look(self, action: str, target: str, options: Options, progress: Progress) -> Seen:
        """Look at a target; needs no ledger.

        Raises:
            UsageError: the words are wrong.
        """
        reading, hands = self._planner.reading(action), self._connections.hands(target)
        if reading.name == "verify":
            options = {**await since_the_last_run(self._ledger, target), **options}
        return await reading.look(hands, options, progress)

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
        *,
        break_glass: bool = False,
    ) -> Request | Refusal:
        """Plan and file a request, if there is a plan and enough people that can approve it.

        Without a channel it is shown in the first one that the target is bound to. With ``break_glass`` it needs
        nobody's approval, begins at once, and leaves a review: only certain people may, and have to say why.

        Raises:
            UsageError: the words are wrong, or there is no reason to break the glass.
            LedgerError: it could not be filed; nothing was begun.
        """
        return await self._file(Wish(action, target, options, requester, channel, reason, break_glass))

    async def undo(
        self,
        request_id: str,
        requester: Person,
        channel: str | None = None,
        reason: str = "",
        *,
        break_glass: bool = False,
    ) -> Request | Refusal:
        """Ask for what puts back the settings that a request has changed; refused where others have since.

        It takes the same approvals as any other request, and ``break_glass`` as ``ask`` does.

        Raises:
            UsageError: nothing of it can be put back so, or there is no reason to break the glass.
            UnknownRequest: there is no such request.
            LedgerError: it could not be filed; nothing was begun.
        """
        done = await self._ledger.request(request_id)
        back = what_puts_back(done)
        because = reason or ("" if break_glass else f"It puts back {done.id}.")
        wish = Wish(done.action, done.target, back, requester, channel, because, break_glass, undoes=done.plan)
        return await self._file(wish)

    async def _file(self, wish: Wish) -> Request | Refusal:
        filed = await self._filing.file(wish)
        if isinstance(filed, Refusal):
            return filed
        self._begin(filed)
        return await self._ledger.request(filed.id)

    async def approve(self, request_id: str, person: Person, typed: str = "") -> Decided:
        """Count an approval; with enough of them the run begins, in the background.

        Args:
            request_id: which request.
            person: who approves it.
            typed: the name of the target as they typed it; only what cannot be undone takes it.

        Raises:
            UnknownRequest: there is no such request.
            LedgerError: it could not be written down, and so does not count.
        """
        decided = await self._decide(request_id, person, Verdict.APPROVE, typed=typed)
        if decided.ok:
            self._begin(decided.request)
        return decided

    async def deny(self, request_id: str, person: Person, reason: str) -> Decided:
        """Count a denial: the request is over.

        Raises:
            UsageError: it would count, and no reason is given.
            UnknownRequest: there is no such request.
            LedgerError: it could not be written down, and so does not count.
        """
        return await self._decide(request_id, person, Verdict.DENY, reason=reason)

    async def withdraw(self, request_id: str, person: Person) -> Decided:
        """Take one's own request back.

        Raises:
            UnknownRequest: there is no such request.
        """
        return await self._ledger.withdraw(request_id, person)

    async def cancel(self, request_id: str, person: Person) -> Decided:
        """Have a run stop before its next step and go back, while it still can; for its requester and for approvers.

        Raises:
            UnknownRequest: there is no such request.
            LedgerError: it could not be written down, and so does not count.
        """
        return await self._answers.cancel(request_id, person)

    async def answer(
        self, request_id: str, person: Person, answer: Answer, asked_at: datetime | None = None
    ) -> Decided:
        """Tell a run that asks how it goes on; counts once.

        Args:
            request_id: which run.
            person: who says so: an approver, or the requester where nothing is destroyed by it.
            answer: resume, roll back or abandon.
            asked_at: when the question was asked that the person has read; without it the newest is meant.

        Raises:
            UnknownRequest: there is no such request.
            LedgerError: it could not be written down, and so does not count.
        """
        decided = await self._answers.answer(request_id, person, answer, asked_at)
        if decided.ok and self._terms.begins_at_once and decided.request.standing is RunState.UNSETTLED:
            self._runner.take_over(decided.request.id)
        return decided

    async def show(self, request_id: str) -> Request:
        """One request with its run.

        Raises:
            UnknownRequest: there is no such request.
        """
        return await self._ledger.request(request_id)

    async def timeline(self, request_id: str) -> tuple[tuple[AuditRow, ...], AuditCheck]:
        """What the audit tells of one request, and whether all of the audit is in order.

        Raises:
            UnknownRequest: it holds nothing of it.
            LedgerError: the ledger cannot be read.
        """
        return await self._ledger.timeline(request_id)

    async def audited(self) -> AuditCheck:
        """Whether the audit is in order.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        return await self._ledger.verify_audit()

    async def runs(self, limit: int = 20, target: str | None = None) -> tuple[Request, ...]:
        """The newest requests, the newest first."""
        return await self._ledger.runs(limit, target)

    async def waiting_beside(self, request: Request) -> str:
        """Which other requests about the same target wait for approval, in a sentence; empty where none does."""
        waiting = await self._ledger.runs(20, request.target, (RequestState.WAITING,))
        others = [f"{one.id} ({one.action}, {one.requester.name})" for one in waiting if one.id != request.id]
        if not others:
            return ""
        wait = "waits" if len(others) == 1 else "wait"
        return (
            f"On {request.target} {wait} for approval as well: {listed(others)}. Withdraw or deny what is not needed: "
            "each of them is approved, and carried out, on its own."
        )

    async def see_to(self, request: Request) -> None:
        """Take in hand what no process has: begin what is approved, settle what was cut off. In the background."""
        if request.standing is RequestState.APPROVED:
            self._runner.start(request.id)
        elif request.standing is RunState.UNSETTLED:
            await self._recovery.settle(request)

    async def recover(self, every_s: float = 3.0) -> None:
        """See to what an earlier process has left, and from now on to all that falls due, every few seconds.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        await self._ledger.replicas.beat(self._settings)
        await self._recovery.once()
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_recovering(every_s))

    async def aclose(self, patience_s: float = 30.0) -> None:
        """Begin nothing more; let what is in hand go on to its end for so long, else leave it for settlement."""
        self._closing.set()
        await self._runner.aclose(patience_s)
        if self._watch is not None:
            await self._watch
            await self._gone()
        await self._connections.aclose()

    async def _gone(self) -> None:
        try:
            await self._ledger.replicas.leave()
        except LedgerError as error:  # It lapses.
            log.warning("that this process ends could not be written down: %s", error)

    def _begin(self, request: Request) -> None:
        if self._terms.begins_at_once and request.state is RequestState.APPROVED:
            self._runner.start(request.id)

    async def _decide(
        self, request_id: str, person: Person, verdict: Verdict, *, reason: str = "", typed: str = ""
    ) -> Decided:
        request = await self._ledger.request(request_id)
        if request.state is RequestState.WAITING and request.requester.id != person.id:
            why = await self._policy.may_approve(case_of(request), person.id, request.requester.id)
            if why is None and verdict is Verdict.APPROVE:
                why = _not_typed(request, typed)
            if why is not None:
                await self._ledger.audit(f"request.{verdict}", person, request.id, counts=False, answer=why)
                return Decided(ok=False, request=request, why=why)
            if verdict is Verdict.DENY and not reason.strip():
                raise UsageError(
                    f'Say with --reason "…" why {request.id} shall not be: the requester reads it, and it stays in the '
                    "audit."
                )
        return await self._ledger.decide(request.id, person, verdict, reason)

    async def _keep_recovering(self, every_s: float) -> None:
        while not await within(self._closing, every_s):
            try:
                await self._ledger.replicas.beat(self._settings)
                await self._recovery.once()
            except LedgerError as error:
                log.warning("what is due could not be seen to, and is tried again: %s", error)
            except Exception:
                log.exception("What is due could not be seen to; it is tried again.")


def _not_typed(request: Request, typed: str) -> str | None:
    """Why the approval of what cannot be undone does not count: the name of its target was not typed."""
    if request.plan.risk is not Risk.IRREVERSIBLE or typed.strip() == request.target:
        return None
    said = f"you typed {quoted(typed)}" if typed.strip() else "nothing was typed"
    return (
        f"This cannot be undone: to approve it, type the name of its target, {request.target}; {said}. Nothing counts."
    )
