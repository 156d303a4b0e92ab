"""What the tests of the repair share: a split brain with a writer on each side, and what has to be so afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from actions import repair
from actions.adapters import TargetHands, connect
from actions.kit.loop import Ending, carry_out
from actions.kit.plan import Plan, Refusal, Step
from actions.kit.repair.demotion import DemoteLoser
from actions.kit.rescue_place import Folder
from sandbox.redis import Build, Server, Topology, WriteLoad, faults, loaded, replication, sentinel
from tests.failover import Fault, Journal, goes_on, patient, setting, soon_given_up, target_of


@dataclass
class Split:
    """Two masters, each with its writers. ``old`` was master first; ``new`` was promoted beside it."""

    topology: Topology
    folder: Path
    hands: TargetHands
    old: Server
    new: Server
    writes: dict[str, WriteLoad]
    """By the address of the master that they go to."""

    @property
    def copies(self) -> list[Path]:
        return sorted(self.folder.glob("orders/*.rdb"))

    async def no_store(self) -> None:
        """Copies have no place any more: something else is where they go."""
        place = self.folder / "orders"
        if place.is_dir():
            place.rmdir()
        place.write_text("in the way")

    def store_again(self) -> None:
        """They have one again."""
        (self.folder / "orders").unlink()

    async def answer(self, keep: Server | None = None) -> Plan | Refusal:
        return repair.plan(await self.hands.observe(), {"keep": keep.address} if keep else {})

    async def planned(self, keep: Server | None = None) -> Plan:
        """As soon as the Sentinels' failover, which made the second master, is over."""
        async with asyncio.timeout(90):
            while isinstance(said := await self.answer(keep), Refusal) and "A failover is in progress" in said.reason:
                await asyncio.sleep(0.1)
        assert isinstance(said, Plan), said
        return said

    async def repaired(
        self, plan: Plan, at: type[Step] | None = None, fault: Fault | None = None, *, hasty: bool = False
    ) -> tuple[Ending, Journal]:
        """``hasty``: the fault is not waited for long."""
        journal = Journal(at, fault)
        return await carry_out((in_haste if hasty else patient)(plan.steps), self.hands, journal), journal

    async def ended(self) -> None:
        """Nobody writes any more."""
        for load in self.writes.values():
            await load.stop()

    async def nothing_is_lost(self, loser: Server, keeper: Server) -> None:
        """All acknowledged writes of the keeper are on it, and all of the loser in its copy."""
        await self.ended()
        assert min(load.acked for load in self.writes.values()) > 20
        assert await self.writes[keeper.address].lost(keeper) == 0
        (copy,) = self.copies
        made = self.topology.settings
        async with loaded(made.build, copy, made.password) as server:
            assert await self.writes[loser.address].lost(server.address) == 0

    async def as_before(self) -> None:
        """Two masters that take writes, and nothing left of what was tried."""
        for node in (self.old, self.new):
            assert (await node.command("ROLE"))[0] == "master"
            assert await setting(node, "min-replicas-to-write") == "0"
            assert await setting(node, "masterauth") == ""
            assert await node.command("SET", "after", "1")


@asynccontextmanager
async def split(build: Build, folder: Path, *, sentinels: int = 0, **settings: object) -> AsyncIterator[Split]:
    """A master and two replicas, split under load. The Sentinels, if any, cannot reach the old master at first."""
    timeout_ms = int(str(settings.pop("timeout_ms", 10_000)))
    made = sentinel(build, sentinels=sentinels, links=True, **settings) if sentinels else replication(build, **settings)
    async with AsyncExitStack() as stack:
        topology = await stack.enter_async_context(made)
        old = await topology.master()
        writes = {old.address: await stack.enter_async_context(WriteLoad(topology, rate=200, endpoint=old.address))}
        await faults.split_brain(topology)
        new = next(node for node in await topology.masters() if node is not old)
        writes[new.address] = await stack.enter_async_context(WriteLoad(topology, rate=200, endpoint=new.address))
        hands = connect(target_of(topology, timeout_ms=timeout_ms, rescue=Folder(str(folder))))
        stack.push_async_callback(hands.aclose)
        await asyncio.gather(*map(goes_on, writes.values()))  # Each side takes some of its own.
        yield Split(topology, folder, hands, old, new, writes)


def in_haste(steps: Sequence[Step]) -> list[Step]:
    """What a test has broken on purpose is not waited for long."""
    quick = [replace(step, within_s=2) if isinstance(step, DemoteLoser) else step for step in steps]
    return soon_given_up(quick)
