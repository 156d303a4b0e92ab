"""The keys of two servers compared: how fast, in how much memory, and what a client of theirs notices of it.

Both hold the same keys, put in another order, but for some that only one has and some that differ. Beside Tandem, at
its own rate and as fast as it can, runs what one writes first: two sets of names, then DUMP. A client reads from the
first server meanwhile, 200 times a second.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil
import redis.asyncio

from bench.table import p99, table, verdict
from sandbox.redis import Server, build, replication

KEYS, QUICK_KEYS = 1_000_000, 50_000
ONLY_FIRST, ONLY_SECOND, DIFFERENT = 500, 700, 1_300
UNBOUNDED = 10_000_000
OWN_RATE = 20_000
MEMORY_GOAL_MB = 64.0
GETS_A_S = 200
FILL_EACH = 20_000

_FILL = """
local from, to, reverse, all = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
for n = from, to do
  local i = reverse and (all - n + 1) or n
  local key, turn, value = 'key:' .. i, i % 20, string.rep('v', 20 + i % 200) .. i
  if turn == 0 then for f = 1, 8 do local at = reverse and 9 - f or f; redis.call('HSET', key, 'f' .. at, value) end
  elseif turn == 1 then for f = 1, 8 do local at = reverse and 9 - f or f; redis.call('SADD', key, 'm' .. at) end
  elseif turn == 2 then redis.call('ZADD', key, i / 3, 'a', i / 7, 'b')
  elseif turn == 3 then redis.call('RPUSH', key, value, value)
  elseif turn == 4 then redis.call('SET', key, value, 'PXAT', 4102444800000)
  else redis.call('SET', key, value) end
end
"""


@dataclass(slots=True)
class _Taken:
    """What so many comparisons in one way took."""

    seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    server_s: list[float] = field(default_factory=list)
    gets_ms: list[float] = field(default_factory=list)
    right: bool = True


async def main(runs: int) -> None:
    """Print one row a way."""
    keys = KEYS if runs > 1 else QUICK_KEYS
    async with (
        replication(build(), replicas=0) as first,
        replication(build(), replicas=0) as second,
    ):
        servers = (first.nodes[0], second.nodes[0])
        await asyncio.gather(*(_fill(server, keys, turn) for turn, server in enumerate(servers)))
        await _part(*servers)
        expected = [ONLY_FIRST, ONLY_SECOND, DIFFERENT, keys - DIFFERENT]
        idle = _Taken()
        async with _reading(servers[0], idle):
            await asyncio.sleep(5)
        rows: list[tuple[str, ...]] = [("nobody compares", "", "", "", *_latency(idle), "", "")]
        for name, way, rate in (
            (f"Tandem, its own rate ({OWN_RATE:,} a second)", "tandem", OWN_RATE),
            ("Tandem, as fast as it can", "tandem", UNBOUNDED),
            ("two sets of names, then DUMP", "naive", UNBOUNDED),
        ):
            taken = _Taken()
            for _ in range(runs):
                await _once(servers, way, rate, expected, taken)
            rows.append(_row(name, keys, way, taken))
    head = ("way", "s", "keys a second", "MB", "GET ms, median", "99 %", "server CPU µs a key", "goal, differences")
    print(table(f"{keys:,} keys of two servers ({build().name}), {runs} times", head, rows), flush=True)


def _row(name: str, keys: int, way: str, taken: _Taken) -> tuple[str, ...]:
    seconds, memory = statistics.median(taken.seconds), max(taken.memory_mb)
    right = "all right" if taken.right else "WRONG"
    goal = f"< {MEMORY_GOAL_MB:g} MB: {verdict(met=memory < MEMORY_GOAL_MB)}; " if way == "tandem" else ""
    cpu_us = statistics.median(taken.server_s) / 2 / keys * 1e6
    measured = (f"{seconds:.1f}", f"{keys / seconds:,.0f}", f"{memory:.0f}")
    return (name, *measured, *_latency(taken), f"{cpu_us:.1f}", goal + right)


def _latency(taken: _Taken) -> tuple[str, str]:
    return f"{statistics.median(taken.gets_ms):.2f}", f"{p99(taken.gets_ms):.2f}"


async def _once(servers: tuple[Server, Server], way: str, rate: int, expected: list[int], taken: _Taken) -> None:
    before = _cpu_s(servers)
    async with _reading(servers[0], taken):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.compare_once", way, *(server.address for server in servers), str(rate)),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    answer = json.loads(said)
    taken.seconds.append(answer["seconds"])
    taken.memory_mb.append(answer["memory_mb"])
    taken.server_s.append(_cpu_s(servers) - before)
    taken.right &= answer["counts"] == expected


def _cpu_s(servers: tuple[Server, Server]) -> float:
    times = [psutil.Process(server.pid).cpu_times() for server in servers]
    return sum(one.user + one.system for one in times)


@asynccontextmanager
async def _reading(server: Server, taken: _Taken) -> AsyncIterator[None]:
    """Read one key again and again, and note how long each took."""
    host, port = server.address.split(":")
    async with redis.asyncio.Redis(host=host, port=int(port)) as client:
        await client.get("key:5")

        ended = asyncio.Event()

        async def read() -> None:
            while not ended.is_set():
                started = time.perf_counter()
                await client.get("key:5")
                taken.gets_ms.append((time.perf_counter() - started) * 1000)
                await asyncio.sleep(1 / GETS_A_S)

        reading = asyncio.create_task(read())
        try:
            yield
        finally:
            ended.set()  # Cancelled in the moment of an answer the client would go on.
            await reading


async def _fill(server: Server, keys: int, turn: int) -> None:
    for start in range(1, keys + 1, FILL_EACH):
        end = min(keys, start + FILL_EACH - 1)
        await server.command("EVAL", _FILL, 0, start, end, turn, keys, timeout_s=60)


async def _part(first: Server, second: Server) -> None:
    """Let them differ: strings of their own, and other values."""
    for server, name, count in ((first, "first", ONLY_FIRST), (second, "second", ONLY_SECOND)):
        await server.command("EVAL", "for i = 1, ARGV[2] do redis.call('SET', ARGV[1] .. i, i) end", 0, name, count)
    other = "for i = 1, ARGV[1] do local key = 'key:' .. i * 20 + 5; redis.call('SET', key, 'other') end"
    await second.command("EVAL", other, 0, DIFFERENT)
