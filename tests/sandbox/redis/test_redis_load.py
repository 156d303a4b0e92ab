import asyncio
import time

import pytest

from sandbox.redis import WriteLoad, builds, replication, sentinel

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("process", [False, True], ids=["here", "own process"])
async def test_deleted_and_overwritten_keys_are_counted_as_lost(process):
    async with replication(builds()[0], replicas=1) as topology:
        master, replica = topology.nodes
        async with WriteLoad(topology, discovery="fixed", process=process) as load:
            while load.acked < 300:
                await asyncio.sleep(0.02)
            await load.stop()
        stopped = load.acked
        assert await load.lost(master) == 0
        assert await master.command("DBSIZE") >= stopped
        *deleted, overwritten = [load._spec.key(*one) for one in load._writes[:8]]  # Others may not be acknowledged.
        await master.command("DEL", *deleted)
        await master.command("SET", overwritten, "another")
        assert await load.lost(master) == 8
        assert load.acked == stopped
        await replica.command("REPLICAOF", "NO", "ONE")
        await replica.command("FLUSHALL")
        assert await load.lost(replica.address) == stopped


@pytest.mark.parametrize(
    ("server", "discovery"),
    [*((server, "get-master-addr") for server in builds()), *((server, "redis-py") for server in builds()[:1])],
    ids=lambda one: getattr(one, "name", one),
)
async def test_a_failover_with_a_writable_old_master_loses_what_clients_went_on_writing(server, discovery):
    async with sentinel(server) as topology:
        async with WriteLoad(topology, discovery=discovery, rate=500, process=True) as load:
            old = topology.nodes[0]
            await topology.sentinels[0].command("SENTINEL", "FAILOVER", topology.master_name)
            async with asyncio.timeout(60):
                while old in (masters := await topology.masters()) or not masters:
                    await asyncio.sleep(0.05)
            acked = load.acked
            new = await topology.master()
            while load.acked < acked + 200:
                await asyncio.sleep(0.02)
        assert new is not old
        lost = await load.lost(new)
        # Until it was demoted the old master took nearly everything; afterwards the writers found the new one.
        assert 1000 < lost < load.acked - 200


async def test_writers_find_the_new_master_after_a_kill_and_the_gap_is_seen():
    async with sentinel(builds()[0], down_after_ms=1000) as topology:
        async with WriteLoad(topology) as load:
            start = time.monotonic()
            await asyncio.sleep(0.5)
            quiet = load.longest_gap_ms(start)
            await topology.nodes[0].kill()
            acked = load.acked
            while load.acked < acked + 500:
                await asyncio.sleep(0.02)
            gap = load.longest_gap_ms(start)
        assert gap > 1000
        assert gap > quiet
        assert gap == load.longest_gap_ms()
        assert await topology.master() is not topology.nodes[0]


async def test_a_silence_that_lasts_counts_as_a_gap():
    async with (
        replication(builds()[0], replicas=0) as topology,
        WriteLoad(topology, discovery="fixed", timeout=0.2) as load,
    ):
        await topology.nodes[0].hang()
        acked = load.acked
        while load.longest_gap_ms() <= 600:
            await asyncio.sleep(0.05)
        assert load.acked - acked <= 8, "what was acknowledged before it hung, and arrived after"
        await load.stop()
        assert load.longest_gap_ms() > 600
        await load.stop()


async def test_the_pace_is_kept():
    async with replication(builds()[0], replicas=0) as topology:
        start = time.monotonic()
        async with WriteLoad(topology, discovery="fixed", rate=200) as load:
            await asyncio.sleep(1.5)
            acked, took = load.acked, time.monotonic() - start
        assert acked < 200 * (took + 0.1) + 8


async def test_without_sentinels_nobody_can_be_asked_for_the_master():
    async with replication(builds()[0], replicas=0) as topology:
        with pytest.raises(ValueError, match="Without Sentinels"):
            async with WriteLoad(topology, discovery="redis-py"):
                pass


async def test_without_sentinels_writers_find_the_new_master_by_asking_for_roles():
    async with replication(builds()[0], replicas=1) as topology:
        old, new = topology.nodes
        async with WriteLoad(topology, timeout=0.2) as load:
            await new.command("REPLICAOF", "NO", "ONE")
            await old.hang()
            acked = load.acked
            async with asyncio.timeout(90):
                while load.acked < acked + 100:
                    await asyncio.sleep(0.02)
        assert await new.command("DBSIZE") >= 100
