"""A change is sent over a connection that is there: one that was closed meanwhile is found out before."""

import asyncio
import re

from actions.adapters.redis.hands import RedisHands
from actions.kit.topology import Address, Kind, Target


async def test_a_connection_that_a_sentinel_closed_is_no_failure_of_the_change_that_comes_next():
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"")
        while data := await reader.read(65536):
            if len(heard) == 1 and b"SETNAME" in data:
                break
            heard[-1] += data
            writer.write(b"+OK\r\n" * len(re.findall(rb"(?:^|\n)\*", data)))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())
        hands = RedisHands(Target("orders", Kind.REPLICATION, nodes=(address,), timeout_ms=10_000))
        try:
            await hands._node(address).ask(("PING",))
            await hands.change_settings(address, {"maxmemory": "1"}, rewrite=False)
        finally:
            await hands.aclose()
    first, second = heard
    assert b"maxmemory" not in first
    assert second.count(b"maxmemory") == 1
    assert b"SETNAME" in second
