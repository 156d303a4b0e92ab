"""Carries approved requests out in the background, and takes over those whose process was lost.

A run that stops without an end, for whatever reason, is left alone: its lease lapses, and then it is settled by
looking, here or in another process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from actions.kit.errors import Refused, TandemError
from actions.kit.loop import carry_out, settle
from bot.ledger import Busy, LeaseLost, Ledger
from bot.requests.planning import Connections, Planner

log = logging.getLogger(__name__)

_Work = Callable[[str], Awaitable[None]]


class Runner:
    """The runs that this process has in hand."""

    def __init__(self, ledger: Ledger, connections: Connections, planner: Planner) -> None:
        self._ledger = ledger
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
        except (Busy, LeaseLost, Refused) as error:
            log.info("%s", error)  # The ledger tells people that the target is busy; or another process was quicker.
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
                await self._ledger.void(lease, drift)
                return
            hands = self._connections.hands(request.target)
            await self._ledger.end(lease, await carry_out(request.plan.steps, hands, self._ledger.journal(lease)))

    async def _settle(self, request_id: str) -> None:
        lease = await self._ledger.claim(request_id)
        if lease is None:
            return
        log.warning("%s was cut off; it is settled by looking.", request_id)
        async with self._ledger.kept(lease):
            request = await self._ledger.request(request_id)
            reached = request.run.reached if request.run else -1
            hands = self._connections.hands(request.target)
            journal = self._ledger.journal(lease)
            await self._ledger.end(lease, await settle(request.plan.steps, reached, hands, journal))
