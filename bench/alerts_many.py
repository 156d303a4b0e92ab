"""Many targets watched: what that costs the bot at rest, and how soon events of a whole second stand in Slack."""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from bench.fleet import NAME, host
from bench.processes import TANDEM, environment
from bench.table import p99
from sandbox.redis.server import die_with_parent
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest

CONNECTIONS = 2
PORT = 21_379
TOKEN = "a-token-of-the-bench"
EVENTS = 500
_WAIT_S = 180.0
SETTLE_S = 5.0
"""After the last connection was made the bot is left alone for so long before it is measured."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What so many targets cost. ``cores``: of one, at rest. ``late_ms``: from event to message, by target."""

    targets: int
    memory_mb: float
    after_mb: float
    cores: float
    events: int
    late_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """Of the messages that came."""
        return statistics.median(self.late_ms)

    @property
    def p99_ms(self) -> float:
        """Of the messages that came."""
        return p99(self.late_ms)


@dataclass(slots=True)
class Scene:
    """A local Slack, the targets' servers, and the bot that watches them, at ``url``."""

    slack: LocalSlack
    fleet: asyncio.subprocess.Process
    bot: psutil.Process
    url: str


async def watched(targets: int, quiet_s: float) -> Watched:
    """Watch so many targets, each with a channel of its own; then have up to 500 of them fail in one second."""
    count = min(EVENTS, targets)
    async with scene(targets) as there:
        await asyncio.sleep(SETTLE_S)
        before, since = there.bot.cpu_times(), time.monotonic()
        await asyncio.sleep(quiet_s)
        after = there.bot.cpu_times()
        cores = (after.user + after.system - before.user - before.system) / (time.monotonic() - since)
        memory_mb = there.bot.memory_info().rss / 1e6
        late_ms = await late(there.slack, await events(there.fleet, 0, count))
        return Watched(targets, memory_mb, there.bot.memory_info().rss / 1e6, cores, count, late_ms)


async def events(fleet: asyncio.subprocess.Process, first: int, last: int, seconds: float = 1.0) -> dict[int, float]:
    """Have the Sentinels of these targets speak; when each did, by the wall clock."""
    assert fleet.stdin is not None
    assert fleet.stdout is not None
    fleet.stdin.write(f"odown {first} {last} {seconds}\n".encode())
    said: dict[int, float] = {}
    while len(said) < last - first:
        _, target, at, subscribers = (await fleet.stdout.readline()).split()
        if int(subscribers) == 0:
            raise RuntimeError(f"nobody listens to the Sentinels of target {int(target)}")
        said[int(target)] = float(at)
    return said


async def late(slack: LocalSlack, said: dict[int, float]) -> tuple[float, ...]:
    """How late the first message of each target came, in ms; those that never came are left out."""
    deadline = time.monotonic() + _WAIT_S
    first: dict[str, float] = {}
    while time.monotonic() < deadline and len(first) < len(said):
        await asyncio.sleep(0.5)
        for post in slack.world.posts:
            first.setdefault(post.channel, float(post.ts))
    return tuple(1000 * (first[channel(target)] - at) for target, at in said.items() if channel(target) in first)


def channel(target: int) -> str:
    """The one that a target is bound to."""
    return f"C0T{target:05d}"


def _targets(count: int) -> dict[str, object]:
    found = {
        f"t{number}": {
            "kind": "sentinel",
            "master_name": NAME,
            "sentinels": [f"{host(number, server)}:{PORT + 1}" for server in (1, 2, 3)],
            "channels": [channel(number)],
        }
        for number in range(count)
    }
    return {"approvers": {"usergroup": "S0REDISOPS"}, "targets": found}


@asynccontextmanager
async def scene(count: int) -> AsyncIterator[Scene]:
    """So many targets, each bound to a channel of its own, all of whose servers are connected."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
        slack = await stack.enter_async_context(LocalSlack(own_manifest()))
        for number in range(count):
            slack.add_channel(channel(number), f"t{number}", ["U0ONCALL"])
        pipe = asyncio.subprocess.PIPE
        fleet = await asyncio.create_subprocess_exec(
            *die_with_parent(), sys.executable, "-m", "bench.fleet", str(count), str(PORT), stdin=pipe, stdout=pipe
        )
        stack.push_async_callback(_ended, fleet)
        assert fleet.stdout is not None
        await fleet.stdout.readline()
        (folder / "targets.yaml").write_text(yaml.safe_dump(_targets(count)), encoding="utf-8")
        settings = environment(slack, folder / "targets.yaml", f"sqlite+aiosqlite:///{folder / 'tandem.db'}")
        http_port = _free_port()
        settings |= {"TANDEM_HTTP_PORT": str(http_port), "TANDEM_ALERTS_TOKEN": TOKEN}
        with (folder / "log").open("ab") as log:
            bot = await asyncio.create_subprocess_exec(
                *die_with_parent(), *TANDEM, env=settings, stdout=log, stderr=log
            )
        stack.push_async_callback(_ended, bot)
        process = psutil.Process(bot.pid)
        deadline = time.monotonic() + _WAIT_S
        while slack.connections < CONNECTIONS or await _connected(fleet) < (6 * count, 3 * count):
            if bot.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the bot did not connect: {(folder / 'log').read_text()[-2000:]}")
            await asyncio.sleep(0.5)
        yield Scene(slack, fleet, process, f"http://127.0.0.1:{http_port}")


async def _connected(fleet: asyncio.subprocess.Process) -> tuple[int, int]:
    """How many connections the servers have, and how many of them have subscribed."""
    assert fleet.stdin is not None
    assert fleet.stdout is not None
    fleet.stdin.write(b"connections\n")
    _, connections, listening = (await fleet.stdout.readline()).split()
    return int(connections), int(listening)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
