"""Keeps hold of everything that goes on after an ack, so that nothing is lost silently or left behind at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Tasks:
    """The tasks of one part of the bot. Their errors are their own to handle; ``aclose`` waits for the rest."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin, and keep hold of it until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def aclose(self, grace_s: float = 5.0) -> None:
        """Let the tasks finish; those that take longer than ``grace_s`` are cancelled."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
