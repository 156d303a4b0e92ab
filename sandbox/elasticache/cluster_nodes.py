"""What is underneath the node groups of a group with cluster mode enabled: the shards of one real cluster."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from redis.exceptions import ResponseError

from sandbox.elasticache.nodes import SYNC_S, in_step, received
from sandbox.redis.cluster_topology import Cluster
from sandbox.redis.link import LinkProcess
from sandbox.redis.server import Server, role_of

_POLL_S = 0.03


class RealCluster:
    """The whole cluster and the configuration endpoint, which leads to one of its nodes."""

    def __init__(self, cluster: Cluster, folder: TemporaryDirectory[str], links: LinkProcess) -> None:
        self.cluster = cluster
        self._folder, self._links = folder, links
        self._ended = False

    @classmethod
    async def start(cls, cluster: Cluster, folder: TemporaryDirectory[str]) -> "RealCluster":
        """Start the servers, whose files are in the folder, and the endpoint."""
        links = await LinkProcess.start({"configuration": (cluster.endpoint, cluster.nodes[0].spec.bind)})
        whole = cls(cluster, folder, links)
        try:
            await cluster.start()
        except BaseException:
            await whole.end()
            raise
        return whole

    async def lead_to(self, node: Server) -> None:
        """Let the configuration endpoint lead to this node."""
        await self._links.links["configuration"].lead_to(node.spec.bind)

    async def end(self) -> None:
        """Kill every process; again does nothing."""
        if not self._ended:
            self._ended = True
            await self.cluster.end()
            await self._links.end()
            self._folder.cleanup()


class ShardNodes:
    """The nodes of one shard, from 0; see sandbox.elasticache.nodes.Nodes."""

    def __init__(self, whole: RealCluster, shard: int) -> None:
        self.whole = whole
        self.servers: Sequence[Server] = (whole.cluster.primaries[shard], *whole.cluster.replicas(shard))
        self.addresses = tuple(node.spec.announced for node in self.servers)
        self.primary_endpoint = self.reader_endpoint = whole.cluster.endpoint

    async def kill(self, index: int) -> None:
        """SIGKILL; it keeps its place in the cluster, but no data."""
        await self.servers[index].kill()

    async def freshest(self, among: Sequence[int]) -> int:
        """Whom the cluster has elected by itself, or who has received most."""
        roles = await asyncio.gather(*(role_of(self.servers[index]) for index in among))
        if "master" in roles:
            return among[roles.index("master")]
        offsets = await asyncio.gather(*(received(self.servers[index]) for index in among))
        return among[offsets.index(max(offsets))]

    async def promote(self, index: int) -> None:
        """CLUSTER FAILOVER TAKEOVER, unless the cluster was faster; TimeoutError after a minute as a replica."""
        node = self.servers[index]
        deadline = time.monotonic() + SYNC_S
        while await role_of(node) != "master":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{node.name} is no master {SYNC_S:g} s after it was told to take over.")
            # Refused where it has become master in the meantime.
            with contextlib.suppress(ResponseError):
                await node.command("CLUSTER", "FAILOVER", "TAKEOVER")
            await asyncio.sleep(_POLL_S)

    async def follow(self, index: int, master: int) -> None:
        """Start it anew, as a node that has never had a slot: one that believes in its old ones may win them back."""
        node = self.servers[index]
        if node.hung:
            await node.kill()
        if not node.running:
            path = self.whole.cluster.directory / node.name / "nodes.conf"
            seen = await self.servers[master].command("CLUSTER", "NODES")
            path.write_text(as_replica(path.read_text(), seen))
            await node.start()
        await in_step(node)

    async def lead(self, primary: int, readers: Sequence[int]) -> None:  # noqa: ARG002 -- There is one endpoint for both.
        """Let the configuration endpoint lead to a node that is there."""
        await self.whole.lead_to(self.servers[primary])

    async def end(self) -> None:
        """Stop the whole cluster, which has no use without this shard."""
        await self.whole.end()


def as_replica(nodes_conf: str, seen: str) -> str:
    """The nodes.conf of a node that is to be a replica of the one whose CLUSTER NODES this is."""
    master = next(line.split() for line in seen.splitlines() if "myself" in line.split()[2])
    epoch = master[6]
    lines = []
    for line in nodes_conf.splitlines():
        fields = line.split()
        if fields[0] == "vars":
            fields[2] = str(max(int(fields[2]), int(epoch)))
        elif fields[0] == master[0]:
            fields[2:] = ["master", "-", "0", "0", epoch, "connected", *master[8:]]
        elif "myself" in fields[2]:
            fields[2:] = ["myself,slave", master[0], "0", "0", epoch, "connected"]
        lines.append(" ".join(fields))
    return "\n".join([*lines, ""])
