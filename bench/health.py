"""The health of many nodes: the runbook's way beside the running bot and beside the terminal from cold.

The runbook's way is a shell that runs one ``redis-cli … INFO replication`` a node, one after the other; for a cluster
it is one ``redis-cli --cluster check``, which asks all nodes. The running bot looks and diagnoses over its warm
connections. The terminal is ``tandem health --json`` as a process, from its start to its end. They take turns, and
each ratio is of neighbours in time.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from actions.adapters import TargetHands, connect
from actions.health import ACTION
from actions.kit.topology import Address, Kind, Target
from bench.table import spread, table, verdict
from sandbox.redis import Server, Shape, build, cluster, replication

NODES = 200
WARM_GOAL, COLD_GOAL = 20.0, 3.0
FEW, HUNG = 30, 3
SHARDS = Shape(shards=50, replicas=2, node_timeout_ms=600_000)
"""Nobody is failed over while one hangs."""
CLUSTER_WARM_GOAL = 2.0
TIMEOUT_S = 1.0
BEYOND_TIMEOUT_S = 0.2
PATIENCE_S, ENDED = 3.0, 124


@dataclass(frozen=True, slots=True)
class _Many:
    """Servers that are looked at, and how: ``runbook`` is its way, ``asked`` the nodes that targets.yaml names."""

    kind: Kind
    nodes: Sequence[Server]
    asked: tuple[str, ...]
    runbook: list[str]
    hang: Sequence[Server] = ()


@dataclass(slots=True)
class _Times:
    """Milliseconds of each way, one a round."""

    runbook: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)


async def main(runs: int) -> None:
    """Print a table for each: all nodes well, and some of them hung; then the same of a cluster."""
    one_by_one = "redis-cli, one node after the other"
    async with replication(build(), replicas=NODES - 1) as many:
        times = await _measure(_in_turn(many.nodes), runs)
    _print_ratios(f"Health of {NODES} nodes, {build().name}", one_by_one, times, (WARM_GOAL, COLD_GOAL))
    async with replication(build(), replicas=FEW - 1) as few:
        times = await _measure(_in_turn(few.nodes, few.nodes[-HUNG:]), runs)
    _print_ends(f"Health of {FEW} nodes of which {HUNG} hang", f"redis-cli with timeout {TIMEOUT_S:g}, in turn", times)
    title = f"{SHARDS.shards} shards, {SHARDS.shards * (SHARDS.replicas + 1)} nodes"
    async with cluster(build(), SHARDS) as made:
        times = await _measure(_checked(made.nodes), runs)
        hung = await _measure(_checked(made.nodes, made.primaries[-1:]), runs)
    goals = (CLUSTER_WARM_GOAL, None)
    _print_ratios(f"Health of a cluster, {title}, {build().name}", "redis-cli --cluster check", times, goals)
    _print_ends(f"The same with 1 master of {SHARDS.shards} hung", f"the same, ended after {PATIENCE_S:g} s", hung)


def _in_turn(nodes: Sequence[Server], hang: Sequence[Server] = ()) -> _Many:
    """The runbook's loop; with nodes that hang ``timeout`` keeps it from waiting for ever."""
    bound = f"timeout {TIMEOUT_S:g} " if hang else ""
    asks = [f"{bound}redis-cli {_at(node)} INFO replication" for node in nodes]
    return _Many(Kind.REPLICATION, nodes, tuple(node.address for node in nodes), ["sh", "-c", "\n".join(asks)], hang)


def _checked(nodes: Sequence[Server], hang: Sequence[Server] = ()) -> _Many:
    """redis-cli finds the others by the first node, as the bot does; it waits for one that hangs for ever."""
    check = ["redis-cli", "--cluster", "check", nodes[0].address]
    return _Many(Kind.CLUSTER, nodes, (nodes[0].address,), ["timeout", f"{PATIENCE_S:g}", *check], hang)


def _at(node: Server) -> str:
    host, _, port = node.address.rpartition(":")
    return f"-h {host} -p {port}"


async def _measure(many: _Many, runs: int) -> _Times:
    """One round that does not count, then the ways in turn."""
    times = _Times()
    nodes = tuple(map(Address.parse, many.asked))
    hands = connect(Target(name="many", kind=many.kind, nodes=nodes, timeout_ms=int(TIMEOUT_S * 1000)))
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as name, _terminal(many, Path(name)) as terminal:
        try:
            await _look(hands, len(many.nodes))
            for node in many.hang:
                await node.hang()
            for counts in [False] + [True] * runs:
                round_ = times if counts else _Times()
                round_.runbook.append(await _ms(lambda: _process(many.runbook)))
                round_.warm.append(await _ms(lambda: _look(hands, len(many.nodes))))
                round_.cold.append(await _ms(terminal))
        finally:
            await asyncio.gather(*(node.resume() for node in many.hang))
            await hands.aclose()
    return times


async def _look(hands: TargetHands, nodes: int) -> None:
    seen = await ACTION.look(hands, {}, _quiet)
    if len(seen.snapshot.nodes) != nodes:
        raise RuntimeError(f"{len(seen.snapshot.nodes)} nodes were looked at.")


async def _quiet(_sentence: str) -> None:
    """Nobody is told."""


@contextmanager
def _terminal(many: _Many, folder: Path) -> Iterator[Callable[[], Awaitable[None]]]:
    """What runs the terminal on these servers."""
    limits = {"timeout_ms": int(TIMEOUT_S * 1000)}
    entry = {"kind": many.kind.value, "nodes": list(many.asked), "limits": limits}
    path = folder / "targets.yaml"
    path.write_text(yaml.safe_dump({"targets": {"many": entry}}), encoding="utf-8")
    environment = os.environ | {"TANDEM_TARGETS_FILE": str(path)}
    command = [str(Path(sys.executable).with_name("tandem")), "health", "many", "--json"]

    async def run() -> None:
        await _process(command, environment)

    yield run


async def _process(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run to its end; what it prints is read, as a person's terminal does. Who was ended for hanging prints nothing."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()
    if not printed and process.returncode != ENDED:
        raise RuntimeError(f"{command[0]} printed nothing.")


async def _ms(way: Callable[[], Awaitable[None]]) -> float:
    since = time.perf_counter()
    await way()
    return 1000 * (time.perf_counter() - since)


def _print_ratios(title: str, runbook: str, times: _Times, goals: tuple[float, float | None]) -> None:
    rows: list[tuple[str, ...]] = [(runbook, spread(times.runbook), "1", "", "")]
    for (name, each), goal in zip(_ours(times), goals, strict=True):
        ratios = [theirs / one for theirs, one in zip(times.runbook, each, strict=True)]
        judged = ("", "") if goal is None else (f">= {goal:g}", verdict(met=statistics.median(ratios) >= goal))
        rows.append((name, spread(each), spread(ratios, 1), *judged))
    head = ("way", "ms", "times as fast", "goal", "")
    print(table(f"{title}, {len(times.warm)} runs", head, rows), flush=True)


def _print_ends(title: str, runbook: str, times: _Times) -> None:
    goal = 1000 * (TIMEOUT_S + BEYOND_TIMEOUT_S)
    rows: list[tuple[str, ...]] = [(runbook, spread(times.runbook), "", "")]
    for name, each in _ours(times):
        rows.append((name, spread(each), f"<= {goal:g}", verdict(met=statistics.median(each) <= goal)))
    title = f"{title}, time-out {TIMEOUT_S:g} s, {len(times.warm)} runs"
    print(table(title, ("way", "ms", "goal", ""), rows), flush=True)


def _ours(times: _Times) -> tuple[tuple[str, list[float]], ...]:
    return (("the running bot, warm", times.warm), ("tandem health --json, cold", times.cold))
