"""What several faults need."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.redis import Server, Topology


def host_port(server: Server) -> tuple[str, str]:
    host, _, port = server.address.rpartition(":")
    return host, port


async def fill(master: Server, keys: int) -> None:
    script = "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'key:' .. i, string.rep('x', 200)) end"
    await master.command("EVAL", script, 0, keys)


async def promoted(topology: Topology, old: Server) -> None:
    while not [node for node in await topology.masters() if node is not old]:
        await asyncio.sleep(0.05)


def both(*faults: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """One fault after the other."""

    async def one_after_the_other(built: Any) -> None:
        for fault in faults:
            await fault(built)

    return one_after_the_other


async def reload_slowly(node: Server) -> None:
    """Let a node read its own data set, with a pause after each key; return once it does."""
    await node.command("CONFIG", "SET", "loading-process-events-interval-bytes", 1_024)
    await node.command("CONFIG", "SET", "key-load-delay", 2_000)
    loading = asyncio.create_task(node.command("DEBUG", "RELOAD", timeout_s=60))
    _loading.add(loading)
    loading.add_done_callback(_ended)
    while not (await node.command("INFO", "persistence"))["loading"]:
        await asyncio.sleep(0.02)


_loading: set[asyncio.Task[object]] = set()


def _ended(task: asyncio.Task[object]) -> None:
    """The server is killed under it: how it ends does not matter."""
    _loading.discard(task)
    if not task.cancelled():
        task.exception()
