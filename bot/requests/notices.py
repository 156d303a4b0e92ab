"""Tells the view what happens, in order, in the background: no run waits for it or fails by it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from bot.ledger import Person, Request
from bot.policy import Eligibility
from bot.requests.ports import View

log = logging.getLogger(__name__)


class Notices:
    """A queue for each request and channel; the newest task of each is remembered, and the next one waits for it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._last: dict[str, asyncio.Task[None]] = {}
        self._progress_waits: set[str] = set()

    async def requested(self, request: Request, eligibility: Eligibility) -> None:
        """Waited for: who asks wants to see the request."""
        await self._send(request.id, lambda: self._view.requested(request, eligibility))

    def decided(self, request: Request) -> None:
        """A decision, or the end of a request without a run."""
        self._send(request.id, lambda: self._view.decided(request))

    def progressed(self, request_id: str, load: Callable[[str], Awaitable[Request]]) -> None:
        """A step began or ended; the request is loaded when its turn has come, as it is then."""
        if request_id in self._progress_waits:
            return
        self._progress_waits.add(request_id)

        async def show() -> None:
            self._progress_waits.discard(request_id)
            await self._view.progressed(await load(request_id))

        self._send(request_id, show)

    def ended(self, request: Request) -> None:
        """A run has ended."""
        self._send(request.id, lambda: self._view.ended(request))

    def drifted(self, request: Request, difference: tuple[str, ...]) -> None:
        """An approval is void."""
        self._send(request.id, lambda: self._view.drifted(request, difference))

    def expired(self, request: Request) -> None:
        """A deadline has passed."""
        self._send(request.id, lambda: self._view.expired(request))

    def told(self, request: Request, person: Person, text: str) -> None:
        """Something about a request that one person should know."""
        self._send(request.id, lambda: self._view.told(person, text))

    def announced(self, channels: Iterable[str], by: Person, text: str) -> None:
        """Something that a person did and that a channel has to know; ``text`` goes on after the name."""
        for channel in dict.fromkeys(channels):
            self._send(channel, partial(self._view.announced, channel, by, text))

    async def aclose(self, patience_s: float) -> None:
        """Wait for what has not been told yet, but no longer than this."""
        waiting = list(self._last.values())
        if not waiting:
            return
        _, late = await asyncio.wait(waiting, timeout=patience_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _send(self, request_id: str, show: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._after(self._last.get(request_id), show))
        self._last[request_id] = task
        task.add_done_callback(lambda done: self._forget(request_id, done))
        return task

    async def _after(self, previous: asyncio.Task[None] | None, show: Callable[[], Awaitable[None]]) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        try:
            await show()
        except Exception:
            log.exception("A view could not show what happened.")

    def _forget(self, request_id: str, done: asyncio.Task[None]) -> None:
        if self._last.get(request_id) is done:
            del self._last[request_id]
