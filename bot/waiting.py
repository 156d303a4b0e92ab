"""Waiting for something, but not for ever. No I/O here."""

from __future__ import annotations

import asyncio


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within the time, in seconds; it is not cleared."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
