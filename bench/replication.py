"""Planned failover where nobody is in charge, under write load: what is lost, and how long no write is acknowledged.

Side by side: the bare ``FAILOVER TO``, the runbook's manual promotion by a script, Tandem. Eight writers of unique keys
look for the master by asking one node after the other for its ROLE. A write counts as lost where it was acknowledged
and the new master does not have it.
"""

from __future__ import annotations

import asyncio

from bench.failover import DELAY_S, Run, Way, measure, runbook, tandem
from bench.table import spread, table
from sandbox.redis import Build, Topology, builds, replication

HEAD = ("way", "delay ms", "runs", "acked", "lost min / median / max", "gap ms")
FAILOVER_SINCE = (6, 2)
TIMEOUT_MS = 5_000


async def bare(topology: Topology) -> None:
    """``FAILOVER TO`` with a time-out, and the other replica sent after the new master."""
    old, new, *others = topology.nodes
    host, _, port = new.address.rpartition(":")
    await old.command("FAILOVER", "TO", host, port, "TIMEOUT", TIMEOUT_MS)
    while (await new.command("ROLE"))[0] != "master":
        await asyncio.sleep(0.01)
    for other in others:
        await other.command("REPLICAOF", host, port)


async def by_hand(topology: Topology) -> None:
    """The runbook's five commands; its pause holds back the last one for a minute, and nobody else demotes."""
    await runbook(topology, patience_s=90)


WAYS: dict[str, Way] = {"FAILOVER TO … TIMEOUT": bare, "the runbook by a script": by_hand, "Tandem": tandem}


async def main(runs: int) -> None:
    """Print one table for each build that knows FAILOVER."""
    for build in builds():
        if build.is_valkey or build.version >= FAILOVER_SINCE:
            await compare(build, runs)


async def compare(build: Build, runs: int) -> None:
    """Print the table of one build."""
    rows = [row for delay in (0.0, DELAY_S) for row in await _rows(build, delay, runs)]
    print(table(f"Planned failover without Sentinels under load, {build.name}", HEAD, rows), flush=True)


async def _rows(build: Build, delay: float, runs: int) -> list[tuple[str, ...]]:
    """The ways take turns; the runbook, whose pause lasts a minute, gets every eighth."""
    results: dict[str, list[Run]] = {name: [] for name in WAYS}
    for number in range(runs):
        for name, way in WAYS.items():
            if way is not by_hand or number % 8 == 0:
                results[name].append(await measure(build, way, delay, replication))
    return [_row(name, delay, results[name]) for name in WAYS]


def _row(name: str, delay: float, runs: list[Run]) -> tuple[str, ...]:
    acked = f"{sum(run.acked for run in runs):,}"
    lost, gap = spread([run.lost for run in runs]), spread([run.gap_ms for run in runs])
    return (name, f"{delay * 1000:.0f}", str(len(runs)), acked, lost, gap)
