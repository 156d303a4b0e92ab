"""Writes unique keys to whoever is master, as applications do: find the master, write, on any error find it again."""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sandbox.redis.server import Credentials

Discovery = Literal["get-master-addr", "redis-py", "roles", "fixed", "slots"]
Acknowledged = Callable[[int, int, float], None]
"""Called with the writer, its number of the write, and the monotonic time of the acknowledgement in seconds."""

KEY_PREFIX = "tandem:load:"


@dataclass(frozen=True, kw_only=True)
class LoadSpec:
    """What to write and how to find the master; `rate` is writes a second of all writers, `fixed` a "host:port".

    By "roles" a writer asks one node after the other for its ROLE, as clients do that are given a list of nodes. By
    "slots" it is a client of a cluster: it asks any node for the slots, and follows MOVED. `places` says where to
    dial for addresses that do not lead to the servers themselves.
    """

    run: str
    writers: int
    rate: float
    timeout_s: float
    discovery: Discovery
    fixed: str
    master_name: str
    sentinels: tuple[str, ...]
    nodes: tuple[str, ...]
    node: Credentials
    sentinel: Credentials
    places: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """For the load process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str | bytes) -> "LoadSpec":
        """What `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "node": _credentials(fields["node"]), "sentinel": _credentials(fields["sentinel"])})

    def key(self, writer: int, number: int) -> str:
        """The key of one write."""
        return f"{KEY_PREFIX}{writer}:{number}"

    def value(self, writer: int, number: int) -> str:
        """Its value, which no other load writes."""
        return f"{self.run}:{writer}:{number}"


class Writer:
    """One writer to whoever is master of all keys."""

    def __init__(self, spec: LoadSpec, writer: int, acknowledged: Acknowledged) -> None:
        self._spec = spec
        self._writer = writer
        self._acknowledged = acknowledged
        self._numbers = itertools.count()
        self._sentinels = itertools.cycle(spec.sentinels)
        self._nodes = itertools.cycle(spec.nodes)

    async def run(self) -> None:
        """Write until cancelled."""
        while not cancelled():
            try:
                async with self._connection(await self._master(), self._spec.node) as connection:
                    await self._write(connection)
            except (RedisError, OSError):
                # An error leaves open whether the write was taken: it is not counted, and the next has a new key.
                await asyncio.sleep(random.uniform(0.005, 0.010))

    def _connection(self, address: str, credentials: Credentials) -> AbstractAsyncContextManager[Connection]:
        return _connection(self._spec.places.get(address, address), credentials, self._spec.timeout_s)

    async def _write(self, connection: Connection) -> None:
        interval = self._spec.writers / self._spec.rate
        due = time.monotonic() + random.uniform(0, interval)
        for number in self._numbers:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            spec = self._spec
            await connection.send_command("SET", spec.key(self._writer, number), spec.value(self._writer, number))
            await connection.read_response()
            now = time.monotonic()
            self._acknowledged(self._writer, number, now)
            # A writer that fell behind catches up a tenth of a second at most.
            due = max(due + interval, now - 0.1)
            if cancelled():
                return

    async def _master(self) -> str:
        match self._spec.discovery:
            case "fixed":
                return self._spec.fixed
            case "redis-py":
                return await self._discovered()
            case "roles":
                return await self._by_role()
        address = next(self._sentinels)
        async with self._connection(address, self._spec.sentinel) as connection:
            await connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._spec.master_name)
            reply = await connection.read_response()
        if not reply:
            raise ConnectionError(f"The Sentinel at {address} does not know {self._spec.master_name}.")
        return ":".join(reply)

    async def _by_role(self) -> str:
        """The next node that says it is a master; one that refuses writes all the same is passed on the next time."""
        for address in itertools.islice(self._nodes, len(self._spec.nodes)):
            with contextlib.suppress(RedisError, OSError):
                async with self._connection(address, self._spec.node) as connection:
                    await connection.send_command("ROLE")
                    if (await connection.read_response())[0] == "master":
                        return address
        raise ConnectionError("No node says that it is a master.")

    async def _discovered(self) -> str:
        options: dict[str, Any] = {**self._spec.sentinel.client_options(), "socket_timeout": self._spec.timeout_s}
        finder: Sentinel = cast("Any", Sentinel)(
            [_parts(address) for address in self._spec.sentinels], sentinel_kwargs=options
        )
        try:
            host, port = await finder.discover_master(self._spec.master_name)
        finally:
            for client in finder.sentinels:
                await client.aclose()
        return f"{host}:{port}"


@contextlib.asynccontextmanager
async def _connection(address: str, credentials: Credentials, timeout_s: float) -> AsyncIterator[Connection]:
    connection = new_connection(address, credentials, timeout_s)
    try:
        await cast("Any", connection).connect()
        yield connection
    finally:
        await connection.disconnect(nowait=True)


def new_connection(address: str, credentials: Credentials, timeout_s: float) -> Connection:
    """A connection to "host:port" that is not open yet, and never tries twice."""
    host, port = _parts(address)
    kind = SSLConnection if credentials.ca_file else Connection
    options = {name: value for name, value in credentials.client_options().items() if name != "ssl"}
    return kind(
        host=host,
        port=port,
        **options,
        protocol=2,
        decode_responses=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )


def cancelled() -> bool:
    """Whether this task was cancelled.

    Python 3.11's `asyncio.wait_for`, by which redis-py sends, swallows a cancellation that meets its result.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _credentials(fields: dict[str, Any]) -> Credentials:
    return Credentials(**{**fields, "ca_file": Path(fields["ca_file"]) if fields["ca_file"] else None})
