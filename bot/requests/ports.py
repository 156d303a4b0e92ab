"""What the life of a request needs of the outside. No I/O here."""

from __future__ import annotations

from typing import Protocol

from actions.kit.ports import Hands
from bot.ledger.records import Person, Request
from bot.policy import Eligibility


class Connection(Hands, Protocol):
    """Hands that stay open between requests."""

    async def aclose(self) -> None:
        """Close what is open."""


class View(Protocol):
    """Where people see what happens. Its failures are logged, and never stop, repeat or skip a step.

    The calls for one request come one after the other; a run does not wait for them.
    """

    async def requested(self, request: Request, eligibility: Eligibility) -> None:
        """A request was filed."""

    async def decided(self, request: Request) -> None:
        """Somebody approved or denied it, its requester withdrew it, or its target was busy."""

    async def progressed(self, request: Request) -> None:
        """A step of its run began or ended; calls that come close together are made one."""

    async def ended(self, request: Request) -> None:
        """Its run has ended."""

    async def drifted(self, request: Request, difference: tuple[str, ...]) -> None:
        """What was approved is no longer so: the approval is void."""

    async def expired(self, request: Request) -> None:
        """Its deadline has passed."""

    async def told(self, person: Person, text: str) -> None:
        """Something that one person should know."""

    async def announced(self, channel: str, by: Person, text: str) -> None:
        """Something that somebody did and that a channel has to know; ``text`` goes on after the name."""
