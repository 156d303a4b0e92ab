"""One message that follows something: updated in place, not too often, and the last state always gets out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.render.blocks import Message
from bot.slack.messages import CannotPost, Messages
from bot.slack.tasks import Tasks

log = logging.getLogger(__name__)

INTERVAL_S = 1.5
MAX_ATTEMPTS = 8
MAX_WAIT_S = 30.0

Moved = Callable[[str, str], Awaitable[None]]
Lost = Callable[[CannotPost], Awaitable[None]]


class Budget:
    """How often all live messages together may be updated: the more there are, the longer each one waits."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self.active = 0

    @property
    def interval_s(self) -> float:
        """Seconds between two updates of one message."""
        return self._interval_s * max(1, self.active)


class LiveMessage:
    """A message at ``channel`` and ``ts``; states that come while one is on its way are skipped but for the last.

    Args:
        messages: how to update and post.
        budget: shared by all live messages.
        tasks: who keeps the sender.
        place: channel and ts.
        moved: told the new place when the message had been deleted and was posted once more.
        lost: told when the channel takes nothing any more; nothing is sent from then on.
    """

    def __init__(
        self, messages: Messages, budget: Budget, tasks: Tasks, place: tuple[str, str], moved: Moved, lost: Lost
    ) -> None:
        self.channel, self.ts = place
        self.gone = False
        self._messages, self._budget, self._tasks = messages, budget, tasks
        self._moved, self._lost = moved, lost
        self._next: Message | None = None
        self._shown: Message | None = None
        self._sender: asyncio.Task[None] | None = None
        self._sent_at = float("-inf")
        self._reposted = False

    def show(self, message: Message) -> None:
        """Have this shown soon; returns at once."""
        if self.gone or message == self._shown:
            return
        self._next = message
        if self._sender is None or self._sender.done():
            self._sender = self._tasks.start(self._send())

    async def settled(self) -> None:
        """Wait until the last state was sent, or cannot be."""
        while self._sender is not None and not self._sender.done():
            await asyncio.wait([self._sender])

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        attempts = 0
        self._budget.active += 1
        try:
            while self._next is not None and not self.gone:
                await asyncio.sleep(max(0.0, self._sent_at + self._budget.interval_s - loop.time()))
                message, self._next = self._next, None
                failed = await self._put(message)
                self._sent_at = loop.time()
                if failed is None:
                    self._shown, attempts = message, 0
                    continue
                attempts += 1
                self._next = self._next or message
                if attempts >= MAX_ATTEMPTS:
                    log.warning("a message could not be updated", extra={"channel": self.channel, "error": failed})
                    return
                await asyncio.sleep(min(MAX_WAIT_S, 2.0**attempts * 0.5))
        finally:
            self._budget.active -= 1

    async def _put(self, message: Message) -> str | None:
        """Update, or post once more where the message was deleted; the error's code where it may go later."""
        try:
            await self._messages.update(self.channel, self.ts, message)
        except CannotPost as error:
            if error.code == "message_not_found":
                return await self._post_again(message, error)
            if error.for_good:
                await self._give_up(error)
                return None
            return error.code
        return None

    async def _post_again(self, message: Message, missing: CannotPost) -> str | None:
        if self._reposted:  # Somebody does not want it here.
            await self._give_up(missing)
            return None
        try:
            self.channel, self.ts = await self._messages.post(self.channel, message)
        except CannotPost as error:
            if not error.for_good:
                return error.code
            await self._give_up(error)
            return None
        self._reposted = True
        await self._moved(self.channel, self.ts)
        return None

    async def _give_up(self, error: CannotPost) -> None:
        self.gone = True
        self._next = None
        await self._lost(error)
