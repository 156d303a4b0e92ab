"""The running bot as others see it: whether Slack reaches it, and why it cannot go on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from slack_bolt.async_app import AsyncApp

from bot.slack.sockets import Sockets


@dataclass
class Service:
    """The running bot. ``failed`` is set where it cannot go on; then ``why`` says what is wrong."""

    port: int = 0
    over_sockets: bool = True
    bolt: AsyncApp | None = None
    sockets: Sockets | None = None
    why: str = ""
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    async def why_not_ready(self) -> str | None:
        """``None`` when Slack's commands and clicks reach us."""
        if self.bolt is None:
            return "Slack has not said yet who we are."
        return "No Socket Mode connection is alive." if await self.connections() == 0 else None

    async def connections(self) -> int | None:
        """How many Socket Mode connections are alive; ``None`` where Slack comes over signed HTTP."""
        if not self.over_sockets:
            return None
        return 0 if self.sockets is None else await self.sockets.connected()

    async def proof(self) -> float | None:
        """How many seconds ago Slack showed that it reaches us; ``None`` where it does not.

        Over signed HTTP nothing shows that: there it counts that we listen.
        """
        if self.bolt is None or (self.over_sockets and self.sockets is None):
            return None
        return 0.0 if self.sockets is None else await self.sockets.proof()
