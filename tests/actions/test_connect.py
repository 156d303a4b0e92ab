"""``connect``: every snippet is run as it is printed, on real servers that fail over and break connections."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from actions import connect as action
from actions.adapters import connect
from actions.kit.cluster.keys import slot_of
from actions.kit.connecting import CLIENTS
from sandbox.redis import Shape, build, builds, cluster, replication, sentinel
from tests.cluster_failover import target_of_cluster
from tests.elasticache import search
from tests.failover import target_of
from tests.snippets import Cutter, application, at_a_shell

PASSWORD = "shop-password"
SHOP = ("ACL", "SETUSER", "shop", "on", f">{PASSWORD}", "~*", "&*", "+@all")
ASKING = ("ACL", "SETUSER", "shop", "on", f">{PASSWORD}", "+sentinel|masters", "+sentinel|slaves")
ASKING += ("+sentinel|get-master-addr-by-name",)
ENVIRONMENT = {"REDIS_USERNAME": "shop", "REDIS_PASSWORD": PASSWORD}
ENVIRONMENT |= {"REDIS_SENTINEL_USERNAME": "shop", "REDIS_SENTINEL_PASSWORD": PASSWORD}


async def printed(target, progress):
    """What is printed for this target, and what is remarked."""
    hands = connect(target)
    try:
        seen = await action.ACTION.look(hands, {}, progress)
    finally:
        await hands.aclose()
    assert tuple(one.client for one in seen.connection.snippets) == CLIENTS
    texts = {one.client: one.text for one in seen.connection.snippets}
    for secret in filter(None, (target.auth.password, target.sentinel_auth.password)):
        assert not any(secret in text for text in (*texts.values(), *seen.connection.remarks))
    return texts, seen.connection.remarks


@asynccontextmanager
async def applications(texts, directory, environment, **extra):
    """One process for each Python snippet."""
    async with AsyncExitStack() as stack:
        clients = ("redis-py", "asyncio")
        opened = (application(texts[client], directory / client, environment, **extra) for client in clients)
        yield [await stack.enter_async_context(one) for one in opened]


@pytest.mark.servers
async def test_by_sentinels_nothing_is_done_twice_when_connections_break_and_the_master_dies(tmp_path, progress):
    server = next((one for one in builds() if one.has_tls), build())
    settings = {"replicas": 1, "acl": True, "tls": server.has_tls, "links": True, "down_after_ms": 5_000}
    async with sentinel(server, **settings) as topology:
        await asyncio.gather(*(node.command(*SHOP) for node in topology.nodes))
        await asyncio.gather(*(one.command(*ASKING) for one in topology.sentinels))
        await topology.sentinels[0].kill()
        texts, remarks = await printed(target_of(topology, timeout_ms=3_000), progress)
        assert remarks[0] == (
            f"1 of 3 Sentinels does not answer us: {topology.sentinel_addresses[0]} (refused). "
            "It stays in the list: a client asks the next one."
        )
        assert any("+sentinel|masters" in one for one in remarks)

        master, replica = topology.nodes
        cutter = Cutter(master.spec.bind)
        environment = ENVIRONMENT | ({"REDIS_CA_FILE": str(topology.tls.ca_file)} if topology.tls else {})
        async with cutter.listening() as way, applications(texts, tmp_path, environment) as apps:
            await topology.link(master).lead_to(way)
            for app in apps:
                await _cut(app, cutter, master)
                await _refused(app, master)
            assert await at_a_shell(texts["redis-cli"], "GET count", environment) == "10"
            await master.kill()
            await asyncio.gather(*(_carries_on(app, replica, f"ids-{number}") for number, app in enumerate(apps)))


@pytest.mark.servers
async def test_by_one_address_that_moves_to_another_master(tmp_path, progress):
    async with replication(build(), replicas=1, password=PASSWORD) as topology:
        texts, remarks = await printed(target_of(topology), progress)
        assert remarks == (
            "Nobody tells a client where the master has gone: after a failover REDIS_HOST has to name it.",
        )
        master, replica = topology.nodes
        cutter = Cutter(master.spec.bind)
        async with cutter.listening() as way:
            environment = {"REDIS_PASSWORD": PASSWORD, "REDIS_HOST": way.host, "REDIS_PORT": str(way.port)}
            async with applications(texts, tmp_path, environment) as apps:
                for app in apps:
                    await _cut(app, cutter, master)
                    await cutter.close_idle()
                    assert await app.does("INCR", "count") == 10, "what was closed while idle is in no doubt"
                assert await at_a_shell(texts["redis-cli"], "GET count", environment) == "10"
                await _moves(apps, cutter, master, replica)
                await _counted_twice(way, cutter)


@pytest.mark.servers
async def test_by_any_node_of_a_cluster(tmp_path, progress):
    shape = Shape(shards=3, replicas=1, node_timeout_ms=5_000)
    async with cluster(build(), shape, password=PASSWORD, links=True) as made:
        texts, remarks = await printed(target_of_cluster(made), progress)
        assert remarks == ()
        slot = slot_of("count")
        shard = next(one for one in range(3) if made.slots(one)[0] <= slot <= made.slots(one)[1])
        master, (replica,) = made.primaries[shard], made.replicas(shard)
        cutter = Cutter(master.spec.bind)
        secret = {"REDIS_PASSWORD": PASSWORD}
        async with cutter.listening() as way, applications(texts, tmp_path, secret, key="count") as apps:
            await made.link(master).lead_to(way)
            for app in apps:
                await _cut(app, cutter, master, after=1)  # That of the PING.
            assert (await at_a_shell(texts["redis-cli"], "GET count", secret)).endswith("9")
            await _takes_over(replica)
            assert [await app.does("INCR", "count") for app in apps] == [10, 11]
            await made.ready()
            await replica.kill()
            await asyncio.gather(*(_carries_on(app, master, f"ids-{n}{{count}}") for n, app in enumerate(apps)))


@pytest.mark.servers
async def test_by_the_endpoint_of_aws_that_moves(tmp_path, progress, monkeypatch):
    async with search(monkeypatch) as scene:
        texts, _ = await printed(scene.target, progress)
        async with applications(texts, tmp_path, {}) as apps:
            assert [await app.does("RPUSH", "before", "") for app in apps] == [1, 2]
            await scene.hands.elasticache.test_failover("0001")
            await scene.aws.settled()
            (shard,) = scene.group.node_groups
            primary = shard.server(shard.primary)
            await asyncio.gather(*(_carries_on(app, primary, f"ids-{number}") for number, app in enumerate(apps)))


@pytest.mark.servers
async def test_by_the_configuration_endpoint_of_aws(progress, monkeypatch):
    async with search(monkeypatch, paper=True, node_groups=2) as scene:
        texts, _ = await printed(scene.target, progress)
        host, port = scene.group.node_groups[0].nodes.primary_endpoint
        assert f"ClusterNode({host!r}, {port})," in texts["redis-py"]


async def _takes_over(replica):
    """It gives up by itself where it gets no answer in time; then it is asked again."""
    while (await replica.command("ROLE"))[0] != "master":
        with suppress(ResponseError):  # It has become the master meanwhile.
            await replica.command("CLUSTER", "FAILOVER")
        for _ in range(200):
            if (await replica.command("ROLE"))[0] == "master":
                return
            await asyncio.sleep(0.05)


async def _counted_twice(way, cutter):
    """What redis-py does by itself: the reason for all this."""
    async with Redis(host=way.host, port=way.port, password=PASSWORD) as usual:
        await usual.set("usual", 0)
        cutter.arm()
        assert await usual.incr("usual") == 2


async def _moves(apps, cutter, old, new):
    """The old master refuses what comes over connections that stay, and the name leads to the new one."""
    await new.command("REPLICAOF", "NO", "ONE")
    await old.command("REPLICAOF", *new.spec.bind)
    cutter.lead_to(new.spec.bind)
    assert [await app.does("INCR", "moved") for app in apps] == [1, 2]
    assert await _refusals(old) > 0


async def _cut(app, cutter, server, after=0):
    """The connection breaks with a command under way that was done."""
    assert await app.does("SET", "count", 0, repeatable=True) in ("OK", True)
    answer, times = None, 0
    while not isinstance(answer, dict):  # A Sentinel's connection may have been cut instead.
        assert answer == (times or None)
        assert times < 50
        cutter.arm(after)
        answer, times = await app.does("INCR", "count"), times + 1
    assert answer["error"] == "ConnectionError"
    assert await server.command("GET", "count") == str(times), "done, and not known"
    assert await app.does("INCR", "count") == times + 1, "the next one finds its way"
    cutter.arm()
    assert await app.does("SET", "count", 7, repeatable=True) in ("OK", True)
    assert await app.does("MULTI", ["INCR", "count"], ["INCR", "count"]) == [8, 9]


async def _refused(app, server):
    """A master that has become a replica has done nothing: what it refuses is asked again."""
    before = await _refusals(server)
    await server.command("REPLICAOF", "127.0.0.1", 1)
    asking = asyncio.create_task(app.does("INCR", "count"))
    while await _refusals(server) == before:
        await asyncio.sleep(0.02)
    await server.command("REPLICAOF", "NO", "ONE")
    assert await asking == 10


async def _refusals(server):
    return (await server.command("INFO", "errorstats")).get("errorstat_READONLY", {"count": 0})["count"]


async def _carries_on(app, new, key):
    """Each is there at most once, whoever took it, until the new master takes them."""
    doubts = 0
    while not isinstance(await app.does("RPUSH", key, doubts), int):
        doubts += 1
    ids = await new.command("LRANGE", key, 0, -1)
    assert (ids[-1], len(set(ids))) == (str(doubts), len(ids))
    assert doubts < 6, "what was not sent is in no doubt"
