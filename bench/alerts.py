"""From a fault to the prompt: by a Sentinel's event, by an alert, beside Alertmanager's own Slack receiver.

The Sentinels of many targets are simulated (``bench.fleet``); what is killed with ``kill -9`` is real.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from bench.alerts_many import TOKEN, Scene, Watched, events, late, scene, watched
from bench.growth import draw
from bench.processes import TANDEM, running
from bench.table import p99, spread, table, verdict
from sandbox.monitoring import installed
from sandbox.monitoring.programs import Program
from sandbox.redis import build, sentinel
from sandbox.redis.addresses import Block
from sandbox.slack import LocalSlack

PICTURE = Path(__file__).parents[1] / "docs/pictures/alerts-growth.svg"
PROMPT_GOAL_MS, MEMORY_GOAL_MB, CORES_GOAL = 500.0, 250.0, 0.25
SAMPLES = 40
"""Events and alerts of either kind, one after the other."""
QUIET_S = 20.0
SIZES = (10, 100, 1_000)
_WAIT_S = 60.0


async def main(runs: int) -> None:
    """Print the time lines, then what many targets cost, and draw how that grows."""
    killed = [await _killed() for _ in range(runs)]
    rows = [
        ("Tandem has no answer from the master", spread([one[0] for one in killed], 2)),
        ("enough Sentinels hold it to be down (down-after 1 s)", spread([one[1] for one in killed], 2)),
        ("the failover is told with what it cost", spread([one[2] for one in killed], 2)),
    ]
    print(table(f"kill -9 of a master, s until Slack shows it, {runs} times", ("what is shown", "s"), rows), flush=True)
    async with scene(3 * SAMPLES) as there:
        await _one_by_one(there)
    grown = [await watched(size, QUIET_S) for size in SIZES]
    head = (
        "targets",
        "MB at rest",
        "MB after",
        "of a core at rest",
        "events",
        "told",
        "ms, median",
        "99 %",
        "goal",
        "",
    )
    goal = f"none lost; < {MEMORY_GOAL_MB:g} MB, <= {CORES_GOAL:g}"
    print(table("Targets watched, and events of one second", head, [_row(one, goal) for one in grown]), flush=True)
    draw(PICTURE, grown)


def _row(one: Watched, goal: str) -> tuple[str, ...]:
    told = len(one.late_ms)
    met = told == one.events and max(one.memory_mb, one.after_mb) < MEMORY_GOAL_MB and one.cores <= CORES_GOAL
    cost = (f"{one.memory_mb:.0f}", f"{one.after_mb:.0f}", f"{one.cores:.3f}", str(one.events), str(told))
    return (f"{one.targets:,}", *cost, f"{one.median_ms:,.0f}", f"{one.p99_ms:,.0f}", goal, verdict(met=met))


async def _killed() -> tuple[float, float, float]:
    """Seconds from the kill until each of three things is shown."""
    async with (
        sentinel(build(), master_name="mymaster", down_after_ms=1_000) as topology,
        running(TANDEM, topology) as bot,
    ):
        async with asyncio.timeout(_WAIT_S):
            for one in topology.sentinels:
                while " psub=1 " not in str(await one.command("CLIENT", "LIST")):
                    await asyncio.sleep(0.05)
        began = time.time()
        await topology.nodes[0].kill()
        said = ("no answer from the master", "Enough Sentinels hold", "AutomaticFailover")
        first, second, third = [await _shown(bot.slack, text) - began for text in said]
        return first, second, third


async def _shown(slack: LocalSlack, text: str) -> float:
    """When some message says this, by the wall clock."""
    deadline = time.monotonic() + 2 * _WAIT_S
    while not any(text in json.dumps(post.blocks) for post in slack.world.posts):
        if time.monotonic() > deadline:
            raise TimeoutError(text)
        await asyncio.sleep(0.01)
    return time.time()


async def _one_by_one(there: Scene) -> None:
    """One event at a time, one alert at a time, and one alert at a time through Alertmanager."""
    by_event: list[float] = []
    by_alert: list[float] = []
    for number in range(SAMPLES):
        by_event += await late(there.slack, await events(there.fleet, number, number + 1, 0.0))
    async with aiohttp.ClientSession() as session:
        for number in range(SAMPLES, 2 * SAMPLES):
            began = time.time()
            await _post(session, f"{there.url}/alerts", {"alerts": [_webhook_alert(number)]})
            by_alert += await late(there.slack, {number: began})
    rows = [_late("a Sentinel's +odown", by_event), _late("a webhook", by_alert)]
    if installed() is None:
        print("Alertmanager is not installed: its own receiver is left out.\n")
    else:
        rows += await _beside_alertmanager(there)
    head = ("from", "to", "ms, median", "99 %", "goal", "")
    print(table(f"One at a time, {SAMPLES} of each", head, rows), flush=True)


def _late(source: str, ms: list[float], to: str = "Tandem's prompt", *, judged: bool = True) -> tuple[str, ...]:
    goal = (f"<= {PROMPT_GOAL_MS:g}", verdict(met=p99(ms) <= PROMPT_GOAL_MS)) if judged else ("", "")
    return (source, to, f"{statistics.median(ms):.0f}", f"{p99(ms):.0f}", *goal)


async def _beside_alertmanager(there: Scene) -> list[tuple[str, ...]]:
    """An alert that Alertmanager is given, until its own Slack receiver has posted, and until our prompt stands."""
    theirs: list[float] = []
    ours: list[float] = []
    async with _alertmanager(there.url) as (url, posted), aiohttp.ClientSession() as session:
        for number in range(2 * SAMPLES, 3 * SAMPLES):
            began = time.time()
            alert = _webhook_alert(number)
            await _post(session, f"{url}/api/v2/alerts", [{"labels": alert["labels"], "annotations": {}}])
            theirs.append(1000 * (await posted.get() - began))
            ours += await late(there.slack, {number: began})
    source = "an alert given to Alertmanager, group_wait 0"
    return [_late(source, ours, judged=False), _late(source, theirs, "Alertmanager's own Slack message", judged=False)]


@asynccontextmanager
async def _alertmanager(bot_url: str) -> AsyncIterator[tuple[str, asyncio.Queue[float]]]:
    """Its address, and when its Slack receiver has posted each message to a local incoming webhook."""
    posted: asyncio.Queue[float] = asyncio.Queue()
    block, found = Block(), installed()
    assert found is not None

    async def incoming(request: web.Request) -> web.Response:
        await request.read()
        posted.put_nowait(time.time())
        return web.Response(text="ok")

    site = web.Application()
    site.router.add_post("/services/hook", incoming)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as name:
        folder, at = Path(name), block.program(2, 9093)
        hook = f"http://127.0.0.1:{runner.addresses[0][1]}/services/hook"
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(_settings(hook, f"{bot_url}/alerts")), encoding="utf-8")
        command = (found.alertmanager, "--config.file=alertmanager.yml", f"--storage.path={folder / 'data'}")
        program = Program((*command, f"--web.listen-address={at}", "--cluster.listen-address="), at, "/-/ready", folder)
        try:
            await program.start()
            yield program.url, posted
        finally:
            await program.kill()
            await runner.cleanup()
            block.close()


def _settings(hook: str, ours: str) -> dict[str, object]:
    bearer = {"authorization": {"type": "Bearer", "credentials": TOKEN}}
    both = [
        {"receiver": "slack", "continue": True},
        {"receiver": "tandem"},
    ]
    route = {"receiver": "tandem", "group_by": ["group"], "group_wait": "0s", "group_interval": "30s", "routes": both}
    receivers = [
        {"name": "slack", "slack_configs": [{"api_url": hook, "channel": "#redis"}]},
        {"name": "tandem", "webhook_configs": [{"url": ours, "http_config": bearer}]},
    ]
    return {"route": route, "receivers": receivers}


def _webhook_alert(target: int) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {"alertname": "RedisDown", "severity": "critical", "group": f"t{target}"},
        "annotations": {},
        "startsAt": datetime.now(UTC).isoformat(),
        "fingerprint": f"{target:016x}",
    }


async def _post(session: aiohttp.ClientSession, url: str, body: object) -> None:
    async with session.post(url, json=body, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        answer.raise_for_status()
