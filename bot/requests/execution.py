"""Carries approved requests out in the background, and takes over those whose process was lost.

A run that stops without an end, for whatever reason, is left alone: its lease lapses, and then it is settled by
looking, here or in another process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from actions.kit.errors import Refused, TandemError
from actions.kit.loop import Ending, Journal, StepState, carry_out, settle
from actions.kit.plan import SettingChange, Step
from bot.ledger import Busy, Lease, LeaseLost, Ledger
from bot.requests.notices import Notices
from bot.requests.planning import Connections, Planner

log = logging.getLogger(__name__)

_Work = Callable[[str], Awaitable[None]]


class Runner:
    """The runs that this process has in hand."""

    def __init__(self, ledger: Ledger, connections: Connections, planner: Planner, notices: Notices) -> None:
        self._ledger = ledger
        self._connections = connections
        self._planner = planner
        self._notices = notices
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    def start(self, request_id: str) -> None:
        """Carry an approved request out, unless this is being done."""
        self._hold(request_id, self._carry_out)

    def take_over(self, request_id: str) -> None:
        """Settle a run whose lease is over, unless this process still works on it."""
        self._hold(request_id, self._settle)

    async def aclose(self, patience_s: float) -> None:
        """Let the runs go on to their end for so long; then leave them for settlement, with their fences up."""
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
        task = asyncio.create_task(self._shielded(request_id, work))
        self._tasks[request_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(request_id, None))

    async def _shielded(self, request_id: str, work: _Work) -> None:
        try:
            await work(request_id)
        except Busy:
            await self._say_busy(request_id)
        except (LeaseLost, Refused) as error:
            log.info("%s", error)  # Another process was quicker, and tells the view.
        except TandemError:
            log.exception("%s stopped without an end, and is left for settlement.", request_id)
        except Exception:
            log.exception("%s stopped on an error of our own, and is left for settlement.", request_id)

    async def _carry_out(self, request_id: str) -> None:
        lease = await self._ledger.begin(request_id)
        async with self._ledger.kept(lease):
            request = await self._ledger.request(request_id)
            drift = await self._planner.drift(request)
            if drift:
                self._notices.drifted(await self._ledger.void(lease, " ".join(drift)), drift)
                return
            hands = self._connections.hands(request.target)
            await self._end(lease, await carry_out(request.plan.steps, hands, self._journal(lease)))

    async def _settle(self, request_id: str) -> None:
        lease = await self._ledger.claim(request_id)
        if lease is None:
            return
        log.warning("%s was cut off; it is settled by looking.", request_id)
        async with self._ledger.kept(lease):
            request = await self._ledger.request(request_id)
            reached = request.run.reached if request.run else -1
            hands = self._connections.hands(request.target)
            await self._end(lease, await settle(request.plan.steps, reached, hands, self._journal(lease)))

    async def _end(self, lease: Lease, ending: Ending) -> None:
        self._notices.ended(await self._ledger.end(lease, ending))

    async def _say_busy(self, request_id: str) -> None:
        request = await self._ledger.request(request_id)
        self._notices.decided(request)
        self._notices.told(request, request.requester, f"{request.id} was not carried out: {request.why}")

    def _journal(self, lease: Lease) -> Journal:
        def changed() -> None:
            self._notices.progressed(lease.run_id, self._ledger.request)

        changed()
        return _Shown(self._ledger.journal(lease), changed)


class _Shown(Journal):
    """A journal whose entries are shown once they are written."""

    def __init__(self, journal: Journal, changed: Callable[[], None]) -> None:
        self._journal = journal
        self._changed = changed

    async def intends(self, index: int, step: Step) -> None:
        await self._journal.intends(index, step)
        self._changed()

    async def ended(self, index: int, state: StepState, note: str) -> None:
        await self._journal.ended(index, state, note)
        self._changed()

    async def repaid(self, change: SettingChange) -> None:
        await self._journal.repaid(change)
