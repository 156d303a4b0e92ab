"""Two targets whose masters the same Sentinels watch: what happens to one is nothing to the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from actions import failover
from actions.adapters import connect
from actions.adapters.redis import RedisHands
from actions.kit.diagnosis import diagnose
from actions.kit.findings import FindingId
from actions.kit.loop import Outcome, carry_out
from actions.kit.plan import Refusal
from actions.kit.topology import Address, Kind, Target
from sandbox.redis import Build, Server, Topology, WriteLoad, builds, replication, sentinel
from tests.failover import Journal, patient, planned, setting, target_of

pytestmark = pytest.mark.servers

SINCE_7 = [one for one in builds() if one.version >= (7,)]
DOWN_AFTER_MS = 2000


@dataclass
class Group:
    """The Sentinels of `orders` watch the master of `carts` too."""

    orders: Topology
    carts: Topology
    targets: tuple[Target, Target]
    hands: tuple[RedisHands, RedisHands]

    @property
    def sentinels(self) -> tuple[Server, ...]:
        return self.orders.sentinels

    async def named(self, name: str) -> set[str]:
        """Whom the Sentinels name as master of this name."""
        asked = (server.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name) for server in self.sentinels)
        return {":".join(answer) for answer in await asyncio.gather(*asked)}


@asynccontextmanager
async def group(which: Build) -> AsyncIterator[Group]:
    async with sentinel(which) as orders, replication(which) as carts, AsyncExitStack() as stack:
        await asyncio.gather(*(_watch(server, carts) for server in orders.sentinels))
        addresses = tuple(map(Address.parse, orders.sentinel_addresses))
        other = target_of(carts, name="carts", kind=Kind.SENTINEL, sentinels=addresses, master_name="carts")
        targets = (target_of(orders), other)
        hands = (connect(targets[0]), connect(targets[1]))
        for one in hands:
            stack.push_async_callback(one.aclose)
        async with asyncio.timeout(90):
            while isinstance(failover.plan(await hands[1].observe(), {}), Refusal):
                await asyncio.sleep(0.1)
        yield Group(orders, carts, targets, hands)


async def _watch(server: Server, carts: Topology) -> None:
    await server.command("SENTINEL", "DEBUG", "INFO-PERIOD", "1000")
    await server.command("SENTINEL", "MONITOR", "carts", *carts.nodes[0].address.rsplit(":", 1), "2")
    for name, value in (("down-after-milliseconds", DOWN_AFTER_MS), ("failover-timeout", 10_000)):
        await server.command("SENTINEL", "SET", "carts", name, value)


async def ends_whole(topology: Topology, group: Group, name: str) -> Server:
    """Wait until there is one master again which all follow and all Sentinels name; that one."""
    async with asyncio.timeout(60):
        while True:
            masters = [node for node in await topology.masters() if await group.named(name) == {node.address}]
            alive = [node for node in topology.nodes if node.running]
            if len(masters) == 1:
                info = await masters[0].command("INFO", "replication")
                if info["connected_slaves"] == len(alive) - 1:
                    return masters[0]
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("which", SINCE_7, ids=lambda one: one.name)
async def test_both_are_failed_over_at_once_and_neither_loses_a_write(which: Build) -> None:
    async with group(which) as both, WriteLoad(both.orders, rate=300) as load:
        plans = await asyncio.gather(*map(planned, both.hands))
        assert [plan.target for plan in plans] == ["orders", "carts"]
        journals = (Journal(), Journal())
        endings = await asyncio.gather(
            *(
                carry_out(patient(plan.steps), hands, journal)
                for plan, hands, journal in zip(plans, both.hands, journals, strict=True)
            )
        )
        for ending, journal, topology in zip(endings, journals, (both.orders, both.carts), strict=True):
            assert ending.outcome in {Outcome.DONE, Outcome.UNDONE}, journal.lines
            assert journal.owed == []
            for node in topology.nodes:
                assert await setting(node, "replica-priority") == "100"
        master = await ends_whole(both.orders, both, both.orders.master_name)
        await ends_whole(both.carts, both, "carts")
        await load.stop()
        assert await load.lost(master) == 0


@pytest.mark.parametrize("which", SINCE_7, ids=lambda one: one.name)
async def test_the_other_one_is_failed_over_by_its_sentinels_in_the_middle(which: Build) -> None:
    async with group(which) as both, WriteLoad(both.orders, rate=300) as load:
        plan = await planned(both.hands[0])
        journal = Journal()
        await both.carts.nodes[0].kill()
        await asyncio.sleep(DOWN_AFTER_MS / 1000)
        ending = await carry_out(patient(plan.steps), both.hands[0], journal)
        assert ending.outcome in {Outcome.DONE, Outcome.UNDONE}, journal.lines
        assert journal.owed == []
        master = await ends_whole(both.orders, both, both.orders.master_name)
        assert await ends_whole(both.carts, both, "carts") is not both.carts.nodes[0]
        await load.stop()
        assert await load.lost(master) == 0


async def test_what_is_wrong_with_one_is_not_said_of_the_other() -> None:
    async with group(SINCE_7[0]) as both:
        orders, carts = both.hands
        theirs = set(map(Address.parse, both.carts.node_addresses))

        async def nothing_of_theirs() -> None:
            seen = await orders.observe()
            findings = diagnose(seen).findings
            assert theirs.isdisjoint(node.address for node in seen.nodes)
            assert theirs.isdisjoint(address for one in findings for address in one.nodes), findings
            assert FindingId.FAILOVER_IN_PROGRESS not in {one.id for one in findings}

        await both.carts.nodes[2].kill()
        async with asyncio.timeout(30):
            while FindingId.REPLICA_DOWN not in {one.id for one in diagnose(await carts.observe()).findings}:
                await asyncio.sleep(0.1)
        await nothing_of_theirs()
        await both.carts.nodes[0].kill()
        async with asyncio.timeout(60):
            while both.carts.nodes[0].address in await both.named("carts"):
                await nothing_of_theirs()
        await ends_whole(both.carts, both, "carts")
        plan = failover.plan(await orders.observe(), {})
        assert not isinstance(plan, Refusal), plan


async def test_a_name_that_nobody_knows_says_which_there_are() -> None:
    async with group(SINCE_7[0]) as both:
        unknown = connect(target_of(both.orders, master_name="cart"))
        try:
            snapshot = await unknown.observe()
        finally:
            await unknown.aclose()
        found = next(one for one in diagnose(snapshot).findings if one.id is FindingId.SENTINEL_MISCONFIGURED)
        names = ", ".join(sorted(("carts", both.orders.master_name)))
        assert found.summary == f"3 of 3 Sentinels do not know the master name 'cart'; they monitor {names}."
        said = failover.plan(snapshot, {})
        assert isinstance(said, Refusal)
        assert f"does not know 'cart'; it monitors {names}. Mend master_name in targets.yaml" in said.reason


async def test_a_sentinel_that_hung_holds_up_both_until_its_tilt_is_over() -> None:
    async with group(SINCE_7[0]) as both:
        hung = both.sentinels[0]
        await hung.hang()
        await asyncio.sleep(2.5)  # Sentinel's own limit: a turn of its loop that took longer than two seconds.
        await hung.resume()
        for hands in both.hands:
            async with asyncio.timeout(90):
                while not isinstance(said := failover.plan(await hands.observe(), {}), Refusal):
                    await asyncio.sleep(0.05)
            assert f"Sentinel {hung.address} is in TILT: its clock jumped or it hung. Wait 30 s." in said.reason
