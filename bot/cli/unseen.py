"""A view that shows nothing: in a terminal people follow the ledger itself."""

from __future__ import annotations

from bot.ledger import Person, Request
from bot.policy import Eligibility


class Unseen:
    """``bot.requests.View`` for a process that does not speak to Slack."""

    async def requested(self, request: Request, eligibility: Eligibility) -> None:
        """Show nothing."""

    async def decided(self, request: Request) -> None:
        """Show nothing."""

    async def progressed(self, request: Request) -> None:
        """Show nothing."""

    async def ended(self, request: Request) -> None:
        """Show nothing."""

    async def drifted(self, request: Request, difference: tuple[str, ...]) -> None:
        """Show nothing."""

    async def expired(self, request: Request) -> None:
        """Show nothing."""

    async def told(self, person: Person, text: str) -> None:
        """Show nothing."""

    async def announced(self, channel: str, by: Person, text: str) -> None:
        """Show nothing."""
