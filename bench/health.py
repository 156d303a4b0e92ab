"""The health of many nodes: the runbook's way beside the running bot and beside the terminal from cold.

The runbook's way is a shell that runs one ``redis-cli … INFO replication`` a node, one after the other. The running bot
looks and diagnoses over its warm connections. The terminal is ``tandem health --json`` as a process, from its start to
its end. They take turns, and each ratio is of neighbours in time.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from actions.adapters import TargetHands, connect
from actions.health import ACTION
from actions.kit.topology import Address, Kind, Target
from bench.table import spread, table, verdict
from sandbox.redis import Topology, build, replication

NODES = 200
WARM_GOAL, COLD_GOAL = 20.0, 3.0
FEW, HUNG = 30, 3
TIMEOUT_S = 1.0
BEYOND_TIMEOUT_S = 0.2


@dataclass(slots=True)
class _Times:
    """Milliseconds of each way, one a round."""

    runbook: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)


async def main(runs: int) -> None:
    """Print two tables: all nodes well, and some of them hung."""
    title = f"Health of {NODES} nodes, {build().name}, {runs} runs"
    print(table(title, ("way", "ms", "times as fast", "goal", ""), _ratios(await _well(runs))), flush=True)
    title = f"Health of {FEW} nodes of which {HUNG} hang, time-out {TIMEOUT_S:g} s, {runs} runs"
    print(table(title, ("way", "ms", "goal", ""), _ends(await _hung(runs))), flush=True)


async def _well(runs: int) -> _Times:
    async with replication(build(), replicas=NODES - 1) as topology:
        return await _measure(topology, runs)


async def _hung(runs: int) -> _Times:
    async with replication(build(), replicas=FEW - 1) as topology:
        return await _measure(topology, runs, hang=HUNG)


async def _measure(topology: Topology, runs: int, *, hang: int = 0) -> _Times:
    """One round that does not count, then the ways in turn."""
    times = _Times()
    hands = connect(_target(topology))
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as name, _terminal(topology, Path(name)) as terminal:
        try:
            await _look(hands)
            for node in topology.nodes[len(topology.nodes) - hang :]:
                await node.hang()
            for counts in [False] + [True] * runs:
                round_ = times if counts else _Times()
                round_.runbook.append(await _ms(lambda: _shell(topology, patient=not hang)))
                round_.warm.append(await _ms(lambda: _look(hands)))
                round_.cold.append(await _ms(terminal))
        finally:
            await hands.aclose()
    return times


def _target(topology: Topology) -> Target:
    nodes = tuple(map(Address.parse, topology.node_addresses))
    return Target(name="many", kind=Kind.REPLICATION, nodes=nodes, timeout_ms=int(TIMEOUT_S * 1000))


async def _look(hands: TargetHands) -> None:
    seen = await ACTION.look(hands, {}, _quiet)
    if len(seen.snapshot.nodes) != len(hands.target.nodes):
        raise RuntimeError(f"{len(seen.snapshot.nodes)} nodes were looked at.")


async def _quiet(_sentence: str) -> None:
    """Nobody is told."""


async def _shell(topology: Topology, *, patient: bool) -> None:
    """The runbook's loop; with nodes that hang ``timeout`` keeps it from waiting for ever."""
    bound = "" if patient else f"timeout {TIMEOUT_S:g} "
    asks = [
        f"{bound}redis-cli -h {host} -p {port} INFO replication"
        for host, _, port in (address.rpartition(":") for address in topology.node_addresses)
    ]
    await _process(["sh", "-c", "\n".join(asks)])


@contextmanager
def _terminal(topology: Topology, folder: Path) -> Iterator[Callable[[], Awaitable[None]]]:
    """What runs the terminal on this topology."""
    limits = {"timeout_ms": int(TIMEOUT_S * 1000)}
    entry = {"kind": "replication", "nodes": list(topology.node_addresses), "limits": limits}
    path = folder / "targets.yaml"
    path.write_text(yaml.safe_dump({"targets": {"many": entry}}), encoding="utf-8")
    environment = os.environ | {"TANDEM_TARGETS_FILE": str(path)}
    command = [str(Path(sys.executable).with_name("tandem")), "health", "many", "--json"]

    async def run() -> None:
        await _process(command, environment)

    yield run


async def _process(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run to its end; what it prints is read, as a person's terminal does."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()
    if not printed:
        raise RuntimeError(f"{command[0]} printed nothing.")


async def _ms(way: Callable[[], Awaitable[None]]) -> float:
    since = time.perf_counter()
    await way()
    return 1000 * (time.perf_counter() - since)


def _ratios(times: _Times) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("redis-cli, one node after the other", spread(times.runbook), "1", "", "")]
    for name, each, goal in (
        ("the running bot, warm", times.warm, WARM_GOAL),
        ("tandem health --json, cold", times.cold, COLD_GOAL),
    ):
        ratios = [runbook / one for runbook, one in zip(times.runbook, each, strict=True)]
        met = verdict(met=statistics.median(ratios) >= goal)
        rows.append((name, spread(each), spread(ratios, 1), f">= {goal:g}", met))
    return rows


def _ends(times: _Times) -> list[tuple[str, ...]]:
    goal = 1000 * (TIMEOUT_S + BEYOND_TIMEOUT_S)
    rows: list[tuple[str, ...]] = [
        (f"redis-cli with timeout {TIMEOUT_S:g}, one node after the other", spread(times.runbook), "", "")
    ]
    for name, each in (("the running bot, warm", times.warm), ("tandem health --json, cold", times.cold)):
        rows.append((name, spread(each), f"<= {goal:g}", verdict(met=statistics.median(each) <= goal)))
    return rows
