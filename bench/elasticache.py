"""Planned failover of a replication group under write load: what is lost, and how long no write is acknowledged.

Side by side, on the local ElastiCache with real servers: the bare ``TestFailover`` by a script, the runbook's
``modify-replication-group --primary-cluster-id`` by a script, Tandem in each way. Eight writers of unique keys write to
the primary endpoint. A write counts as lost where it was acknowledged and the final primary does not have it. How long
AWS itself takes is set here: what the numbers compare is the ways, not AWS.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from actions import failover
from actions.adapters import connect
from actions.kit.elasticache.proof import ProveMove
from actions.kit.errors import Refused
from actions.kit.loop import Outcome, carry_out
from actions.kit.plan import Refusal
from actions.kit.topology import Kind, ReplicationGroup, Target
from bench.failover import NoJournal
from bench.table import spread, table
from sandbox.elasticache import Group, LocalElastiCache, Timing, elasticache
from sandbox.elasticache.load import write_load
from sandbox.redis import Build, builds

HEAD = ("way", "automatic failover", "runs", "acked", "lost min / median / max", "gap ms", "AWS")
GROUP = "bench"
TIMING = Timing(change=1.0, detection=1.0, replacement=1.0)
SETTLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """One failover: acknowledged and lost writes, the gap in milliseconds, and what AWS answered where it refused."""

    acked: int
    lost: int
    gap_ms: float
    refused: str = ""


async def bare(aws: LocalElastiCache) -> str:
    """One call, as AWS's own guide shows it."""
    return await _asked(aws, "test_failover", NodeGroupId="0001")


async def runbook(aws: LocalElastiCache) -> str:
    """The runbook's one command."""
    return await _asked(aws, "modify_replication_group", PrimaryClusterId=f"{GROUP}-002", ApplyImmediately=True)


async def tandem(aws: LocalElastiCache) -> str:
    """Tandem, AWS choosing where it may."""
    return await _tandem(aws, {})


async def tandem_named(aws: LocalElastiCache) -> str:
    """Tandem, with a candidate by its name."""
    return await _tandem(aws, {"to": f"{GROUP}-002"})


Way = Callable[[LocalElastiCache], Awaitable[str]]
WAYS: tuple[tuple[str, Way, bool], ...] = (
    ("bare TestFailover", bare, True),
    ("Tandem", tandem, True),
    ("the runbook by a script", runbook, True),
    ("Tandem --to", tandem_named, True),
    ("the runbook by a script", runbook, False),
    ("Tandem", tandem, False),
)
"""The way, and whether automatic failover is on."""


async def main(runs: int) -> None:
    """Print one table for each build."""
    for build in builds():
        rows = [await _row(build, *way, runs=runs) for way in WAYS]
        print(table(f"Planned failover of ElastiCache under load, {build.name}", HEAD, rows), flush=True)


async def measure(build: Build, way: Way, *, automatic: bool) -> Run:
    """One failover by one way in a fresh account."""
    async with elasticache(timing=TIMING) as aws:
        os.environ.update(aws.environment)
        group = await aws.add_group(GROUP, build=build, automatic_failover=automatic, multi_az=automatic)
        async with write_load(group, process=True) as load:
            await asyncio.sleep(1.0)
            since = time.monotonic()
            refused = await way(aws)
            await _settled(aws, group)
            await asyncio.sleep(0.5)
            await load.stop()
            gap = load.longest_gap_ms(since)
            shard = group.node_groups[0]
            return Run(load.acked, await load.lost(shard.server(shard.primary)), gap, refused)


async def _row(build: Build, name: str, way: Way, automatic: bool, *, runs: int) -> tuple[str, ...]:
    results = [await measure(build, way, automatic=automatic) for _ in range(runs)]
    return (
        name,
        "on" if automatic else "off",
        str(len(results)),
        f"{sum(run.acked for run in results):,}",
        spread([run.lost for run in results]),
        spread([run.gap_ms for run in results]),
        next((run.refused for run in results if run.refused), "done"),
    )


async def _asked(aws: LocalElastiCache, operation: str, **parameters: Any) -> str:
    """What AWS answered where it refused; nothing where it accepted."""
    client = boto3.client("elasticache", **aws.client_options)
    try:
        await asyncio.to_thread(getattr(client, operation), ReplicationGroupId=GROUP, **parameters)
    except ClientError as error:
        return f"refused: {error.response['Error']['Code']}"
    return ""


async def _tandem(aws: LocalElastiCache, options: Mapping[str, str]) -> str:
    """Tandem's plan, carried out by its loop; the second look after 30 s is left out of the waiting here."""
    place = ReplicationGroup(aws.region, GROUP, aws.endpoint_url)
    hands = connect(Target("bench", Kind.ELASTICACHE, elasticache=place))
    try:
        plan = failover.plan(await hands.observe(), options)
        if isinstance(plan, Refusal):
            raise Refused(*plan.reasons)
        steps = [step for step in plan.steps if not (isinstance(step, ProveMove) and step.after_s)]
        ending = await carry_out(steps, hands, NoJournal())
        if ending.outcome is not Outcome.DONE:
            raise RuntimeError("; ".join(ending.failures))
    finally:
        await hands.aclose()
    return ""


async def _settled(aws: LocalElastiCache, group: Group) -> None:
    """Until AWS is done: only then is it known what is lost."""
    async with asyncio.timeout(SETTLE_S):
        await aws.settled()
        while group.status != "available":
            await asyncio.sleep(0.1)
