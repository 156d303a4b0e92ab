"""Writes unique keys over all slots of a cluster, as clients do: ask any node for the slots, follow MOVED and ASK."""

import asyncio
import contextlib
import itertools
import random
import time
from binascii import crc_hqx
from typing import Any, cast

from redis.asyncio.connection import Connection
from redis.exceptions import AskError, MovedError, RedisError, ResponseError

from sandbox.redis.cluster_config import SLOTS
from sandbox.redis.writers import Acknowledged, LoadSpec, cancelled, new_connection


def slot_of(key: str) -> int:
    """The slot of a key without a hash tag; the servers use the same CRC16."""
    return crc_hqx(key.encode(), 0) % SLOTS


class ClusterWriter:
    """One writer; each has its own connections, and its own idea of who has which slot."""

    def __init__(self, spec: LoadSpec, writer: int, acknowledged: Acknowledged) -> None:
        self._spec = spec
        self._writer = writer
        self._acknowledged = acknowledged
        self._nodes = itertools.cycle(random.sample(spec.nodes, len(spec.nodes)))
        self._owners: dict[int, str] = {}
        self._connections: dict[str, Connection] = {}

    async def run(self) -> None:
        """Write until cancelled."""
        interval = self._spec.writers / self._spec.rate
        due = time.monotonic() + random.uniform(0, interval)
        try:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                # An error leaves open whether the write was taken: it is not counted, and the next has a new key.
                if await self._written(number):
                    self._acknowledged(self._writer, number, time.monotonic())
                else:
                    await asyncio.sleep(random.uniform(0.005, 0.010))
                # A writer that fell behind catches up a tenth of a second at most.
                due = max(due + interval, time.monotonic() - 0.1)
                if cancelled():
                    return
        finally:
            for connection in self._connections.values():
                await connection.disconnect(nowait=True)

    async def _written(self, number: int) -> bool:
        key, value = self._spec.key(self._writer, number), self._spec.value(self._writer, number)
        try:
            if not self._owners:
                await self._learn()
            await self._set(self._owners[slot_of(key)], key, value)
        except (RedisError, OSError, KeyError):
            # A node that is gone, a slot without owner: ask another node who has what by now.
            self._owners = {}
            return False
        return True

    async def _set(self, address: str, key: str, value: str) -> None:
        for _ in range(5):
            try:
                await self._command(address, "SET", key, value)
            except MovedError as moved:
                address = self._owners[moved.slot_id] = f"{moved.host}:{moved.port}"
            except AskError as asked:
                address = f"{asked.host}:{asked.port}"
                await self._command(address, "ASKING")
            else:
                return
        raise ResponseError(f"The slot of a key was moved five times, at last to {address}.")

    async def _learn(self) -> None:
        for first, last, (host, port, *_), *_ in await self._command(next(self._nodes), "CLUSTER", "SLOTS"):
            self._owners |= dict.fromkeys(range(first, last + 1), f"{host}:{port}")

    async def _command(self, address: str, *words: str) -> Any:
        connection = self._connections.get(address)
        try:
            if connection is None:
                connection = new_connection(address, self._spec.node, self._spec.timeout_s)
                await cast("Any", connection).connect()
                self._connections[address] = connection
            await connection.send_command(*words)
            return await connection.read_response()
        except ResponseError:
            raise
        except BaseException:
            # What is answered later would be taken for the answer to the next.
            self._connections.pop(address, None)
            if connection is not None:
                with contextlib.suppress(RedisError, OSError):
                    await connection.disconnect(nowait=True)
            raise
