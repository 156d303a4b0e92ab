"""What is underneath a node group: real servers behind endpoints that move, or only addresses on paper."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from redis.exceptions import RedisError

from sandbox.redis.link import LinkProcess
from sandbox.redis.server import Server, role_of
from sandbox.redis.topology import Topology

Address = tuple[str, int]
SYNC_S = 60.0
_POLL_S = 0.03


class Nodes(Protocol):
    """What happens to the nodes of one node group; they are numbered from 0."""

    addresses: tuple[Address, ...]
    primary_endpoint: Address
    reader_endpoint: Address
    servers: Sequence[Server]

    async def kill(self, index: int) -> None:
        """Let the node vanish with its data."""

    async def freshest(self, among: Sequence[int]) -> int:
        """Which of these replicas has received most."""

    async def promote(self, index: int) -> None:
        """Make it a master, and its siblings that run replicas of it, but for the old master."""

    async def follow(self, index: int, master: int) -> None:
        """Make it a replica of the master, begun anew where it does not run, and wait until it is in step."""

    async def lead(self, primary: int, readers: Sequence[int]) -> None:
        """Let the endpoints lead to these nodes; connections that are open stay where they are."""

    async def end(self) -> None:
        """Stop everything."""


class PaperNodes:
    """Addresses as ElastiCache gives them, with nothing behind them: for what only concerns the API."""

    servers: Sequence[Server] = ()

    def __init__(self, group_id: str, member_ids: Sequence[str], port: int) -> None:
        zone = hashlib.sha1(group_id.encode(), usedforsecurity=False).hexdigest()[:6]
        domain = "euw1.cache.amazonaws.com"
        self.addresses = tuple((f"{one}.{zone}.0001.{domain}", port) for one in member_ids)
        self.primary_endpoint = (f"{group_id}.{zone}.ng.0001.{domain}", port)
        self.reader_endpoint = (f"{group_id}-ro.{zone}.ng.0001.{domain}", port)

    async def kill(self, index: int) -> None:
        """Nothing to stop."""

    async def freshest(self, among: Sequence[int]) -> int:
        """The first."""
        return among[0]

    async def promote(self, index: int) -> None:
        """Nothing to promote."""

    async def follow(self, index: int, master: int) -> None:
        """Nothing to attach."""

    async def lead(self, primary: int, readers: Sequence[int]) -> None:
        """A name that nobody can look up."""

    async def end(self) -> None:
        """Nothing runs."""


class RealNodes:
    """A master and replicas as processes, with an endpoint for writes and one for reads in front of them."""

    def __init__(self, topology: Topology, folder: TemporaryDirectory[str], links: LinkProcess) -> None:
        self.topology = topology
        self.servers: Sequence[Server] = topology.nodes
        self.addresses = tuple(node.spec.announced for node in topology.nodes)
        self.primary_endpoint, self.reader_endpoint = topology.endpoints
        self._folder, self._links = folder, links

    @classmethod
    async def start(cls, topology: Topology, folder: TemporaryDirectory[str]) -> "RealNodes":
        """Start the servers, whose files are in the folder, and the endpoints; the first node is the master."""
        first, second = topology.nodes[0], topology.nodes[min(1, len(topology.nodes) - 1)]
        primary, reader = topology.endpoints
        links = await LinkProcess.start({"primary": (primary, first.spec.bind), "reader": (reader, second.spec.bind)})
        nodes = cls(topology, folder, links)
        try:
            await topology.start()
        except BaseException:
            await nodes.end()
            raise
        return nodes

    async def kill(self, index: int) -> None:
        """SIGKILL; the memory is the only place where its data was."""
        await self.servers[index].kill()

    async def freshest(self, among: Sequence[int]) -> int:
        """By the offset that each has; one that does not answer has nothing."""
        offsets = await asyncio.gather(*(received(self.servers[index]) for index in among))
        return among[offsets.index(max(offsets))]

    async def promote(self, index: int) -> None:
        """REPLICAOF NO ONE, and REPLICAOF for the siblings that are replicas."""
        chosen = self.servers[index]
        _remember(chosen, None)
        await chosen.command("REPLICAOF", "NO", "ONE")
        for sibling in self.servers:
            if sibling is not chosen and await role_of(sibling) == "slave":
                await self._attach(sibling, chosen)

    async def follow(self, index: int, master: int) -> None:
        """REPLICAOF, or a new process that begins as a replica; TimeoutError after a minute out of step."""
        node, of = self.servers[index], self.servers[master]
        if node.hung:
            await node.kill()
        if node.running:
            await self._attach(node, of)
        else:
            _remember(node, of)
            await node.start()
        await in_step(node)

    async def lead(self, primary: int, readers: Sequence[int]) -> None:
        """Point the two proxies elsewhere."""
        await self._links.links["primary"].lead_to(self.servers[primary].spec.bind)
        await self._links.links["reader"].lead_to(self.servers[next(iter(readers), primary)].spec.bind)

    async def end(self) -> None:
        """Kill every process and give the addresses back."""
        await self.topology.end()
        await self._links.end()
        self._folder.cleanup()

    async def _attach(self, node: Server, master: Server) -> None:
        _remember(node, master)
        await node.command("REPLICAOF", *master.spec.announced)


async def received(node: Server) -> int:
    """The offset that a replica has; -1 where it does not answer."""
    try:
        info = await node.command("INFO", "replication")
    except (RedisError, OSError):
        return -1
    return int(info.get("slave_repl_offset", info["master_repl_offset"]))


async def in_step(node: Server) -> None:
    """Wait until a node is a replica whose link is up; TimeoutError after a minute."""
    deadline = time.monotonic() + SYNC_S
    while (await node.command("INFO", "replication")).get("master_link_status") != "up":
        if time.monotonic() > deadline:
            raise TimeoutError(f"{node.name} is not in step with its master after {SYNC_S:g} s.")
        await asyncio.sleep(_POLL_S)


def _remember(node: Server, master: Server | None) -> None:
    """Write into its config file whom it replicates from, so that it starts in that role."""
    if node.config_path is None:
        raise ValueError(f"{node.name} has no config file.")
    _replace_replicaof(node.config_path, f"replicaof {' '.join(map(str, master.spec.announced))}\n" if master else "")


def _replace_replicaof(path: Path, line: str) -> None:
    kept = [one for one in path.read_text().splitlines(keepends=True) if not one.startswith("replicaof ")]
    path.write_text("".join(kept) + line)
