"""Several replicas on one PostgreSQL and one Slack: clicks under load, and how soon a lost run is taken over.

The bots are ``tandem serve`` as processes, with one action more, whose only step sets a setting; the server counts how
often that was done. Each request gets four clicks in the same second: the requester's own, and three of one approver.
"""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
import yaml

from bench.processes import environment
from bench.table import p99, spread, table, verdict
from sandbox.postgresql import PostgreSQL
from sandbox.redis import build
from sandbox.redis.server import die_with_parent
from sandbox.slack import LocalSlack, Message
from sandbox.slack.manifest import own_manifest

CHANNEL, REQUESTER, APPROVER = "C0INCIDENT", "U0ONCALL", "U0LEAD"
CARD = ": destructive"
"""What only a request's own message says."""
REQUESTS, CLICKS_EACH = 50, 4
MEMORY_GOAL_MB = 200.0
LEASE_S = 15.0
LONG_RUN = 400
COMMAND = (sys.executable, "-m", "bench.touching", "serve")
CONNECTIONS = 2
_WAIT_S = 120.0


@dataclass(slots=True)
class _Load:
    """What was measured with so many replicas: milliseconds, counts, megabytes."""

    acks_ms: list[float] = field(default_factory=list)
    lost: int = 0
    done_s: list[float] = field(default_factory=list)
    executed: int = 0
    memory_mb: float = 0.0


@dataclass(slots=True)
class _Scene:
    slack: LocalSlack
    url: str
    bots: list[asyncio.subprocess.Process]
    server: _Server


async def main(runs: int) -> None:
    """Print the clicks with one replica and with three, and the takeovers."""
    rows = []
    for replicas in (1, 3):
        async with _scene(replicas) as scene:
            load = _Load()
            for _ in range(runs):
                await _round(scene, load)
            rows.append(_row(replicas, load, runs * REQUESTS))
    head = (
        "replicas",
        "clicks",
        "not acked",
        "ack ms, median",
        "99 %",
        "s until all had run",
        "runs",
        "MB",
        "goal",
        "",
    )
    title = f"{REQUESTS} approvals and {REQUESTS * CLICKS_EACH} clicks in a second, {runs} times, PostgreSQL"
    print(table(title, head, rows), flush=True)
    async with _scene(2) as scene:
        killed = [await _takeover_s(scene, signal.SIGKILL) for _ in range(runs)]
        stopped = [await _takeover_s(scene, signal.SIGSTOP) for _ in range(runs)]
    rows = [
        ("killed, on the same host", spread(killed, 1), f"{statistics.median(killed) / LEASE_S:.2f}"),
        ("stopped, or on another host", spread(stopped, 1), f"{statistics.median(stopped) / LEASE_S:.2f}"),
    ]
    title = f"A run is taken over by the other replica, lease {LEASE_S:g} s, {runs} times"
    print(table(title, ("its process", "s until it is claimed", "of the lease"), rows), flush=True)


def _row(replicas: int, load: _Load, asked: int) -> tuple[str, ...]:
    once = load.executed == asked
    met = verdict(met=once and load.memory_mb < MEMORY_GOAL_MB)
    clicks = asked * CLICKS_EACH
    times = (f"{statistics.median(load.acks_ms):.0f}", f"{p99(load.acks_ms):.0f}", spread(load.done_s, 1))
    goal = f"each once, < {MEMORY_GOAL_MB:g} MB"
    counts = (f"{load.executed} of {asked}", f"{load.memory_mb:.0f}")
    return (str(replicas), str(clicks), str(load.lost), *times, *counts, goal, met)


async def _round(scene: _Scene, load: _Load) -> None:
    """Ask on every target, then press for a second, then wait until all has run."""
    slack, before = scene.slack, scene.server.touched()
    cards = await _cards(slack)
    presses = [(APPROVER, card) for card in cards] * (CLICKS_EACH - 1) + [(REQUESTER, card) for card in cards]
    random.shuffle(presses)
    seen = len(slack.deliveries)
    started = time.monotonic()
    pressed = []
    for number, (person, card) in enumerate(presses):
        await asyncio.sleep(max(0.0, started + number / len(presses) - time.monotonic()))
        pressed.append(asyncio.create_task(slack.person(person).clicks_stale(card, "approve")))
    await asyncio.gather(*pressed)
    new = slack.deliveries[seen:]
    load.acks_ms += [1000 * one.latency for one in new]
    load.lost += sum(one.error is not None for one in new)
    ended = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
    deadline = time.monotonic() + _WAIT_S
    while scene.server.touched() - before < REQUESTS or _value(scene.url, ended):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.05)
    load.done_s.append(time.monotonic() - started)
    load.memory_mb = max([load.memory_mb, *(psutil.Process(bot.pid).memory_info().rss / 1e6 for bot in scene.bots)])
    await asyncio.sleep(1.0)  # What would be done twice is done by now.
    load.executed += scene.server.touched() - before


async def _cards(slack: LocalSlack) -> list[Message]:
    old = {message.ts for message in slack.messages(CHANNEL)}

    def new() -> list[Message]:
        return [one for one in slack.messages(CHANNEL) if one.ts not in old and CARD in one.plain()]

    for number in range(REQUESTS):
        await slack.person(REQUESTER).types(CHANNEL, f"/redis touch t{number}")
    await slack.waits_for(lambda: len(new()) >= REQUESTS, within=_WAIT_S)
    return new()


async def _takeover_s(scene: _Scene, how: signal.Signals) -> float:
    """Kill or stop the process that has a long run in hand; the seconds until another has claimed it."""
    slack = scene.slack
    old = {message.ts for message in slack.messages(CHANNEL)}
    await slack.person(REQUESTER).types(CHANNEL, f"/redis touch t0 --steps {LONG_RUN}")

    def cards() -> list[Message]:
        return [one for one in slack.messages(CHANNEL) if one.ts not in old and CARD in one.plain()]

    await slack.waits_for(cards, within=_WAIT_S)
    await slack.person(APPROVER).clicks(cards()[0], "approve")
    owner = await _until(scene.url, "SELECT owner FROM runs WHERE ended_at IS NULL")
    victim = next(bot for bot in scene.bots if bot.pid == int(owner.rsplit(":", 2)[1]))
    started = time.monotonic()
    victim.send_signal(how)
    await _until(scene.url, "SELECT owner FROM runs WHERE ended_at IS NULL AND epoch > 1")
    took = time.monotonic() - started
    if victim.returncode is None:
        victim.kill()
    await victim.wait()
    await _until(scene.url, "SELECT 'x' WHERE NOT EXISTS (SELECT 1 FROM runs WHERE ended_at IS NULL)")
    scene.bots[scene.bots.index(victim)] = await _start(slack, scene.url, scene.server.folder)
    return took


async def _until(url: str, query: str) -> str:
    deadline = time.monotonic() + _WAIT_S
    while not (found := _value(url, query)):
        if time.monotonic() > deadline:
            raise TimeoutError(query)
        await asyncio.sleep(0.02)
    return str(found)


def _value(url: str, query: str) -> Any:
    with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


@asynccontextmanager
async def _scene(replicas: int) -> AsyncIterator[_Scene]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
        slack = await stack.enter_async_context(LocalSlack(own_manifest()))
        database = PostgreSQL(durable=True)
        stack.callback(database.close)
        database.start()
        server = stack.enter_context(_server(folder))
        (folder / "targets.yaml").write_text(yaml.safe_dump(_targets(server.port)), encoding="utf-8")
        scene = _Scene(slack, database.url(), [], server)
        stack.push_async_callback(_end, scene)
        for _ in range(replicas):
            scene.bots.append(await _start(slack, scene.url, folder))
        yield scene


async def _start(slack: LocalSlack, url: str, folder: Path) -> asyncio.subprocess.Process:
    before = slack.connections
    with (folder / "log").open("ab") as log:
        settings = environment(slack, folder / "targets.yaml", url)
        bot = await asyncio.create_subprocess_exec(*COMMAND, env=settings, stdout=log, stderr=log)
    await slack.waits_for(lambda: slack.connections >= before + CONNECTIONS, within=60)
    return bot


async def _end(scene: _Scene) -> None:
    for bot in scene.bots:
        if bot.returncode is None:
            bot.kill()
        await bot.wait()


def _targets(port: int) -> dict[str, object]:
    """One server that listens on every loopback address stands for all of them."""
    return {
        "approvers": {"usergroup": "S0REDISOPS"},
        "targets": {
            f"t{number}": {
                "kind": "replication",
                "nodes": [f"127.77.0.{number + 1}:{port}"],
                "channels": [CHANNEL],
                "limits": {"cooldown_s": 0},
            }
            for number in range(REQUESTS)
        },
    }


@dataclass(frozen=True, slots=True)
class _Server:
    folder: Path
    port: int

    def touched(self) -> int:
        """How often the setting was set, by the server's own count."""
        with closing(redis.Redis("127.77.0.1", self.port)) as client:
            counts: Any = client.info("commandstats")
        return int(counts.get("cmdstat_config|set", {}).get("calls", 0))


@contextmanager
def _server(folder: Path) -> Iterator[_Server]:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = int(probe.getsockname()[1])
    words = ["--bind", "*", "--port", str(port), "--protected-mode", "no", "--save", "", "--dir", str(folder)]
    with (folder / "server.log").open("ab") as log:
        process = psutil.Popen([*die_with_parent(), str(build().server_path), *words], stdout=log)
    try:
        time.sleep(1.0)
        yield _Server(folder, port)
    finally:
        process.kill()
        process.wait()
