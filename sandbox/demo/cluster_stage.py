"""The stage of a Redis Cluster: three shards, each with a replica on another host than its master."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.demo.stage import LIMITED, NAME, WRITES_A_SECOND, counts, pressed
from sandbox.monitoring import Watched
from sandbox.redis import Build, Cluster, ClusterLoad, Server, Shape, cluster
from sandbox.slack import DemoButton


@dataclass(frozen=True, slots=True)
class ClusterStage:
    """Three masters and their replicas on three hosts."""

    made: Cluster
    load: ClusterLoad
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Mapping[str, object]:
        """See ``Stage.target``."""
        return {"kind": "cluster", "nodes": list(self.made.node_addresses)}

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """See ``Stage.places``."""
        return [("Redis Cluster", ", ".join(self.made.node_addresses))]

    @property
    def watched(self) -> Watched:
        """See ``Stage.watched``."""
        return Watched(NAME, self.made.node_addresses)

    async def masters(self) -> str:
        """See ``Stage.masters``."""
        return ", ".join(node.address for node in await self.made.masters())

    @property
    def buttons(self) -> Sequence[DemoButton]:
        """See ``Stage.buttons``."""
        return [
            DemoButton("stop-master", "Stop a master", "kill -9: of the first slots", pressed(self._stop)),
            DemoButton("hang-master", "Hang a master", "SIGSTOP: it answers nothing", pressed(self._hang)),
            DemoButton("lose-majority", "Lose two masters", "nobody can vote", pressed(self._lose_majority)),
            DemoButton("open-slot", "Leave a slot open", "a resharding that broke off", pressed(self._open)),
            DemoButton("heal", "Mend everything", "open slots, hung and dead nodes", pressed(self._heal), "Mend"),
            counts(self._lost),
        ]

    async def _stop(self) -> str:
        master = await self._master()
        await master.kill()
        return f"The master {master.address} was killed (kill -9)."

    async def _hang(self) -> str:
        master = await self._master()
        await master.hang()
        return f"The master {master.address} hangs (SIGSTOP): connections stay open, nothing is answered."

    async def _lose_majority(self) -> str:
        lost = (await self.made.masters())[:2]
        for master in lost:
            await master.kill()
        return f"The masters {', '.join(node.address for node in lost)} were killed: one is left, and nobody can vote."

    async def _open(self) -> str:
        source, other, *_ = await self.made.masters()
        await source.command("CLUSTER", "SETSLOT", await _one_of(source), "MIGRATING", await _node_id(other))
        return f"A slot of {source.address} is on its way to {other.address}, and nobody moves it."

    async def _heal(self) -> str:
        for node in self.made.nodes:
            if node.hung:
                await node.resume()
            if not node.running:
                await node.start()
        for node in await self.made.masters():
            await node.command("CLUSTER", "SETSLOT", await _one_of(node), "STABLE")
        await self.made.ready()
        return "Everything runs, no slot is open, and all replicas are in sync."

    async def _lost(self) -> str:
        return f"{await self.load.lost()} of {self.load.acked} acknowledged writes are missing."

    async def _master(self) -> Server:
        masters = await self.made.masters()
        if not masters:
            raise LookupError("No running node is a master.")
        return masters[0]


@contextlib.asynccontextmanager
async def with_cluster(build: Build) -> AsyncIterator[ClusterStage]:
    """Three shards on three hosts, each with one replica."""
    shape = Shape(hosts=3, node_timeout_ms=5000)
    # With an AOF, so that a master which is killed and started again has not forgotten its data.
    async with (
        cluster(build, shape, appendonly=True, extra_config=LIMITED) as made,
        ClusterLoad(made, rate=WRITES_A_SECOND, process=True) as load,
    ):
        yield ClusterStage(made, load)


async def _node_id(node: Server) -> str:
    return str(await node.command("CLUSTER", "MYID"))


async def _one_of(node: Server) -> int:
    """A slot that this master owns, the same each time."""
    for first, _, (host, port, *_), *_ in await node.command("CLUSTER", "SLOTS"):
        if f"{host}:{port}" == node.address:
            return int(first)
    raise LookupError(f"{node.address} owns no slot.")
