"""A promotion beside Sentinels that are gone, as a request: what is owed to them, and who tells them when they come."""

import asyncio
import time

import pytest

from actions.kit import by_hand
from actions.kit.plan import NAMING
from actions.kit.topology import Limits
from bot.ledger import Request, RunState
from sandbox.redis import build, sentinel
from sandbox.redis.readiness import named_master
from tests.actions.test_promote import NAME
from tests.bot.desks import LEAD, ONCALL, office
from tests.failover import caught_up, target_of

pytestmark = pytest.mark.servers


async def promoted(here, node):
    """Ask as soon as the replicas have noticed, approve, and wait for the end."""
    deadline, asked = time.monotonic() + 90, None
    while not isinstance(asked, Request):
        assert time.monotonic() < deadline, asked
        await asyncio.sleep(0.1)
        asked = await here.desk.ask("promote", "orders", {"to": node.address}, ONCALL, "C0INCIDENT", "gone")
    assert (await here.desk.approve(asked.id, LEAD)).ok
    ended = await here.ended(asked.id)
    assert ended.run.state is RunState.DONE, ended.run
    return ended


async def names(topology, server, node):
    async with asyncio.timeout(90):
        while await named_master(topology, server) != node.address:
            await asyncio.sleep(0.05)


async def test_each_is_told_of_the_newest_promotion_when_it_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(by_hand, "LOOK_AGAIN_S", 1)
    async with sentinel(build(NAME)) as topology:
        first, second, third = topology.nodes
        await caught_up(*topology.nodes)
        for server in (*topology.sentinels, first):
            await server.kill()
        target = target_of(topology, timeout_ms=1_000, limits=Limits(cooldown_s=0))
        async with office(target, tmp_path) as here:
            await promoted(here, second)
            owed = {(str(debt.change.node), debt.change.name) for debt in await here.ledger.owed()}
            assert owed == {(address, NAMING) for address in topology.sentinel_addresses}
            await here.desk.recover(every_s=0.1)
            await topology.sentinels[0].start()
            await names(topology, topology.sentinels[0], second)
            async with asyncio.timeout(90):
                while len(await here.ledger.owed()) > 2:
                    await asyncio.sleep(0.05)
            told = f"Sentinel {topology.sentinels[0].address} was told: it names {second.address} as master now."
            assert (await here.shown("told"))["text"].endswith(told)

            await topology.sentinels[0].kill()
            await caught_up(second, third)
            await second.kill()
            await promoted(here, third)
            await asyncio.gather(*(server.start() for server in topology.sentinels[1:]))
            for server in topology.sentinels[1:]:
                await names(topology, server, third)
            await topology.sentinels[0].start()
            await here.paid()
            assert await named_master(topology, topology.sentinels[0]) == third.address
            assert (await third.command("ROLE"))[0] == "master"
            assert (await here.ledger.verify_audit()).problem is None
