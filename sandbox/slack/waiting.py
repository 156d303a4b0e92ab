"""Waits for something to become true in the local Slack, and says what was there when it did not."""

import time
from collections.abc import Callable
from typing import TypeVar

from sandbox.slack.state import World
from sandbox.slack.transcript import everything

Found = TypeVar("Found")
LOOK_AGAIN_SECONDS = 0.1


async def waits_for(world: World, predicate: Callable[[], Found], within: float, what: str) -> Found:
    """Return the predicate's first truthy value, looking again at each change of the world.

    It also looks ten times a second, for predicates about things outside of this world. Raises AssertionError with a
    transcript of everything after `within` seconds.
    """
    end = time.monotonic() + within
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"Waited {within:g} s for {what}, in vain.\n{everything(world)}")
        await world.wait_change(LOOK_AGAIN_SECONDS)
