"""Planned failover of one shard of a Redis Cluster under write load: what is lost, how long its slots take no write.

Side by side: the bare ``CLUSTER FAILOVER``, the runbook's manual promotion by a script, Tandem; and what becomes of it
where the old master hangs in the middle. Writers of unique keys over all slots ask any node for the slots and follow
MOVED. A write counts as lost where it was acknowledged and no owner of its slot has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import RedisError

from actions import failover
from actions.adapters import connect
from actions.kit.cluster.steps import ProveShards
from actions.kit.errors import Refused
from actions.kit.loop import Outcome, carry_out
from actions.kit.plan import Refusal
from actions.kit.steps import Fence
from actions.kit.topology import Address, Kind, Limits, Target
from bench.failover import DELAY_S, NoJournal
from bench.table import spread, table
from sandbox.redis import Build, Cluster, ClusterLoad, Server, Shape, builds, cluster

HEAD = ("way", "shards", "delay ms", "runs", "acked", "lost min / median / max", "gap of the shard ms")
SMALL = Shape(shards=3, replicas=2, node_timeout_ms=15_000)
LARGE = Shape(shards=50, replicas=2, node_timeout_ms=15_000)
SETTLE_S = 90.0
HANGS_S = 12.0
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """One failover: acknowledged and lost writes, the longest time without one in the shard's slots."""

    acked: int
    lost: int
    gap_ms: float


async def bare(made: Cluster) -> None:
    """One command at the replica, and nothing else."""
    await made.replicas(0)[0].command("CLUSTER", "FAILOVER")


async def runbook(made: Cluster) -> None:
    """The runbook's five commands: the pause holds back all clients for a minute, and a cluster refuses REPLICAOF."""
    old, new = made.primaries[0], made.replicas(0)[0]
    await _tried(old, "CLIENT", "PAUSE", 60000)
    await _tried(new, "INFO", "replication")
    await _tried(new, "REPLICAOF", "NO", "ONE")
    host, _, port = new.address.rpartition(":")
    await _tried(old, "REPLICAOF", host, port)


async def tandem(made: Cluster) -> None:
    """Tandem's plan, carried out by its loop; the second look after 30 s is left out of the waiting here."""
    hands = connect(_target(made))
    try:
        plan = failover.plan(await hands.observe(), {"to": made.replicas(0)[0].address})
        if isinstance(plan, Refusal):
            raise Refused(*plan.reasons)
        steps = [step for step in plan.steps if not (isinstance(step, ProveShards) and step.after_s)]
        ending = await carry_out(steps, hands, NoJournal())
        if ending.outcome is not Outcome.DONE:
            raise RuntimeError("; ".join(ending.failures))
    finally:
        await hands.aclose()


async def bare_and_hung(made: Cluster) -> None:
    """The old master hangs in the middle of the handshake; its clients wait for their answers."""
    await _hung(made, fenced=False)


async def fenced_and_hung(made: Cluster) -> None:
    """The same behind Tandem's fence."""
    await _hung(made, fenced=True)


Way = Callable[[Cluster], Awaitable[None]]
WAYS: dict[str, Way] = {"CLUSTER FAILOVER": bare, "the runbook by a script": runbook, "Tandem": tandem}
HUNG: dict[str, Way] = {"CLUSTER FAILOVER, the master hangs": bare_and_hung, "behind Tandem's fence": fenced_and_hung}


async def main(runs: int) -> None:
    """Print one table for each build."""
    for build in builds():
        await compare(build, runs)


async def compare(build: Build, runs: int) -> None:
    """Print the table of one build; the ways take turns, and the runbook, whose pause lasts a minute, has one."""
    rows = []
    for delay in (0.0, DELAY_S):
        results: dict[str, list[Run]] = {name: [] for name in WAYS}
        for number in range(runs):
            for name, way in WAYS.items():
                if way is not runbook or (number == 0 and not delay):
                    results[name].append(await measure(build, way, delay))
        rows += [_row(name, SMALL, delay, found) for name, found in results.items() if found]
    for name in ("CLUSTER FAILOVER", "Tandem"):
        rows.append(_row(name, LARGE, 0.0, [await measure(build, WAYS[name], 0.0, LARGE)]))
    for name, way in HUNG.items():
        rows.append(_row(name, SMALL, 1.0, [await measure(build, way, 1.0) for _ in range(min(runs, 2))]))
    print(table(f"Planned failover of a shard under load, {build.name}", HEAD, rows), flush=True)


async def measure(build: Build, way: Way, delay_s: float, shape: Shape = SMALL) -> Run:
    """One failover by one way in a fresh cluster."""
    patient = way in HUNG.values()
    async with cluster(build, shape, links=delay_s > 0) as made:
        for node in made.nodes if delay_s else ():
            await made.link(node).delay_replication(delay_s)
        load = ClusterLoad(made, writers=24 if patient else 8, timeout=30 if patient else 1, process=True)
        async with load:
            await asyncio.sleep(1.0 + 2 * delay_s)
            since = time.monotonic()
            await way(made)
            await _settled(made, moved=way is not runbook)
            await asyncio.sleep(0.5)
            await load.stop()
            return Run(load.acked, await load.lost(), load.shard_gap_ms(0, since))


async def _hung(made: Cluster, *, fenced: bool) -> None:
    old, new = made.primaries[0], made.replicas(0)[0]
    hands = connect(_target(made))
    try:
        plan = failover.plan(await hands.observe(), {"to": new.address})
        if isinstance(plan, Refusal):
            raise Refused(*plan.reasons)
        fence = next(step for step in plan.steps if isinstance(step, Fence))
        if fenced:
            await fence.act(hands)
        await new.command("CLUSTER", "FAILOVER")
        await asyncio.sleep(0.5)
        await old.hang()
        await asyncio.sleep(HANGS_S)
        await old.resume()
        await _settled(made, moved=True)
        if fenced:
            await hands.unfence(fence.master, {change.name: change.old for change in fence.settings})
    finally:
        await hands.aclose()


async def _settled(made: Cluster, *, moved: bool) -> None:
    """Until the old master follows the new one, or, by the runbook, answers again: then it is known what is lost."""
    old, new = made.primaries[0], made.replicas(0)[0]
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(RedisError, OSError):
            role = (await old.command("ROLE"))[0]
            if not moved and role == "master":
                return
            if role == "slave" and (await new.command("ROLE"))[0] == "master":
                return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{old.address} is not settled after {SETTLE_S:g} s")


async def _tried(server: Server, *command: str | int) -> None:
    """One command of the runbook, refused or held back perhaps: the person at the terminal goes on."""
    with contextlib.suppress(RedisError, OSError):
        await server.command(*command, timeout_s=_PATIENCE_S)


def _target(made: Cluster) -> Target:
    nodes = (Address.parse(made.node_addresses[0]),)
    # 150 nodes and the writers share two processors with the measuring itself.
    return Target(name="bench", kind=Kind.CLUSTER, nodes=nodes, limits=Limits(max_pause_ms=5_000), timeout_ms=5_000)


def _row(name: str, shape: Shape, delay: float, runs: list[Run]) -> tuple[str, ...]:
    acked = f"{sum(run.acked for run in runs):,}"
    lost, gap = spread([run.lost for run in runs]), spread([run.gap_ms for run in runs])
    return (name, str(shape.shards), f"{delay * 1000:.0f}", str(len(runs)), acked, lost, gap)
