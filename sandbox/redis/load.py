"""Counts what a topology acknowledges under load, how long it acknowledged nothing, and what of it is lost later."""

import asyncio
import contextlib
import itertools
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self, cast

import redis.asyncio

from sandbox.redis.server import Server
from sandbox.redis.topology import Topology
from sandbox.redis.writers import Discovery, LoadSpec
from sandbox.redis.writing import write

_CHUNK = 1000
_FIRST_WRITE_S = 90.0
# One line of the load process holds what was acknowledged in a twentieth of a second; a stalled one has more.
_LONGEST_LINE = 16 * 1024 * 1024


class Load:
    """Writers of unique keys, running from entering to `stop` or leaving.

    With `process=True` the writers run in a process of their own and do not share the event loop with what is measured.
    """

    def __init__(self, spec: LoadSpec, *, process: bool) -> None:
        self._spec = spec
        self._in_process = process
        self._process: asyncio.subprocess.Process | None = None
        self._running: asyncio.Task[None] | None = None
        self._writes: list[tuple[int, int]] = []
        self._times: list[float] = []
        self._first = asyncio.Event()
        self._stopped_at: float | None = None

    async def __aenter__(self) -> Self:
        """Start, and wait for the first acknowledged write."""
        self._running = asyncio.create_task(self._run_process() if self._in_process else self._run_here())
        try:
            async with asyncio.timeout(_FIRST_WRITE_S):
                await self._first.wait()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def acked(self) -> int:
        """How many writes were acknowledged so far."""
        return len(self._times)

    def longest_gap_ms(self, since: float | None = None) -> float:
        """The longest time in which no writer had a write acknowledged, up to now or the stop, in milliseconds.

        `since` is a time of `time.monotonic()`, before which nothing counts; by default the first acknowledged write.
        """
        return self._longest_gap_ms(self._times, since)

    def _longest_gap_ms(self, times: Sequence[float], since: float | None) -> float:
        start = self._times[0] if since is None else since
        points = [start, *(at for at in times if at > start), self._stopped_at or time.monotonic()]
        return 1000 * max(later - earlier for earlier, later in itertools.pairwise(points))

    async def stop(self) -> None:
        """Stop writing; what was acknowledged until now is counted. Stopping again does nothing."""
        if self._running is None:
            return
        if self._process and self._process.stdin:
            # The process ends with its input, after its last line.
            with contextlib.suppress(ConnectionError):
                self._process.stdin.close()
        else:
            self._running.cancel()
        running, self._running = self._running, None
        with contextlib.suppress(asyncio.CancelledError):
            await running
        self._stopped_at = time.monotonic()

    def _acknowledged(self, writer: int, number: int, at: float) -> None:
        self._writes.append((writer, number))
        self._times.append(at)
        self._first.set()

    async def _run_here(self) -> None:
        await write(self._spec, self._acknowledged)

    async def _run_process(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sandbox.redis.load_process"),
            stdin=pipe,
            stdout=pipe,
            start_new_session=True,
            limit=_LONGEST_LINE,
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("The load process was started without pipes.")
        stdin.write(self._spec.to_json().encode() + b"\n")
        while line := await stdout.readline():
            for acknowledged in json.loads(line):
                self._acknowledged(*acknowledged)
        await self._process.wait()


class WriteLoad(Load):
    """Writers that find the one master by `discovery`.

    `timeout` is what a writer waits for an answer, in seconds; `rate` the writes a second of all writers together.
    "fixed" writes to the node that is master at the start. By default Sentinels are asked, and without any the nodes.
    With an `endpoint`, "host:port", nobody is asked and it is written to, wherever it leads.
    """

    def __init__(
        self,
        topology: Topology,
        writers: int = 8,
        *,
        discovery: Discovery | None = None,
        timeout: float = 1.0,
        rate: float = 1400.0,
        process: bool = False,
        endpoint: str = "",
    ) -> None:
        self._topology = topology
        asked: Discovery = "fixed" if endpoint else "get-master-addr" if topology.sentinels else "roles"
        spec = LoadSpec(
            run=secrets.token_hex(4),
            writers=writers,
            rate=rate,
            timeout_s=timeout,
            discovery=discovery or asked,
            fixed=endpoint,
            master_name=topology.master_name,
            sentinels=topology.sentinel_addresses,
            nodes=topology.node_addresses,
            node=topology.customer,
            sentinel=topology.sentinel_admin,
            places=topology.places if topology.settings.nat else {},
        )
        super().__init__(spec, process=process)

    async def __aenter__(self) -> Self:
        """Start, and wait for the first acknowledged write."""
        if self._spec.discovery in {"get-master-addr", "redis-py"} and not self._spec.sentinels:
            raise ValueError("Without Sentinels nobody can be asked for the master: leave the discovery out.")
        if not self._spec.fixed:
            self._spec = replace(self._spec, fixed=(await self._topology.master()).address)
        return await super().__aenter__()

    async def lost(self, *servers: Server | str) -> int:
        """How many acknowledged writes none of these nodes, by themselves or by their addresses, has as written."""
        missing = tuple(self._writes)
        for server in servers:
            missing = await self._missing_on(server, missing)
        return len(missing)

    async def _missing_on(
        self, server: Server | str, writes: tuple[tuple[int, int], ...]
    ) -> tuple[tuple[int, int], ...]:
        address = server.address if isinstance(server, Server) else server
        direct = {node.address: node.direct_address for node in self._topology.nodes}.get(address, address)
        host, _, port = direct.rpartition(":")
        async with redis.asyncio.Redis(
            host=host, port=int(port), **self._topology.admin.client_options(), protocol=2, decode_responses=True
        ) as client:
            chunks = [writes[at : at + _CHUNK] for at in range(0, len(writes), _CHUNK)]
            return tuple([one for chunk in chunks for one in await self._missing(client, chunk)])

    async def _missing(
        self, client: redis.asyncio.Redis, writes: tuple[tuple[int, int], ...]
    ) -> Iterator[tuple[int, int]]:
        found = await cast("Awaitable[list[str | None]]", client.mget([self._spec.key(*one) for one in writes]))
        return (one for value, one in zip(found, writes, strict=True) if value != self._spec.value(*one))
