"""Applications of a scenario: each writes to one node whatever becomes of it, as one that was told a fixed address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sandbox.redis.server import Credentials
from sandbox.redis.writers import LoadSpec
from sandbox.redis.writing import write
from tests.scenarios.scenario import Stage

TOGETHER_S = 100.0
"""Writes a second of all of them."""
FIRST_S = 30.0


@asynccontextmanager
async def clients(stage: Stage, numbers: tuple[int, ...]) -> AsyncIterator[None]:
    """Write to these nodes all the while; the first is a master, of which one write is awaited."""
    first = asyncio.Event()
    writing = [
        asyncio.create_task(write(_to(stage, number, TOGETHER_S / len(numbers)), lambda *_: first.set()))
        for number in numbers
    ]
    try:
        if writing:
            async with asyncio.timeout(FIRST_S):
                await first.wait()
        yield
    finally:
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


def _to(stage: Stage, number: int, rate: float) -> LoadSpec:
    nobody = Credentials()
    return LoadSpec(
        run=f"client-{number}",
        writers=1,
        rate=rate,
        timeout_s=1.0,
        discovery="fixed",
        fixed=stage.nodes[number],
        master_name="",
        sentinels=(),
        nodes=(),
        node=Credentials(username=stage.target.auth.username, password=stage.target.auth.password),
        sentinel=nobody,
    )
