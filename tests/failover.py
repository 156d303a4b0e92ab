"""What the failover tests share: a target for a topology, a journal that keeps its lines, faults at a chosen step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from actions import failover
from actions.kit.following import Repoint
from actions.kit.loop import StepState
from actions.kit.opening import OpenForWrites
from actions.kit.plan import Plan, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.promotion import Promote
from actions.kit.repair.demotion import DemoteLoser
from actions.kit.sentinel_opening import OpenNamed
from actions.kit.sentinel_steps import AwaitSentinels, Steer
from actions.kit.snapshot import Reason, Snapshot
from actions.kit.steps import Demote, Prove
from actions.kit.topology import Address, Credentials, Kind, Limits, Target, Tls
from sandbox.redis import Server, Topology
from sandbox.redis.load import Load

Fault = Callable[[], Awaitable[object]]

PATIENT = {"cooldown_s": 0, "timeout_ms": 10_000}
"""``limits`` in targets.yaml for servers that are slow to answer on a busy machine, and none of which hangs."""

CALM = {"down_after_ms": 20_000, "timeout_ms": 10_000, "limits": Limits(max_pause_ms=10_000)}
"""A topology and a target of which no server hangs: a machine that stands still for seconds is not taken for one."""


def target_of(topology: Topology, **changes: object) -> Target:
    """The topology as targets.yaml would describe it; where a server hangs it has to be given up sooner."""
    tls = Tls(ca_file=str(topology.tls.ca_file)) if topology.tls else None
    target = Target(
        name="orders",
        kind=Kind.SENTINEL if topology.sentinels else Kind.REPLICATION,
        nodes=tuple(map(Address.parse, topology.node_addresses)),
        sentinels=tuple(map(Address.parse, topology.sentinel_addresses)),
        master_name=topology.master_name,
        auth=Credentials(topology.username, topology.password),
        sentinel_auth=Credentials(topology.sentinel_username, topology.sentinel_password),
        tls=tls,
        sentinel_tls=tls,
        limits=Limits(max_pause_ms=3000),
        timeout_ms=10_000,
    )
    return replace(target, **changes)  # type: ignore[arg-type]


def patient_target_of(topology: Topology, **changes: object) -> Target:
    """The same for servers that are slow to answer on a busy machine, and none of which hangs."""
    return target_of(topology, timeout_ms=PATIENT["timeout_ms"], **changes)


async def cut_off(steps: Sequence[Step], at: type[Step], when: str, hands: Hands) -> tuple[int, Journal]:
    """Do the steps up to one of this kind, and that one's effect too where ``when`` is after; nothing tells of it.

    Returns:
        The index of that step, and the journal in which it has begun and not ended.
    """
    journal = Journal()
    index = next(number for number, step in enumerate(steps) if isinstance(step, at))
    for number, step in enumerate(steps[: index + 1]):
        await journal.intends(number, step)
        if number < index or when == "after":
            await step.perform(hands, journal)
            for change in step.repays:
                await journal.repaid(change)
    return index, journal


@dataclass
class Journal:
    """Keeps what the loop writes down; before a step of a chosen kind it lets something happen."""

    at: type[Step] | None = None
    fault: Fault | None = None
    owed: list[SettingChange] = field(default_factory=list)
    lines: list[tuple[int, str, StepState, str]] = field(default_factory=list)
    titles: dict[int, str] = field(default_factory=dict)

    async def intends(self, index: int, step: Step) -> None:
        self.titles[index] = type(step).__name__
        self.owed += [change for change in step.changes if change not in self.owed]
        if self.at is not None and isinstance(step, self.at) and self.fault is not None:
            fault, self.fault = self.fault, None
            await fault()

    async def owes(self, change: SettingChange) -> None:
        if (change.node, change.name) not in {(owed.node, owed.name) for owed in self.owed}:
            self.owed.append(change)

    async def ended(self, index: int, state: StepState, note: str) -> None:
        self.lines.append((index, self.titles.get(index, "?"), state, note))

    async def repaid(self, change: SettingChange) -> None:
        self.owed = [owed for owed in self.owed if (owed.node, owed.name) != (change.node, change.name)]

    def states(self, name: str) -> list[StepState]:
        return [state for _, title, state, _ in self.lines if title == name]


async def answered(hands: Hands) -> Snapshot:
    """A look in which nobody was too slow, as a server may be on a busy machine; the fifth as it is."""
    for _ in range(4):
        snapshot = await hands.observe()
        if all(one.reason is not Reason.TIMED_OUT for one in snapshot.unasked):
            return snapshot
    return await hands.observe()


async def planned(hands: Hands, **options: str) -> Plan:
    """The plan for what is there now; a refusal fails the test in its own words."""
    plan = failover.plan(await answered(hands), options)
    assert isinstance(plan, Plan), plan
    return plan


def without_the_long_look(steps: Sequence[Step]) -> list[Step]:
    """The second proof waits half a minute."""
    return [step for step in steps if not (isinstance(step, Prove) and step.after_s)]


def patient(steps: Sequence[Step]) -> list[Step]:
    """As ``without_the_long_look``, where all comes about: that is waited for on however busy a machine."""
    kinds = (Steer, Promote, OpenForWrites, OpenNamed, Repoint, DemoteLoser, Prove)
    steps = [replace(step, within_s=60) if isinstance(step, kinds) else step for step in steps]
    steps = [replace(step, within_ms=60_000) if isinstance(step, Demote | AwaitSentinels) else step for step in steps]
    return without_the_long_look(steps)


def soon_given_up(steps: Sequence[Step], within_s: int = 6) -> list[Step]:
    """As ``without_the_long_look``, where a test has broken on purpose what the proof would wait for."""
    quick = [replace(step, within_s=within_s) if isinstance(step, Prove) else step for step in steps]
    return without_the_long_look(quick)


async def setting(server: Server, name: str) -> str:
    return str((await server.command("CONFIG", "GET", name))[1])


def in_file(server: Server, word: str) -> list[str]:
    """The lines of the configuration file, as the server itself may have rewritten it, that hold this word."""
    return [line for line in server.config_path.read_text().splitlines() if word in line]


@asynccontextmanager
async def never_two_writable_masters(topology: Topology) -> AsyncIterator[None]:
    """As the other one, for as long as the body runs."""
    over = asyncio.Event()
    watching = asyncio.create_task(_at_most_one_takes_writes(topology, over.is_set))
    try:
        yield
    finally:
        over.set()
        await watching


async def no_two_writable_masters(topology: Topology, seconds: float) -> None:
    """Look at all nodes for a while; at most one of them may take a write at any time."""
    deadline = time.monotonic() + seconds
    await _at_most_one_takes_writes(topology, lambda: time.monotonic() > deadline)


async def _at_most_one_takes_writes(topology: Topology, over: Callable[[], bool]) -> None:
    while not over():
        takers = [node for node in await topology.masters() if await _takes_a_write(node)]
        # They are asked in turn, and on a busy machine a failover fits in between: then the first refuses by now.
        still = [node for node in takers[:-1] if await _takes_a_write(node)]
        assert not still, f"two writable masters: {takers}"
        await asyncio.sleep(0.1)


async def _takes_a_write(node: Server) -> bool:
    try:
        # One that changes nothing: what a node has of its own decides whether it may follow.
        await node.command("DEL", "tandem:probe:two-masters", timeout_s=2)
    except Exception:  # noqa: BLE001 -- READONLY, NOREPLICAS: refused is what is wanted.
        return False
    return True


async def caught_up(master: Server, *replicas: Server) -> None:
    """Wait until these replicas have all that the master has now. (WAIT counts only what its own connection wrote.)"""
    goal = (await master.command("INFO", "replication"))["master_repl_offset"]
    async with asyncio.timeout(90):
        for replica in replicas:
            while (await replica.command("INFO", "replication"))["slave_repl_offset"] < goal:
                await asyncio.sleep(0.02)


async def goes_on(load: Load, writes: int = 50) -> None:
    """Wait until so many more are acknowledged."""
    goal = load.acked + writes
    async with asyncio.timeout(90):
        while load.acked < goal:
            await asyncio.sleep(0.02)
