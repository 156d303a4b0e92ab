import asyncio

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from sandbox.redis import builds, faults, replication, sentinel

pytestmark = pytest.mark.servers

each_build = pytest.mark.parametrize("server", builds(), ids=lambda one: one.name)


@each_build
async def test_split_brain_makes_two_masters_that_both_take_writes_and_heals(server):
    # Long enough that the Sentinels do not give up the new master too, on a machine that does other things.
    async with sentinel(server, links=True, down_after_ms=4000) as topology:
        old = topology.nodes[0]
        said = await faults.split_brain(topology)
        masters = await topology.masters()
        assert len(masters) == 2
        assert old in masters
        assert all(node.address in said for node in masters)
        for node in masters:
            assert await node.command("SET", "split", node.name)
        # A client of the old master is not cut off, and the Sentinels cannot put it right.
        host, port = old.address.split(":")
        async with redis.asyncio.Redis(host=host, port=int(port), retry=Retry(NoBackoff(), 0)) as client:
            for _ in range(20):
                await client.set("split", old.name)
                await asyncio.sleep(0.1)
        assert len(await topology.masters()) == 2
        new = await topology.master()
        assert new is not old
        await faults.heal_everything(topology)
        assert await topology.masters() == (new,)
        assert await old.command("GET", "split") == new.name


async def test_split_brain_without_sentinels():
    async with replication(builds()[0]) as topology:
        assert "is still master beside" in await faults.split_brain(topology)
        assert len(await topology.masters()) == 2
        await faults.heal_everything(topology)
        assert len(await topology.masters()) == 1


async def test_a_killed_master_returns_as_a_replica_and_nothing_is_lost():
    async with sentinel(builds()[0], down_after_ms=3000) as topology:
        await topology.nodes[0].command("SET", "kept", "1")
        assert await topology.nodes[0].command("WAIT", 2, 5000) == 2
        assert "kill -9" in await faults.stop_master(topology)
        assert not topology.nodes[0].running
        # At once, before the Sentinels have noticed: an empty master must not come back to its replicas.
        assert "1 dead one restarted" in await faults.heal_everything(topology)
        assert await topology.master() is not topology.nodes[0]
        assert await topology.nodes[0].command("GET", "kept") == "1"


async def test_a_hung_master_is_resumed():
    async with replication(builds()[0], replicas=1) as topology:
        assert "hangs" in await faults.hang_master(topology)
        assert topology.nodes[0].hung
        assert "1 hung server resumed, no dead ones restarted" in await faults.heal_everything(topology)
        assert await topology.master() is topology.nodes[0]


async def test_a_replica_is_cut_off_and_replication_is_slow_until_healed():
    async with replication(builds()[0], links=True) as topology:
        master, cut, _ = topology.nodes
        assert cut.address in await faults.cut_replica(topology)
        async with asyncio.timeout(60):
            while (await cut.command("INFO", "replication"))["master_link_status"] == "up":
                await asyncio.sleep(0.02)
        assert "100 ms later" in await faults.slow_replication(topology)
        assert topology.link(master).rules.delay_s == 0.1
        assert topology.link(master).rules.cut_replicas == (cut.address,)
        await faults.heal_everything(topology)
        assert topology.link(master).rules.delay_s == 0
