"""Starts the shards of a Redis Cluster on real servers, and says when they are ready."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.redis import certificates, cluster_readiness
from sandbox.redis.addresses import Block
from sandbox.redis.builds import Build
from sandbox.redis.cluster_config import Place, Shape, node_settings, nodes_conf, places, slots_of
from sandbox.redis.config import ACL_USER, Settings, cluster_rules, data_config, make_secrets
from sandbox.redis.link import Link, LinkProcess
from sandbox.redis.managed import RENAMED
from sandbox.redis.server import Credentials, Server, Spec, provider, role_of

READY_S = 120.0
# Started or asked at a time: more at once only take the processors from each other.
_AT_ONCE = 12


@contextlib.asynccontextmanager
async def cluster(build: Build, shape: Shape = Shape(), **settings: Any) -> AsyncIterator["Cluster"]:  # noqa: B008 -- frozen.
    """A cluster of this shape, ready; the keywords are the fields of Settings that are not about Sentinels."""
    made = Settings(build=build, sentinels=0, master_name="", **settings)
    with tempfile.TemporaryDirectory(prefix="tandem-redis-") as directory:
        topology = Cluster(made, shape, Path(directory))
        try:
            await topology.start()
            yield topology
        finally:
            await topology.end()


class Cluster:
    """Running nodes with addresses of their own; the credentials are as those of `Topology`.

    `endpoint` is where a managed service may put the one for its configuration.
    """

    def __init__(self, settings: Settings, shape: Shape, directory: Path) -> None:
        self.settings = settings
        self.shape = shape
        self.directory = directory
        self._block = Block()
        self.places = places(self._block, shape, links=settings.links)
        self.endpoint = self._block.link(1)
        hosts = {place.bind[0] for place in self.places} | {self.endpoint[0]}
        self.tls = certificates.create(directory, tuple(sorted(hosts))) if settings.tls else None
        self._secrets = make_secrets(settings)
        self.customer = Credentials(password=self._secrets.node, ca_file=self.tls.ca_file if self.tls else None)
        self.admin = provider(self.customer, self._secrets.provider) if settings.managed else self.customer
        self.username = ACL_USER if settings.acl else None
        self.password = self._secrets.tandem or self._secrets.node
        self.nodes = tuple(self._node(place) for place in self.places)
        self._link_process: LinkProcess | None = None

    @property
    def node_addresses(self) -> tuple[str, ...]:
        """Of all nodes as clients see them, "host:port"; the primaries of the start first."""
        return tuple(node.address for node in self.nodes)

    @property
    def primaries(self) -> tuple[Server, ...]:
        """The nodes that were primaries at the start, in the order of their slots."""
        return self.nodes[: self.shape.shards]

    def replicas(self, shard: int) -> tuple[Server, ...]:
        """The nodes that were replicas of this shard (from 0) at the start."""
        return tuple(
            node
            for node, place in zip(self.nodes, self.places, strict=True)
            if place.shard == shard and not place.is_primary
        )

    def slots(self, shard: int) -> tuple[int, int]:
        """The first and the last slot of this shard (from 0)."""
        return slots_of(self.shape, shard)

    def node(self, address: str) -> Server:
        """The node of this announced address; LookupError where there is none."""
        for node in self.nodes:
            if node.address == address:
                return node
        raise LookupError(f"{address} is no node of this cluster.")

    def link(self, server: Server) -> Link:
        """What stands between a node's data port and everybody else; LookupError without `links=True`."""
        if self._link_process is None:
            raise LookupError("This cluster was started without links.")
        return self._link_process.links[server.name]

    async def masters(self) -> tuple[Server, ...]:
        """The nodes that call themselves master; those that do not answer are left out."""
        turns = asyncio.Semaphore(_AT_ONCE)
        roles = await asyncio.gather(*(_role(node, turns) for node in self.nodes))
        return tuple(node for node, role in zip(self.nodes, roles, strict=True) if role == "master")

    async def ready(self, timeout_s: float = READY_S) -> None:
        """Wait until every node says that all is well and all replicas are in sync; TimeoutError says what is not."""
        deadline = time.monotonic() + timeout_s
        while missing := await cluster_readiness.missing(self):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not ready after {timeout_s:g} s: {missing}")
            await asyncio.sleep(0.05)

    async def start(self) -> None:
        """Start all nodes, which know each other from their files, and wait until the cluster is up."""
        if self.settings.links:
            proxied = {node.name: (node.spec.announced, node.spec.bind) for node in self.nodes}
            self._link_process = await LinkProcess.start(proxied)
        turns = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(_started(node, turns) for node in self.nodes))
        await self.ready()

    async def end(self) -> None:
        """Kill every process; the directory is the caller's."""
        await asyncio.gather(*(node.kill() for node in self.nodes))
        if self._link_process:
            await self._link_process.end()
        self._block.close()

    def _node(self, place: Place) -> Server:
        extra = {**node_settings(self.shape, place, self.settings), **self.settings.extra_config}
        settings = replace(self.settings, extra_config=extra)
        config = data_config(
            settings,
            self._secrets,
            self.tls,
            bind=place.bind,
            announced=place.announced,
            master=None,
            rules=cluster_rules(settings.build),
        )
        server = Server(
            Spec(
                name=f"node-{place.number}",
                build=settings.build,
                is_sentinel=False,
                bind=place.bind,
                announced=place.announced,
                directory=self.directory,
                config=config,
                config_file=settings.config_file,
                admin=self.admin,
                renamed=RENAMED if settings.managed else {},
            )
        )
        known = nodes_conf(self.shape, self.places, place, settings.build)
        (self.directory / server.name / "nodes.conf").write_text(known)
        return server


async def _started(node: Server, turns: asyncio.Semaphore) -> None:
    async with turns:
        await node.start()


async def _role(node: Server, turns: asyncio.Semaphore) -> str | None:
    async with turns:
        return await role_of(node)
