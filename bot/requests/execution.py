"""Carries approved requests out in the background, and takes over those whose process was lost.

A run that stops without an end, for whatever reason, is left alone: its lease lapses, and then it is settled by
looking, here or in another process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from actions.kit.errors import Refused, Stopped, TandemError
from actions.kit.loop import Journal, Outcome, StepState, carry_out
from actions.kit.plan import SettingChange, Step, stage_of
from actions.kit.settlement import Answer, CutOff, Question, settle
from bot import logs
from bot.ledger import TANDEM, Busy, Claim, Lease, LeaseLost, Ledger, Request
from bot.requests.planning import Connections, Planner

log = logging.getLogger(__name__)

_Work = Callable[[str], Awaitable[None]]


class Runner:
    """The runs that this process has in hand.

    Args:
        ledger: where they are written down.
        connections: the hands on their targets.
        planner: says whether all is still as it was approved.
        looks_for_s: for how long a run that was cut off is settled by looking before a person is asked, in seconds.
    """

    def __init__(self, ledger: Ledger, connections: Connections, planner: Planner, looks_for_s: float) -> None:
        self._ledger = ledger
        self._looks_for_s = looks_for_s
        self._connections = connections
        self._planner = planner
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    def start(self, request_id: str) -> None:
        """Carry an approved request out, unless this is being done."""
        self._hold(request_id, self._carry_out)

    def take_over(self, request_id: str) -> None:
        """Settle a run whose lease is over, unless this process still works on it."""
        self._hold(request_id, self._settle)

    async def aclose(self, patience_s: float) -> None:
        """Let the steps in hand end. A run that can go back does, for another process to begin it again; others go on.

        After so long what is left is handed over too, or left for settlement where nobody else is there.
        """
        self._closing = True
        if not self._tasks:
            return
        _, late = await asyncio.wait(list(self._tasks.values()), timeout=patience_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _hold(self, request_id: str, work: _Work) -> None:
        if self._closing or request_id in self._tasks:
            return
        with logs.about(request=request_id):
            task = asyncio.create_task(self._shielded(request_id, work))
        self._tasks[request_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(request_id, None))

    async def _shielded(self, request_id: str, work: _Work) -> None:
        try:
            await work(request_id)
        except (Busy, LeaseLost, Refused) as error:
            log.info("%s", error)  # The ledger tells people that the target is busy; or another process was quicker.
        except TandemError:
            log.exception("%s stopped without an end, and is left for settlement.", request_id)
        except Exception:
            log.exception("%s stopped on an error of our own, and is left for settlement.", request_id)

    async def _carry_out(self, request_id: str) -> None:
        lease = await self._ledger.begin(request_id)
        async with self._ledger.kept(lease):
            await self._from_the_first_step(lease, await self._ledger.request(request_id))

    async def _from_the_first_step(self, lease: Lease, request: Request) -> None:
        drift = await self._planner.drift(request)
        if drift:
            await self._ledger.void(lease, drift)
            return
        hands = self._connections.hands(request.target)
        journal = _Halting(self._ledger.journal(lease), request.plan.turning, lambda: self._closing)
        try:
            ending = await carry_out(request.plan.steps, hands, journal)
        except asyncio.CancelledError:
            await self._leave(lease, put_back=False)
            raise
        if journal.halted and ending.outcome is Outcome.UNDONE and await self._leave(lease, put_back=True):
            return
        await self._ledger.end(lease, ending)

    async def _leave(self, lease: Lease, *, put_back: bool) -> bool:
        """Hand a run over at once; says whether there is anybody to take it."""
        if await self._ledger.replicas.others():
            await self._ledger.stops.hand_over(lease, put_back=put_back)
            return True
        if not put_back:
            await self._ledger.questions.release(lease)
        return False

    async def _settle(self, request_id: str) -> None:
        claim = await self._ledger.claim(request_id)
        if claim is None:
            return
        log.warning("%s was cut off; it is settled by looking.", request_id)
        async with self._ledger.kept(claim):
            request = await self._ledger.request(request_id)
            hands, journal = self._connections.hands(request.target), self._ledger.journal(claim)
            cut = _cut_off(claim, request)
            settled = await settle(request.plan.steps, cut, hands, journal, within_s=self._looks_for_s)
            if isinstance(settled, Question):
                await self._ledger.questions.ask(claim, settled)
            elif settled.outcome is Outcome.UNDONE and _begins_again(claim):
                await self._ledger.questions.again(claim)
                await self._from_the_first_step(claim, request)
            else:
                await self._ledger.end(claim, settled)


class _Halting(Journal):
    """Lets no step begin while the process is to end, where the run can still go back."""

    def __init__(self, journal: Journal, turning: int, closing: Callable[[], bool]) -> None:
        self._journal, self._turning, self._closing = journal, turning, closing
        self.halted = False

    async def intends(self, index: int, step: Step) -> None:
        if index <= self._turning and self._closing():
            self.halted = True
            raise Stopped("Tandem was stopped, and no other process was there to go on; ask again.")
        await self._journal.intends(index, step)

    async def ended(self, index: int, state: StepState, note: str) -> None:
        await self._journal.ended(index, state, note)

    async def owes(self, change: SettingChange) -> None:
        await self._journal.owes(change)

    async def repaid(self, change: SettingChange) -> None:
        await self._journal.repaid(change)


def _cut_off(claim: Claim, request: Request) -> CutOff:
    steps = request.run.steps if request.run else ()
    done = [step.index for step in steps if step.state in (StepState.DONE, StepState.ALREADY)]
    reached = request.run.reached if request.run else -1
    stage = stage_of(request.plan.steps, max(reached, 0))
    passed = any(request.plan.steps[index].point_of_no_return for index in done if index >= stage)
    told = claim.answered if claim.answered and claim.answered.person != TANDEM else None
    return CutOff(reached, passed, claim.times, claim.in_time, told.answer if told else None)


def _begins_again(claim: Claim) -> bool:
    """Once all is put back: where a person wants it, or a process that was stopped has handed it over in time."""
    told = claim.answered
    return told is not None and told.answer is Answer.RESUME and (claim.in_time or told.person != TANDEM)
