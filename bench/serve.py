"""The bot at rest: how soon it is connected, and how much memory it holds, with one target and with 200."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from bench.processes import BARE, TANDEM, running
from bench.table import spread, table, verdict
from sandbox.redis import Topology, build, sentinel

IDLE_S = 10.0
TARGETS = 200
ELSEWHERE = "C0FLEET"
"""A channel that no target is bound to: whoever asks there is told of all others."""
READY_GOAL_S, MEMORY_GOAL_MB = 2.0, 120.0


@dataclass(slots=True)
class _Starts:
    ready_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


async def main(runs: int) -> None:
    """Print both, the two started in turn; a first start that does not count leaves the compiled modules behind."""
    bare, tandem, many = _Starts(), _Starts(), _Starts()
    async with sentinel(build()) as topology:
        for command in (BARE, TANDEM):
            await _start(command, topology, _Starts(), 0)
        for _ in range(runs):
            await _start(BARE, topology, bare, IDLE_S)
            await _start(TANDEM, topology, tandem, IDLE_S)
            await _start(TANDEM, topology, many, IDLE_S, _targets(topology))
    head = ("bot", "s until connected", "goal", "", f"resident MB after {IDLE_S:g} s", "goal", "")
    rows = [
        _row("a bare Bolt app", bare, judged=False),
        _row("tandem serve", tandem, judged=True),
        _row(f"tandem serve, {TARGETS} targets, each looked at once", many, judged=False),
    ]
    print(table(f"The bot at rest, {runs} starts", head, rows), flush=True)


def _targets(topology: Topology) -> dict[str, object]:
    """Targets on the same Sentinels, under names that these do not know; their nodes' ports are closed."""
    return {
        f"more-{number}": {
            "kind": "sentinel",
            "master_name": f"more-{number}",
            "sentinels": list(topology.sentinel_addresses),
            "nodes": [f"127.200.{number}.{node}:6379" for node in (1, 2, 3)],
        }
        for number in range(1, TARGETS)
    }


async def _start(
    command: tuple[str, ...],
    topology: Topology,
    starts: _Starts,
    idle_s: float,
    more: Mapping[str, object] | None = None,
) -> None:
    async with running(command, topology, more) as bot:
        starts.ready_s.append(bot.ready_s)
        if more:
            bot.slack.add_channel(ELSEWHERE, "fleet", ["U0ONCALL"])
            await bot.slack.person("U0ONCALL").types(ELSEWHERE, "/redis status")
            await bot.slack.waits_for(lambda: bot.slack.messages(ELSEWHERE), within=60)
        await asyncio.sleep(idle_s)
        starts.memory_mb.append(psutil.Process(bot.pid).memory_info().rss / 1e6)


def _row(name: str, starts: _Starts, *, judged: bool) -> tuple[str, ...]:
    ready, memory = statistics.median(starts.ready_s), statistics.median(starts.memory_mb)
    soon = (f"< {READY_GOAL_S:g}", verdict(met=ready < READY_GOAL_S)) if judged else ("", "")
    small = (f"< {MEMORY_GOAL_MB:g}", verdict(met=memory < MEMORY_GOAL_MB)) if judged else ("", "")
    return (name, spread(starts.ready_s, 2), *soon, spread(starts.memory_mb), *small)
