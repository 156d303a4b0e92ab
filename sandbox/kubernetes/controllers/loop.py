"""Runs all controllers again whenever an object has changed, and now and then, since some wait for time to pass."""

import asyncio
from collections.abc import Callable, Sequence

from sandbox.kubernetes.api.store import Store

_TICK_S = 0.1


async def run(store: Store, controllers: Sequence[Callable[[], None]]) -> None:
    """Run until cancelled. A controller never waits, so that each sees the objects as the one before left them."""
    with store.woken() as changed:
        while True:
            changed.clear()
            for reconcile in controllers:
                reconcile()
            try:
                async with asyncio.timeout(_TICK_S):
                    await changed.wait()
            except TimeoutError:
                continue
