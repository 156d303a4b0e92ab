"""What a diagnosis costs: the rules alone, by the number of nodes, and the whole of it where a master hangs.

The rules are measured in processor time on snapshots that they have not seen. What is beside them is their cost a node
on three nodes: where rules compare each with each it grows with the number.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from actions.adapters import connect
from actions.diagnose import ACTION
from actions.kit.diagnosis import diagnose
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Kind, Target
from bench.snapshots import cluster, one_master, without_master, without_replicas
from bench.table import spread, table, verdict
from sandbox.redis import Server, build, replication

FEW_GOAL_MS, MANY_GOAL_MS = 1.0, 100.0
EACH = 20
"""Diagnoses that are timed together: three nodes take less than a clock can tell well."""
TIMEOUT_S, BEYOND_TIMEOUT_S = 1.0, 0.2


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    snapshot: Snapshot
    goal_ms: float

    @property
    def nodes(self) -> int:
        return len(self.snapshot.nodes)


async def main(runs: int) -> None:
    """Print a table for the rules, and one for a master that hangs."""
    _print_rules(runs)
    async with replication(build()) as topology:
        await topology.nodes[0].hang()
        ours = [await _whole(topology.node_addresses) for _ in range(runs)]
        theirs = [_runbook(topology.nodes) for _ in range(runs)]
    _print_hung(ours, theirs)


def _cases() -> Iterator[_Case]:
    sizes: tuple[tuple[str, Callable[[], Snapshot], float], ...] = (
        ("a master and 2 replicas, 3 Sentinels", lambda: one_master(3), FEW_GOAL_MS),
        ("a master and 500 replicas, 3 Sentinels", lambda: one_master(501), MANY_GOAL_MS),
        ("a master and 500 replicas, nobody in charge", lambda: one_master(501, sentinels=0), MANY_GOAL_MS),
        ("a cluster of 3 masters", lambda: cluster(3, 0), FEW_GOAL_MS),
        ("a cluster of 500 shards, 1,000 nodes", lambda: cluster(500, 1), MANY_GOAL_MS),
    )
    for name, make, goal_ms in sizes:
        whole = make()
        yield _Case(f"{name}: healthy", whole, goal_ms)
        yield _Case(f"{name}: the first master dead", without_master(whole), goal_ms)
        if whole.nodes[1].is_replica:
            yield _Case(f"{name}: all replicas hang", without_replicas(whole), goal_ms)


def _print_rules(runs: int) -> None:
    rows: list[tuple[str, ...]] = []
    of_few: dict[bool, float] = {}
    for case in _cases():
        one, two = (_cpu_ms(case, runs, looks) for looks in (1, 2))
        each_us = 1000 * statistics.median(one) / case.nodes
        growth = each_us / of_few.setdefault(case.snapshot.in_cluster, each_us)
        met = verdict(met=statistics.median(two) <= case.goal_ms)
        numbers = (spread(one, 2), spread(two, 2), f"{each_us:,.0f}", f"{growth:.1f}", f"<= {case.goal_ms:g}", met)
        rows.append((case.name, *numbers))
    head = ("snapshot", "one look, ms of CPU", "two looks", "µs a node", "of three healthy ones", "goal", "")
    print(table(f"The rules, {runs} runs", head, rows), flush=True)


def _cpu_ms(case: _Case, runs: int, looks: int) -> list[float]:
    """Milliseconds of processor time for one diagnosis. The collector is kept out, as timeit does."""
    earlier = case.snapshot if looks == 2 else None
    found = []
    gc.disable()
    try:
        for _ in range(runs):
            since = time.process_time()
            for _ in range(EACH):
                diagnose(case.snapshot, earlier)
            found.append(1000 * (time.process_time() - since) / EACH)
            gc.collect()
    finally:
        gc.enable()
    return found


async def _whole(addresses: tuple[str, ...]) -> float:
    """Milliseconds of the whole of ``diagnose`` by the running bot."""
    nodes = tuple(map(Address.parse, addresses))
    hands = connect(Target(name="orders", kind=Kind.REPLICATION, nodes=nodes, timeout_ms=int(TIMEOUT_S * 1000)))
    try:
        since = time.perf_counter()
        await ACTION.look(hands, {}, _silent)
        return 1000 * (time.perf_counter() - since)
    finally:
        await hands.aclose()


def _runbook(nodes: tuple[Server, ...]) -> float:
    """The same of its way: INFO of one node after the other, each with a time-out."""
    since = time.perf_counter()
    for node in nodes:
        host, _, port = node.address.rpartition(":")
        command = ["timeout", f"{TIMEOUT_S:g}", "redis-cli", "-h", host, "-p", port, "INFO", "replication"]
        subprocess.run(command, capture_output=True, check=False)
    return 1000 * (time.perf_counter() - since)


async def _silent(_text: str) -> None:
    """Progress that nobody reads."""


def _print_hung(ours: list[float], theirs: list[float]) -> None:
    goal = 1000 * (TIMEOUT_S + BEYOND_TIMEOUT_S)
    rows = [
        (f"redis-cli with timeout {TIMEOUT_S:g}, one node after the other, judges nothing", spread(theirs), "", ""),
        ("diagnose", spread(ours), f"<= {goal:g}", verdict(met=statistics.median(ours) <= goal)),
    ]
    print(table(f"A master of three nodes hangs, {len(ours)} runs", ("way", "ms", "goal", ""), rows), flush=True)
