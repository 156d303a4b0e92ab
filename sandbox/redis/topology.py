"""Starts masters, replicas and Sentinels that replicate for real, and says when they are ready."""

import asyncio
import contextlib
import secrets as tokens
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sandbox.redis import certificates, readiness
from sandbox.redis.addresses import Block
from sandbox.redis.builds import Build
from sandbox.redis.config import ACL_USER, Settings, data_config, make_secrets, sentinel_config
from sandbox.redis.link import Link, LinkProcess
from sandbox.redis.managed import RENAMED
from sandbox.redis.server import Credentials, Server, Spec, provider, role_of

READY_S = 90.0


@contextlib.asynccontextmanager
async def sentinel(build: Build, **settings: Any) -> AsyncIterator["Topology"]:
    """A master, its replicas and their Sentinels, ready; the keywords are the fields of Settings."""
    settings.setdefault("master_name", f"master-{tokens.token_hex(4)}")
    async with _running(Settings(build=build, **settings)) as topology:
        yield topology


@contextlib.asynccontextmanager
async def replication(build: Build, **settings: Any) -> AsyncIterator["Topology"]:
    """A master and its replicas with nobody in charge, ready; the keywords are those of `sentinel`."""
    async with sentinel(build, **{"sentinels": 0, **settings}) as topology:
        yield topology


@contextlib.asynccontextmanager
async def loaded(build: Build, copy: Path, password: str | None = None) -> AsyncIterator[Server]:
    """A throw-away server that was started from this RDB file, which it leaves as it is."""
    with tempfile.TemporaryDirectory(prefix="tandem-copy-") as directory:
        shutil.copy(copy, Path(directory) / copy.name)
        config = {"dbfilename": copy.name, "dir": directory}
        async with replication(build, replicas=0, password=password, extra_config=config) as topology:
            yield topology.nodes[0]


@contextlib.asynccontextmanager
async def _running(settings: Settings) -> AsyncIterator["Topology"]:
    with tempfile.TemporaryDirectory(prefix="tandem-redis-") as directory:
        topology = Topology(settings, Path(directory))
        try:
            await topology.start()
            yield topology
        finally:
            await topology.end()


class Topology:
    """Running servers with addresses of their own.

    `username` and `password` are what a client such as the bot is given: those of `tandem` with `acl`, else of the
    default user. `customer` is always the default user, and `admin` too where the service is not `managed`. The same
    with `sentinel_` for the Sentinels. `endpoints` is where a managed service may put those for writes and for reads.
    """

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self.master_name = settings.master_name
        self._block = Block()
        self._addresses = _Addresses(self._block, settings)
        self.endpoints = (self._block.link(1), self._block.link(2))
        hosts = {host for host, _ in (*self._addresses.nodes, *self._addresses.sentinels, *self.endpoints)}
        self.tls = certificates.create(directory, tuple(sorted(hosts))) if settings.tls else None
        self._secrets = make_secrets(settings)
        ca_file = self.tls.ca_file if self.tls else None
        self.customer = Credentials(password=self._secrets.node, ca_file=ca_file)
        self.admin = provider(self.customer, self._secrets.provider) if settings.managed else self.customer
        self.sentinel_admin = Credentials(password=self._secrets.sentinel, ca_file=ca_file)
        self.username = self.sentinel_username = ACL_USER if settings.acl else None
        self.password = self._secrets.tandem or self._secrets.node
        self.sentinel_password = self._secrets.tandem or self._secrets.sentinel
        self.nodes = tuple(self._node(index) for index in range(settings.replicas + 1))
        self.sentinels = tuple(self._sentinel(index) for index in range(settings.sentinels))
        self._link_process: LinkProcess | None = None

    @property
    def node_addresses(self) -> tuple[str, ...]:
        """Of the data nodes as clients see them, "host:port"."""
        return tuple(node.address for node in self.nodes)

    @property
    def sentinel_addresses(self) -> tuple[str, ...]:
        """Of the Sentinels, "host:port"."""
        return tuple(server.address for server in self.sentinels)

    @property
    def places(self) -> dict[str, str]:
        """By the address that a server is known by, where it listens itself: both as "host:port"."""
        return {server.address: server.direct_address for server in (*self.nodes, *self.sentinels)}

    def link(self, server: Server) -> Link:
        """What stands between a server and everybody else; LookupError without `links=True` or `nat=True`."""
        if self._link_process is None:
            raise LookupError("This topology was started without links.")
        return self._link_process.links[server.name]

    @property
    def links(self) -> tuple[Link, ...]:
        """One for each data node, with `nat=True` for each Sentinel too; none without either."""
        return tuple(self._link_process.links.values()) if self._link_process else ()

    async def masters(self) -> tuple[Server, ...]:
        """The nodes that call themselves master; those that do not answer are left out."""
        roles = await asyncio.gather(*(role_of(node) for node in self.nodes))
        return tuple(node for node, role in zip(self.nodes, roles, strict=True) if role == "master")

    async def master(self) -> Server:
        """The one master; of several the one that most Sentinels name, else the one with most replicas."""
        masters = await self.masters()
        if not masters:
            raise LookupError("No running node is a master.")
        if len(masters) == 1:
            return masters[0]
        named = await asyncio.gather(*(readiness.named_master(self, server) for server in self.sentinels))
        followers = await asyncio.gather(*(node.command("INFO", "replication") for node in masters))
        votes = [
            (named.count(node.address), info["connected_slaves"]) for node, info in zip(masters, followers, strict=True)
        ]
        return masters[votes.index(max(votes))]

    async def ready(self, timeout_s: float = READY_S) -> None:
        """Wait for one master, all replicas online, Sentinels that agree; TimeoutError says what is missing."""
        deadline = time.monotonic() + timeout_s
        while missing := await readiness.missing(self):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not ready after {timeout_s:g} s: {missing}")
            await asyncio.sleep(0.04)

    async def start(self) -> None:
        """Start everything in the order in which nobody has to wait for a second attempt."""
        if proxied := self._addresses.proxied():
            self._link_process = await LinkProcess.start(proxied)
        if self.settings.nat:
            for link in self.links:
                await link.cut(replicas=False, sentinels=False, clients=True)
        await self.nodes[0].start()
        await asyncio.gather(*(node.start() for node in self.nodes[1:]))
        await asyncio.gather(*(server.start() for server in self.sentinels))
        await self.ready()

    async def end(self) -> None:
        """Kill every process; the directory is the caller's."""
        await asyncio.gather(*(server.kill() for server in (*self.sentinels, *self.nodes)))
        if self._link_process:
            await self._link_process.end()
        self._block.close()

    def _node(self, index: int) -> Server:
        bind, announced = self._addresses.nodes[index], self._addresses.announced[index]
        master = self._addresses.announced[0] if index else None
        config = data_config(self.settings, self._secrets, self.tls, bind=bind, announced=announced, master=master)
        return self._server(f"node-{index + 1}", bind, announced, config, self.settings.config_file)

    def _sentinel(self, index: int) -> Server:
        bind, announced = self._addresses.sentinels[index], self._addresses.announced_sentinels[index]
        master, *replicas = self._addresses.announced
        others = tuple(other for other in self._addresses.announced_sentinels if other != announced)
        config = sentinel_config(
            *(self.settings, self._secrets, self.tls),
            where=(bind, announced),
            replicas=tuple(replicas),
            master=master,
            others=others,
        )
        return self._server(f"sentinel-{index + 1}", bind, announced, config, config_file=True)

    def _server(
        self, name: str, bind: tuple[str, int], announced: tuple[str, int], config: Any, config_file: bool
    ) -> Server:
        is_sentinel = name.startswith("sentinel")
        return Server(
            Spec(
                name=name,
                build=self.settings.build,
                is_sentinel=is_sentinel,
                bind=bind,
                announced=announced,
                directory=self.directory,
                config=config,
                config_file=config_file,
                admin=self.sentinel_admin if is_sentinel else self.admin,
                renamed=RENAMED if self.settings.managed and not is_sentinel else {},
            )
        )


class _Addresses:
    """Where each server listens, and under which address it is known."""

    def __init__(self, block: Block, settings: Settings) -> None:
        numbers, watching = range(1, settings.replicas + 2), range(1, settings.sentinels + 1)
        proxied = settings.links or settings.nat
        self.nodes = tuple(block.node(number) for number in numbers)
        self.announced = tuple(block.link(number) for number in numbers) if proxied else self.nodes
        self.sentinels = tuple(block.sentinel(number) for number in watching)
        self.announced_sentinels = (
            tuple(block.sentinel_link(number) for number in watching) if settings.nat else self.sentinels
        )

    def proxied(self) -> dict[str, tuple[tuple[str, int], tuple[str, int]]]:
        """For the name of each server that has a proxy where that listens and where the server does."""
        nodes = zip(self.announced, self.nodes, strict=True)
        sentinels = zip(self.announced_sentinels, self.sentinels, strict=True)
        named = {f"node-{number}": pair for number, pair in enumerate(nodes, start=1)}
        named |= {f"sentinel-{number}": pair for number, pair in enumerate(sentinels, start=1)}
        return {name: (announced, bind) for name, (announced, bind) in named.items() if announced != bind}
