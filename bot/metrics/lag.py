"""Samples how late the event loop is: by how much what blocks it keeps everything else waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

EVERY_S = 0.25


async def sample(lagged: Callable[[float], None]) -> None:
    """Tell for ever how much later than due the loop came back, in seconds."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        lagged(max(0.0, loop.time() - due))
