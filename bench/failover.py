"""Planned failover under write load: what is lost, and how long no write is acknowledged.

Side by side: plain ``SENTINEL FAILOVER``, Valkey's ``COORDINATED``, the runbook's manual promotion by a script, Tandem.
Eight writers of unique keys ask a Sentinel for the master on every new connection. A write counts as lost where it was
acknowledged and the final master does not have it, once the old master follows the new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import redis.asyncio

from actions import failover
from actions.adapters import connect
from actions.kit.errors import Refused
from actions.kit.loop import Outcome, StepState, carry_out
from actions.kit.plan import Refusal, SettingChange, Step
from actions.kit.steps import Prove
from actions.kit.topology import Address, Credentials, Kind, Target
from bench.table import spread, table
from sandbox.redis import Build, Topology, WriteLoad, builds, sentinel

COORDINATED_SINCE = (9, 0)
DELAY_S = 0.1
SETTLE_S = 90.0
HEAD = ("way", "delay ms", "runs", "acked", "lost min / median / max", "gap ms", "Sentinel's switch ms", "gap / switch")


@dataclass(frozen=True, slots=True)
class Run:
    """One failover: acknowledged and lost writes, the gap and Sentinel's own switch time in milliseconds."""

    acked: int
    lost: int
    gap_ms: float
    switch_ms: float


class NoJournal:
    """The bench measures the failover itself; the ledger's part is measured with the bot."""

    async def intends(self, index: int, step: Step) -> None:
        """Nothing is kept."""

    async def ended(self, index: int, state: StepState, note: str) -> None:
        """Nothing is kept."""

    async def owes(self, change: SettingChange) -> None:
        """Nothing is kept."""

    async def repaid(self, change: SettingChange) -> None:
        """Nothing is kept."""


def target_of(topology: Topology, name: str = "bench") -> Target:
    """The topology as Tandem's settings would describe it."""
    return Target(
        name=name,
        kind=Kind.SENTINEL if topology.sentinels else Kind.REPLICATION,
        nodes=tuple(map(Address.parse, topology.node_addresses)),
        sentinels=tuple(map(Address.parse, topology.sentinel_addresses)),
        master_name=topology.master_name,
        auth=Credentials(topology.username, topology.password),
        sentinel_auth=Credentials(topology.sentinel_username, topology.sentinel_password),
    )


async def plain(topology: Topology) -> None:
    """The runbook's Sentinel failover: one command."""
    await topology.sentinels[0].command("SENTINEL", "FAILOVER", topology.master_name)


async def coordinated(topology: Topology) -> None:
    """Valkey 9's own coordinated failover."""
    await topology.sentinels[0].command("SENTINEL", "FAILOVER", topology.master_name, "COORDINATED")


async def runbook(topology: Topology, patience_s: float = 5) -> None:
    """The runbook's manual promotion, as its five commands stand there, one after the other."""
    old = await topology.master()
    new = next(node for node in topology.nodes if node is not old)
    await _patiently(old.command("CLIENT", "PAUSE", 60000), patience_s)
    while (await new.command("INFO", "replication"))["master_link_status"] != "up":
        await asyncio.sleep(0.05)
    await new.command("REPLICAOF", "NO", "ONE")
    host, _, port = new.address.rpartition(":")
    await _patiently(old.command("REPLICAOF", host, port, timeout_s=patience_s), patience_s)


async def tandem(topology: Topology) -> None:
    """Tandem's plan, carried out by its loop; the second look after 30 s is left out of the waiting here."""
    hands = connect(target_of(topology))
    try:
        plan = failover.plan(await hands.observe(), {})
        if isinstance(plan, Refusal):
            raise Refused(*plan.reasons)
        steps = [step for step in plan.steps if not (isinstance(step, Prove) and step.after_s)]
        ending = await carry_out(steps, hands, NoJournal())
        if ending.outcome is not Outcome.DONE:
            raise RuntimeError("; ".join(ending.failures))
    finally:
        await hands.aclose()


Way = Callable[[Topology], Awaitable[None]]
Start = Callable[..., contextlib.AbstractAsyncContextManager[Topology]]


async def measure(build: Build, way: Way, delay_s: float, start: Start = sentinel) -> Run:
    """One failover by one way on a fresh topology."""
    async with start(build, links=delay_s > 0) as topology:
        if delay_s:
            for link in topology.links:
                await link.delay_replication(delay_s)
        old = await topology.master()
        async with WriteLoad(topology, writers=8, process=True) as load, _switches(topology) as switched:
            await asyncio.sleep(1.0)
            since = time.monotonic()
            await way(topology)
            await _settled(topology, old.address)
            await asyncio.sleep(0.5)
            await load.stop()
            gap = load.longest_gap_ms(since)
            lost = await load.lost(await topology.master())
            return Run(load.acked, lost, gap, switched.ms())


class _Switched:
    """When Sentinel was told to fail over, and when it said that it had."""

    def __init__(self) -> None:
        self.began: float | None = None
        self.ended: float | None = None

    def ms(self) -> float:
        """Milliseconds between the two; NaN where one was not seen."""
        return 1000 * (self.ended - self.began) if self.began and self.ended else float("nan")


@contextlib.asynccontextmanager
async def _switches(topology: Topology) -> AsyncIterator[_Switched]:
    """Listen to every Sentinel: the first +new-epoch or +try-failover to the first +switch-master."""
    seen = _Switched()
    tasks = [asyncio.create_task(_listen(server.direct_address, topology, seen)) for server in topology.sentinels]
    try:
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(address: str, topology: Topology, seen: _Switched) -> None:
    host, _, port = address.rpartition(":")
    options = topology.sentinel_admin.client_options()
    async with (
        redis.asyncio.Redis(host=host, port=int(port), **options, protocol=2) as client,
        client.pubsub() as channel,
    ):
        await channel.psubscribe("*")
        async for message in channel.listen():
            name = message.get("channel")
            if name in {b"+new-epoch", b"+try-failover"} and seen.began is None:
                seen.began = time.monotonic()
            if name == b"+switch-master" and seen.ended is None:
                seen.ended = time.monotonic()


async def _settled(topology: Topology, old: str) -> None:
    """Until the old master follows the new one: only then is it known what is lost."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        masters = await topology.masters()
        if len(masters) == 1 and masters[0].address != old and await _all_follow(topology, masters[0].address):
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{old} still does not follow a new master")


async def _all_follow(topology: Topology, master: str) -> bool:
    """Without Sentinels only the first node, which was master: nobody sends the others after the new one."""
    for node in topology.nodes if topology.sentinels else topology.nodes[:1]:
        try:
            role = await node.command("ROLE")
        except redis.exceptions.RedisError:
            return False  # The runbook's pause holds back even this.
        if node.address != master and (role[0] == "master" or role[3] != "connected"):
            return False
    return True


async def _patiently(command: Awaitable[object], patience_s: float) -> None:
    """A command that the runbook's own pause blocks: the person at the terminal waits, then goes on."""
    with contextlib.suppress(redis.exceptions.TimeoutError, TimeoutError):
        await asyncio.wait_for(command, patience_s)


def ways(build: Build, *, with_runbook: bool) -> dict[str, Way]:
    """What is compared on this build."""
    every: dict[str, Way] = {"plain SENTINEL FAILOVER": plain}
    if build.is_valkey and build.version >= COORDINATED_SINCE:
        every["Valkey COORDINATED"] = coordinated
    if with_runbook:
        every["the runbook by a script"] = runbook
    every["Tandem"] = tandem
    return every


async def main(runs: int, *, with_runbook: bool = True) -> None:
    """Print one table for each build."""
    for build in builds():
        await compare(build, runs, with_runbook=with_runbook)


async def compare(build: Build, runs: int, *, with_runbook: bool = True) -> None:
    """Print the table of one build."""
    rows = []
    for delay in (0.0, DELAY_S):
        rows += await _rows(build, delay, runs, with_runbook=with_runbook)
    print(table(f"Planned failover under load, {build.name}", HEAD, rows), flush=True)


async def _rows(build: Build, delay: float, runs: int, *, with_runbook: bool) -> list[tuple[str, ...]]:
    """The ways take turns, so that a slow spell of the machine falls upon all of them.

    Tandem is run every time, the yardsticks every fourth; the runbook, whose pause lasts a minute, once.
    """
    every = ways(build, with_runbook=with_runbook)
    results: dict[str, list[Run]] = {name: [] for name in every}
    for number in range(runs):
        for name, way in every.items():
            if way is tandem or (number % 4 == 0 and (way is not runbook or number == 0)):
                results[name].append(await measure(build, way, delay))
    return [_row(name, delay, results[name], results["plain SENTINEL FAILOVER"]) for name in every]


def _row(name: str, delay: float, runs: list[Run], yardstick: list[Run]) -> tuple[str, ...]:
    gap = statistics.median(run.gap_ms for run in runs)
    switch = statistics.median(run.switch_ms for run in yardstick)
    return (
        name,
        f"{delay * 1000:.0f}",
        str(len(runs)),
        f"{sum(run.acked for run in runs):,}",
        spread([run.lost for run in runs]),
        spread([run.gap_ms for run in runs]),
        spread([run.switch_ms for run in runs]),
        f"{gap / switch:.2f}",
    )
