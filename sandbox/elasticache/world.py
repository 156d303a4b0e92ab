"""The account behind the local ElastiCache: its groups, events and clock, and the changes that are under way."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticache.clock import Clock
from sandbox.elasticache.errors import group_not_found
from sandbox.elasticache.events import EventLog
from sandbox.elasticache.faults import Faults
from sandbox.elasticache.state import Group


@dataclass
class Timing:
    """How long AWS takes, in seconds; in reality minutes.

    `change` is a modification, `detection` the time without a primary until a replica is promoted, `dns` the time
    from then until the endpoint leads there, `replacement` the time until the node that was lost begins anew, `late`
    what a mishap puts between things that belong together.
    """

    change: float = 0.3
    detection: float = 0.3
    dns: float = 0.1
    replacement: float = 0.3
    late: float = 1.0


@dataclass
class World:
    """Everything that calls and changes share."""

    region: str
    timing: Timing
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    groups: dict[str, Group] = field(default_factory=dict)
    events: EventLog = field(init=False)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _going_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.events = EventLog(self.clock)
        self._going_on.set()

    def hold(self) -> None:
        """Let no change go on, also none that begins later, until `release`."""
        self._going_on.clear()

    def release(self) -> None:
        """Let changes go on."""
        self._going_on.set()

    async def passes(self, seconds: float) -> None:
        """Wait in a change for this time, and for as long as changes are held."""
        await asyncio.sleep(seconds)
        await self._going_on.wait()

    def group(self, group_id: str) -> Group:
        """The group with this id in any case; AwsError where there is none."""
        if group_id.lower() not in self.groups:
            raise group_not_found(group_id)
        return self.groups[group_id.lower()]

    @property
    def busy(self) -> bool:
        """Whether a change goes on, which one that is stuck does not."""
        return not all(task.done() for task in self._under_way)

    def start(self, change: Coroutine[Any, Any, None]) -> None:
        """Let a change go on by itself."""
        self._under_way.add(asyncio.create_task(change))

    async def settled(self) -> None:
        """Wait until no change is under way; raises what went wrong in one."""
        while self._under_way:
            task = next(iter(self._under_way))
            await asyncio.wait([task])
            self._under_way.discard(task)
            task.result()

    async def close(self) -> None:
        """Stop every change; raises what went wrong in one before."""
        tasks, self._under_way = self._under_way, set()
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
