"""Watches whether Slack is heard, and keeps that in the ledger, so that a time in which nobody listened is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.ledger import LedgerError
from bot.ledger.hearing import Hearing

log = logging.getLogger(__name__)

LOOK_S = 1.0
KEEP_S = 3.0
PATIENCE_S = 10.0
"""A shorter break tells nobody: so long a proof can be old, and a restart can take."""

Proof = Callable[[], Awaitable[float | None]]
"""How many seconds ago Slack last gave a proof that it reaches us; ``None`` where it does not."""


class Watch:
    """One for each process that has Slack."""

    def __init__(self, hearing: Hearing, proof: Proof) -> None:
        self._hearing, self._proof = hearing, proof
        self._began: float | None = None
        self._kept = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """End; what was heard last is kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._look(at_once=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._look(at_once=False)
            except Exception:
                log.exception("whether Slack is heard could not be seen")
            await asyncio.sleep(LOOK_S)

    async def _look(self, *, at_once: bool) -> None:
        now, age = asyncio.get_running_loop().time(), await self._proof()
        if age is None:
            self._began = None
            return
        anew, self._began = self._began is None, now - age if self._began is None else self._began
        if not (anew or at_once or now - self._kept >= KEEP_S):
            return
        try:
            deaf = await self._hearing.heard(now - self._began, age, PATIENCE_S)
        except LedgerError as error:
            log.warning("that Slack is heard could not be kept: %s", error)
            return
        self._kept = now
        if deaf is not None:
            log.warning("nobody had heard Slack", extra={"seconds": round(deaf.total_seconds())})
