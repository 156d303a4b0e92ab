"""What the tests of the flush share: servers with keys in two databases, and what has to be so afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from actions import flush
from actions.adapters import TargetHands, connect
from actions.kit.flushing.look import look
from actions.kit.loop import Ending, carry_out
from actions.kit.plan import Plan, Refusal, Step
from actions.kit.rescue_place import Folder
from sandbox.redis import Build, Server, Topology, replication, sentinel
from tests.failover import Fault, Journal, setting, target_of

OLD = {0: 300, 3: 40}
"""How many keys each database has before anything is done."""

QUIET = {"repl-ping-replica-period": "3600", "repl-timeout": "7200"}
"""A machine that stands still for twenty seconds in the middle would see two PINGs, and a flush lets only one pass."""


@dataclass
class Stage:
    """A master and its replica, hands on them, and where copies go."""

    topology: Topology
    folder: Path
    hands: TargetHands

    @property
    def master(self) -> Server:
        return self.topology.nodes[0]

    @property
    def copies(self) -> list[Path]:
        return copies_in(self.folder)

    async def answer(self, **options: str) -> Plan | Refusal:
        return flush.plan(await look(self.hands), options)

    async def planned(self, **options: str) -> Plan:
        answer = await self.answer(**options)
        assert isinstance(answer, Plan), answer
        return answer

    async def flushed(
        self, plan: Plan, at: type[Step] | None = None, fault: Fault | None = None
    ) -> tuple[Ending, Journal]:
        journal = Journal(at, fault)
        return await carry_out(at_once(plan.steps), self.hands, journal), journal

    async def as_before(self) -> None:
        """Nothing went, and writes are taken."""
        assert await counted(self.master) == OLD
        assert await setting(self.master, "min-replicas-to-write") == "0"
        assert await self.master.command("SET", "old:1", "0")

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(90):
            while not holds():
                await asyncio.sleep(0.02)


def copies_in(folder: Path, target: str = "orders") -> list[Path]:
    """The copies of this target below this folder."""
    return sorted(folder.glob(f"{target}/*.rdb"))


async def counted(node: Server) -> dict[int, int]:
    """How many keys each database has."""
    told = await node.command("INFO", "keyspace")
    return {int(name.removeprefix("db")): int(one["keys"]) for name, one in told.items()}


async def filled(master: Server) -> None:
    """``OLD``: in each database keys ``old:1`` and so on, whose values are their numbers."""
    script = """
        for i = 2, #ARGV, 2 do
            redis.call('SELECT', ARGV[i - 1])
            for k = 1, tonumber(ARGV[i]) do redis.call('SET', 'old:' .. k, k) end
        end
    """
    await master.command("EVAL", script, "0", *(str(one) for pair in OLD.items() for one in pair))


@asynccontextmanager
async def stage(which: Build, folder: Path, *, sentinels: int = 0, **settings: object) -> AsyncIterator[Stage]:
    """Its users may do what docs/operations.md has them do, and what a copy and a flush take."""
    made = {"replicas": 1, **settings}
    made["extra_config"] = {**QUIET, **cast("dict[str, str]", made.get("extra_config", {}))}
    opened = sentinel(which, sentinels=sentinels, **made) if sentinels else replication(which, **made)
    async with opened as topology:
        await filled(topology.nodes[0])
        hands = connect(target_of(topology, timeout_ms=10_000, rescue=Folder(str(folder))))
        try:
            yield Stage(topology, folder, hands)
        finally:
            await hands.aclose()


def at_once(steps: Sequence[Step]) -> list[Step]:
    """The second proof waits half a minute."""
    return [step for step in steps if not getattr(step, "after_s", 0)]


def notes_of(journal: Journal, name: type[Step] | str) -> str:
    """What the steps of this kind said."""
    kind = name if isinstance(name, str) else name.__name__
    return " ".join(note for _, title, _, note in journal.lines if title == kind)
