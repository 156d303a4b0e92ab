"""What the life of a request needs of the outside. No I/O here."""

from __future__ import annotations

from typing import Protocol

from actions.kit.ports import Hands


class Connection(Hands, Protocol):
    """Hands that stay open between requests."""

    async def aclose(self) -> None:
        """Close what is open."""
