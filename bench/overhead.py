"""What the ledger costs a run: the same steps on a real Redis bare, journalled on SQLite, and on PostgreSQL.

Both databases write every commit to the disk. The three take turns, and each ratio is of neighbours in time.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from actions.adapters import TargetHands, connect
from actions.kit.loop import StepState, carry_out
from actions.kit.plan import Plan, SettingChange, Step
from actions.kit.topology import Address, Kind, Target
from bench.table import spread, table
from bench.touching import ACTION, Touch
from bot.ledger import Ask, Ledger, Person, Verdict
from sandbox.postgresql import PostgreSQL
from sandbox.redis import build, replication

STEPS = 20
_ONCALL, _LEAD = Person("U0ONCALL", "oncall"), Person("U0LEAD", "lead")


@dataclass(slots=True)
class _Times:
    """Milliseconds: from the approved request to the first step, and each step on average, one a run."""

    start: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)


class _Nothing:
    """A journal that writes nothing."""

    async def intends(self, index: int, step: Step) -> None:
        """Nothing is written."""

    async def ended(self, index: int, state: StepState, note: str) -> None:
        """Nothing is written."""

    async def owes(self, change: SettingChange) -> None:
        """Nothing is written."""

    async def repaid(self, change: SettingChange) -> None:
        """Nothing is written."""


async def main(runs: int) -> None:
    """Print what a run's start and each of its steps cost."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
        topology = await stack.enter_async_context(replication(build(), replicas=1))
        hands = connect(_target(tuple(map(Address.parse, topology.node_addresses))))
        stack.push_async_callback(hands.aclose)
        server = PostgreSQL(durable=True)
        stack.callback(server.close)
        server.start()
        urls = {"SQLite": f"sqlite+aiosqlite:///{folder}/tandem.db", "PostgreSQL": server.url()}
        ways: dict[str, Callable[[], Awaitable[tuple[float, float]]]] = {"bare, nothing written": lambda: _bare(hands)}
        for name, url in urls.items():
            ledger = await Ledger.open(url, step_types=(Touch,))
            stack.push_async_callback(ledger.aclose)
            ways[name] = lambda ledger=ledger: _journalled(ledger, hands)  # type: ignore[misc]
        times = {name: _Times() for name in ways}
        for counts in [False] + [True] * runs:
            for name, way in ways.items():
                start_ms, step_ms = await way()
                if counts:
                    times[name].start.append(start_ms)
                    times[name].step.append(step_ms)
    _print(times, runs)


def _print(times: dict[str, _Times], runs: int) -> None:
    bare = times["bare, nothing written"]
    rows = []
    for name, one in times.items():
        added = statistics.median(b - a for a, b in zip(bare.step, one.step, strict=True))
        rows.append((name, spread(one.start, 1), spread(one.step, 2), f"{added:.2f}" if one is not bare else ""))
    head = ("journal", "ms from approved to the first step", "ms a step", "added ms a step")
    print(table(f"A run of {STEPS} steps, one CONFIG SET each, {runs} runs", head, rows), flush=True)


async def _bare(hands: TargetHands) -> tuple[float, float]:
    plan = await _plan(hands)
    return 0.0, await _steps_ms(lambda: carry_out(plan.steps, hands, _Nothing()))


async def _journalled(ledger: Ledger, hands: TargetHands) -> tuple[float, float]:
    ask = Ask(await _plan(hands), {}, _ONCALL, None, "", 1, timedelta(minutes=5))
    request = await ledger.file(ask)
    await ledger.decide(request.id, _LEAD, Verdict.APPROVE)
    started = time.perf_counter()
    lease = await ledger.begin(request.id)
    loaded = await ledger.request(request.id)
    start_ms = 1000 * (time.perf_counter() - started)
    async with ledger.kept(lease):
        journal = ledger.journal(lease)
        step_ms = await _steps_ms(lambda: carry_out(loaded.plan.steps, hands, journal))
        await ledger.end(lease, await carry_out((), hands, journal))
    return start_ms, step_ms


async def _steps_ms(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - started) / STEPS


async def _plan(hands: TargetHands) -> Plan:
    planned = ACTION.plan(await hands.observe(), {"steps": str(STEPS)})
    if not isinstance(planned, Plan):
        raise TypeError(planned.reason)
    return planned


def _target(nodes: tuple[Address, ...]) -> Target:
    return Target(name="orders", kind=Kind.REPLICATION, nodes=nodes)
