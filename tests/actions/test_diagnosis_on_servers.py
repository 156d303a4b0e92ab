"""The rules on servers that really are in that state: several faults on one topology, and none where all is well."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

import pytest
from redis.exceptions import RedisError

from actions.adapters import TargetHands, connect
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, Diagnosis, Finding, FindingId, Severity
from actions.kit.loop import carry_out
from actions.kit.topology import Address
from sandbox.redis import (
    Build,
    ClusterLoad,
    Server,
    Topology,
    WriteLoad,
    build,
    builds,
    cluster,
    replication,
    sentinel,
)
from tests.cluster_failover import target_of_cluster
from tests.failover import Journal, planned, target_of, without_the_long_look

pytestmark = pytest.mark.servers

SEEN_WITHIN_S = 60.0


@contextlib.asynccontextmanager
async def hands_of(topology: Topology) -> AsyncIterator[TargetHands]:
    hands = connect(target_of(topology, timeout_ms=5_000))
    try:
        yield hands
    finally:
        await hands.aclose()


async def said(hands: TargetHands, meanwhile=None) -> Diagnosis:
    """By two looks, with what happens between them."""
    first = await hands.observe()
    if meanwhile is not None:
        await meanwhile()
    return diagnose(await hands.observe(), first)


async def until(
    hands: TargetHands, finding: FindingId, node: Server, words: str, sure: Confidence = Confidence.CERTAIN
) -> Finding:
    """The finding about this node once it is so sure and says so; links notice what was done in their own time."""
    earlier, heard = await hands.observe(), ""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SEEN_WITHIN_S):
            while True:
                await asyncio.sleep(0.2)
                now = await hands.observe()
                for one in diagnose(now, earlier).findings:
                    heard = f"{one.id}: {one.summary}"
                    about_it = one.id is finding and Address.parse(node.address) in one.nodes
                    if about_it and one.confidence is sure and words in one.summary:
                        return one
                earlier = now
    pytest.fail(f"no {finding} of {node.name} with {words!r}, but {heard}")


async def refused(node: Server, *command: object) -> str:
    with pytest.raises(RedisError) as error:
        await node.command(*command)
    return str(error.value)


async def test_replicas_that_are_shut_out_each_for_a_reason_of_its_own():
    able = next((one for one in builds() if one.has_tls), None) or pytest.skip("no server here was built with TLS")
    async with replication(able, replicas=4, tls=True, acl=True) as topology, hands_of(topology) as hands:
        master, wrong, none, weak, plain = topology.nodes
        await master.command("ACL", "SETUSER", "weak", "on", ">weak", "+ping", "+replconf")
        await wrong.command("CONFIG", "SET", "masterauth", "wrong")
        await none.command("CONFIG", "SET", "masterauth", "")
        await weak.command("CONFIG", "SET", "masterauth", "weak", "masteruser", "weak")
        await plain.command("CONFIG", "SET", "tls-replication", "no")
        await master.command("CLIENT", "KILL", "TYPE", "replica")

        broken = FindingId.REPLICATION_BROKEN
        await until(hands, broken, wrong, "most likely the master refuses its password")
        assert "most likely" not in (await until(hands, broken, none, "it has no masterauth")).summary
        await until(hands, broken, weak, "its masteruser may not replicate")
        assert "most likely" not in (await until(hands, broken, plain, "it speaks no TLS")).summary


async def test_what_a_server_refuses_is_told_by_what_it_counts():
    settings = {"replicas": 1, "acl": True, "extra_config": {"enable-debug-command": "yes"}}
    async with replication(build(), **settings) as topology, hands_of(topology) as hands:
        master, replica = topology.nodes

        async def write_astray() -> None:
            assert "read only" in await refused(replica, "SET", "astray", "1")

        assert (await said(hands, write_astray)).verdict.id is FindingId.APP_ON_REPLICA
        assert (await said(hands)).verdict.id is FindingId.HEALTHY

        await master.command("DEBUG", "SLEEP", "1.1")
        slow = (await said(hands)).verdict
        assert (slow.id, slow.severity) == (FindingId.SLOW_COMMANDS, Severity.WARNING)
        assert "DEBUG" in slow.summary
        assert not any("1.1" in one.observation for one in slow.evidence)
        await master.command("SLOWLOG", "RESET")

        await master.command("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "volatile-lru")

        async def write() -> None:
            assert "maxmemory" in await refused(master, "SET", "one", "more")

        full = (await said(hands, write)).verdict
        assert full.id is FindingId.OUT_OF_MEMORY
        assert full.suggests[0].startswith(f"tune orders maxmemory@{master.address}=")
        await master.command("CONFIG", "SET", "maxmemory", 0)

        (topology.directory / master.name / "dump.rdb").mkdir()
        await master.command("CONFIG", "SET", "save", "3600 1000")
        await master.command("BGSAVE")
        await until(hands, FindingId.PERSISTENCE_FAILING, master, "and refuses writes")
        assert "MISCONF" in await refused(master, "SET", "one", "more")
        await master.command("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
        assert (await said(hands)).verdict.severity is Severity.WARNING
        assert await master.command("SET", "one", "more")

        await master.command("CONFIG", "SET", "maxclients", 1)

        async def connect_once_more() -> None:
            with contextlib.suppress(RedisError):
                await master.command("PING")

        turned = await said(hands, connect_once_more)
        assert FindingId.CLIENTS_NEAR_LIMIT in {one.id for one in turned.findings}
        async with hands_of(topology) as strangers:
            shut_out = (await said(strangers)).verdict
        assert (shut_out.id, shut_out.severity) == (FindingId.CLIENTS_NEAR_LIMIT, Severity.CRITICAL)


async def test_a_replica_that_is_cut_off_for_its_output_buffer_again_and_again():
    """A full sync takes seconds, and the writes of that time are more than the master keeps for it."""
    able: Build = next((one for one in builds() if one.is_valkey), build())
    extra = {"client-output-buffer-limit": "replica 65536 0 0", "repl-backlog-size": "16384"}
    async with replication(able, replicas=1, extra_config=extra) as topology, hands_of(topology) as hands:
        master, replica = topology.nodes
        await master.command("CONFIG", "SET", "rdb-key-save-delay", 2_000)
        for number in range(400):
            await master.command("SET", f"key:{number}", "x")
        await replica.command("REPLICAOF", "NO", "ONE")
        await replica.command("SET", "of", "its own")
        host, _, port = master.address.rpartition(":")
        await replica.command("REPLICAOF", host, port)
        stop = asyncio.Event()

        async def write() -> None:
            while not stop.is_set():
                await master.command("SET", "large", b"x" * 100_000)
                await asyncio.sleep(0.1)

        writing = asyncio.create_task(write())
        try:
            await until(hands, FindingId.REPLICATION_BROKEN, replica, "client-output-buffer-limit replica")
        finally:
            stop.set()
            await writing


async def test_sentinels_that_are_not_let_in_or_count_a_dead_one():
    async with sentinel(build(), replicas=1, password="right", down_after_ms=500) as topology:
        listed = tuple(map(Address.parse, topology.sentinel_addresses[:2]))
        hands = connect(target_of(topology, sentinels=listed, timeout_ms=5_000))
        try:
            await topology.sentinels[2].kill()
            await until(hands, FindingId.SENTINEL_MISCONFIGURED, topology.sentinels[0], "1 dead Sentinel")
            for server in topology.sentinels[:2]:
                await server.command("SENTINEL", "SET", topology.master_name, "auth-pass", "wrong")
            await until(
                hands, FindingId.MASTER_UNREACHABLE, topology.nodes[0], "perhaps it refuses them", Confidence.LIKELY
            )
        finally:
            await hands.aclose()


NEVER = frozenset(
    {
        *(FindingId.MEMORY_PRESSURE, FindingId.OUT_OF_MEMORY, FindingId.FRAGMENTATION, FindingId.EVICTING),
        *(FindingId.PERSISTENCE_FAILING, FindingId.CLIENTS_NEAR_LIMIT, FindingId.SENTINEL_MISCONFIGURED),
        *(FindingId.AUTH_FAILED, FindingId.BUSY_SCRIPT, FindingId.LOADING),
    }
)
"""What nothing in a planned failover makes true, for a moment either."""
SLOW_MACHINE = frozenset({FindingId.SLOW_COMMANDS})
"""What a machine that has too much to do makes true."""


async def heard_during(hands: TargetHands, work: Awaitable[object]) -> list[Finding]:
    """All that is said while something is done, each look judged with the one before it."""
    doing = asyncio.ensure_future(work)
    earlier, findings = await hands.observe(), []
    while not doing.done():
        await asyncio.sleep(0.05)
        now = await hands.observe()
        findings += diagnose(now, earlier).findings
        earlier = now
    await doing
    return findings


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_nothing_is_made_of_a_healthy_topology_and_little_of_a_planned_failover(which):
    async with replication(which, acl=True) as topology, hands_of(topology) as hands, hands_of(topology) as ours:
        fresh = await said(hands)
        async with WriteLoad(topology, rate=300):
            busy = await heard_during(hands, asyncio.sleep(0.6))
            steps = without_the_long_look((await planned(ours)).steps)
            moving = await heard_during(hands, carry_out(steps, ours, Journal()))
        async with asyncio.timeout(SEEN_WITHIN_S):
            while (await said(hands)).verdict.id is not FindingId.HEALTHY:
                await asyncio.sleep(0.2)

    assert {one.id for one in fresh.findings} - SLOW_MACHINE == {FindingId.HEALTHY}
    assert {one.id for one in busy} - SLOW_MACHINE == {FindingId.HEALTHY}
    assert not {one.id for one in moving} & NEVER


async def test_nothing_is_made_of_a_healthy_cluster_under_load():
    async with cluster(build(), acl=True) as running:
        hands = connect(target_of_cluster(running, timeout_ms=5_000))
        try:
            async with ClusterLoad(running, rate=300):
                busy = await heard_during(hands, asyncio.sleep(0.6))
        finally:
            await hands.aclose()

    assert {one.id for one in busy} - SLOW_MACHINE == {FindingId.HEALTHY}
