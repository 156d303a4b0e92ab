"""What a place has to be able to do for a rescue copy to be put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Draft(Protocol):
    """A file that is being written. It has its name only after ``publish``; ``discard`` it if that never comes."""

    async def write(self, chunk: bytes) -> None:
        """Add these bytes.

        Raises:
            RescueFailed: there is no room for them.
        """

    async def seal(self, sha256: str) -> Mapping[str, Any]:
        """Make sure that all of it is there: it is read again and hashed, where that can be.

        Returns:
            What the store needs to prove it later on, fit for JSON.

        Raises:
            RescueFailed: it is not what was written.
        """

    async def publish(self) -> None:
        """Give it its name; never in the place of something else.

        Raises:
            RescueFailed: there is such a file meanwhile, or it is not what was written.
        """

    async def discard(self) -> None:
        """Remove what is there of it; nothing where it has been published."""


class Store(Protocol):
    """A place for the copies of one target. All raise ``RescueFailed``, or ``Unreachable`` if it gives no answer."""

    @property
    def where(self) -> str:
        """The place, for a person."""

    def path(self, file: str) -> str:
        """Where this file is, for a person."""

    async def free_bytes(self) -> int | None:
        """What is free there; ``None`` where the place does not say.

        Raises:
            RescueFailed: nothing can be written there.
        """

    async def read(self, file: str) -> bytes | None:
        """A small file; ``None`` where there is none."""

    async def put(self, file: str, content: bytes, *, over: bool) -> None:
        """Write a small file, whole or not at all; what is there already stays, unless ``over``."""

    async def draft(self, file: str) -> Draft:
        """Begin a large file.

        Raises:
            RescueFailed: there is one of this name, or somebody writes it.
        """

    async def intact(self, file: str, size_bytes: int, sha256: str, proof: Mapping[str, Any]) -> bool | None:
        """Whether it is what it was; ``None`` where it is not there. ``proof`` is from ``Draft.seal``."""
