"""The stages of one master and its replicas: under Sentinel, and with nobody in charge."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.demo.stage import LIMITED, NAME, WRITES_A_SECOND, Press, counts, pressed
from sandbox.monitoring import Watched
from sandbox.redis import Build, Topology, WriteLoad, faults, loaded, replication, sentinel
from sandbox.slack import DemoButton


@dataclass(frozen=True, slots=True)
class RedisStage:
    """One master, its replicas, and Sentinels where it has some."""

    topology: Topology
    load: WriteLoad
    rescues: Path
    """Where the bot puts copies of what only one of two masters has."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Mapping[str, object]:
        """See ``Stage.target``."""
        return {**described(self.topology), "rescue": {"folder": str(self.rescues)}}

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """See ``Stage.places``."""
        places = [("Redis", ", ".join(self.topology.node_addresses))]
        if self.topology.sentinels:
            places.append(("Sentinels", ", ".join(self.topology.sentinel_addresses)))
        return [*places, ("Rescue copies", str(self.rescues))]

    @property
    def watched(self) -> Watched:
        """See ``Stage.watched``."""
        return Watched(NAME, self.topology.node_addresses, self.topology.sentinel_addresses)

    async def masters(self) -> str:
        """See ``Stage.masters``."""
        return ", ".join(node.address for node in await self.topology.masters())

    @property
    def buttons(self) -> Sequence[DemoButton]:
        """See ``Stage.buttons``."""

        def on(act: Callable[[Topology], Awaitable[str]]) -> Press:
            return pressed(lambda: act(self.topology))

        return [
            DemoButton("stop-master", "Stop the master", "kill -9", on(faults.stop_master)),
            DemoButton("hang-master", "Hang the master", "SIGSTOP: it answers nothing", on(faults.hang_master)),
            DemoButton("cut-replica", "Cut a replica off", "no link to its master", on(faults.cut_replica)),
            DemoButton("split-brain", "Split the brain", "two masters, one with clients", on(faults.split_brain)),
            DemoButton("slow", "Slow the replication", "by 100 ms", on(faults.slow_replication)),
            DemoButton("heal", "Mend everything", "links, hung and dead ones", on(faults.heal_everything), "Mend"),
            counts(self._lost),
        ]

    async def _lost(self) -> str:
        """What a repair took off a second master is not lost: it is in the copy."""
        master = await self.topology.master()
        copies = sorted(self.rescues.glob("*/*.rdb"), key=lambda copy: copy.stat().st_mtime)
        missing = await self.load.lost(master)
        if not missing or not copies:
            return f"{missing} of {self.load.acked} acknowledged writes are missing on {master.address}."
        async with loaded(self.topology.settings.build, copies[-1]) as copy:
            lost = await self.load.lost(master, copy)
        return (
            f"{lost} of {self.load.acked} acknowledged writes are lost: {missing} are missing on {master.address}, and "
            f"{missing - lost} of those are in the copy {copies[-1].name}."
        )


@contextlib.asynccontextmanager
async def with_sentinel(build: Build) -> AsyncIterator[RedisStage]:
    """One master, two replicas and three Sentinels."""
    made = sentinel(build, links=True, master_name=NAME, down_after_ms=3000, extra_config=LIMITED)
    with _folder() as rescues:
        async with made as topology, _load(topology) as load:
            yield RedisStage(topology, load, rescues)


@contextlib.asynccontextmanager
async def with_nobody_in_charge(build: Build) -> AsyncIterator[RedisStage]:
    """One master and two replicas."""
    with _folder() as rescues:
        async with replication(build, links=True, extra_config=LIMITED) as topology, _load(topology) as load:
            yield RedisStage(topology, load, rescues)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tandem-rescue-") as folder:
        yield Path(folder)


def _load(topology: Topology) -> WriteLoad:
    return WriteLoad(topology, rate=WRITES_A_SECOND, process=True)


def described(topology: Topology) -> dict[str, object]:
    """The topology as targets.yaml describes it."""
    in_charge: dict[str, object] = {"kind": "replication"}
    if topology.sentinels:
        sentinels = list(topology.sentinel_addresses)
        in_charge = {"kind": "sentinel", "master_name": topology.master_name, "sentinels": sentinels}
    return {**in_charge, "nodes": list(topology.node_addresses)}
