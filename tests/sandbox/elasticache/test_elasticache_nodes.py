"""Real servers underneath: what the endpoints lead to, what is lost, and what a customer cannot do."""

import asyncio

import pytest
import redis.asyncio
from redis.exceptions import NoPermissionError, ReadOnlyError, ResponseError

from sandbox.elasticache import cluster_load, write_load
from sandbox.redis import build, builds

pytestmark = pytest.mark.servers

each_build = pytest.mark.parametrize("server", builds(), ids=lambda one: one.name)


def connect(endpoint: dict[str, object], **options: object) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(
        host=str(endpoint["Address"]), port=int(str(endpoint["Port"])), decode_responses=True, protocol=2, **options
    )


@each_build
async def test_a_failover_moves_the_endpoints_and_replaces_the_node(aws, boto, server):
    group = await aws.add_group("orders", build=server)
    node_group = group.node_groups[0]
    shown = (await boto.group())["NodeGroups"][0]
    lost = node_group.server(node_group.primary).pid
    async with connect(shown["PrimaryEndpoint"]) as writer:
        await writer.set("colour", "blue")
        assert await writer.wait(2, 5000) == 2
    await boto("test_failover", ReplicationGroupId="orders", NodeGroupId="0001")
    while aws.events.events[-1].message != "Recovering cache nodes 0001":
        await asyncio.sleep(0)
    aws.hold()
    async with connect(shown["PrimaryEndpoint"]) as writer:
        assert (await writer.execute_command("ROLE"))[0] == "master"
    assert not node_group.server(group.member("orders-001")).running
    aws.release()
    await aws.settled()
    assert node_group.primary.id != "orders-001"
    assert node_group.server(group.member("orders-001")).pid != lost
    async with connect(shown["PrimaryEndpoint"]) as writer, connect(shown["ReaderEndpoint"]) as reader:
        assert await writer.get("colour") == "blue"
        await writer.set("colour", "red")
        assert await writer.wait(2, 5000) == 2
        assert await reader.get("colour") == "red"
        with pytest.raises(ReadOnlyError):
            await reader.set("colour", "green")
    for member in node_group.replicas:
        assert (await node_group.server(member).command("ROLE"))[3] == "connected"
        await node_group.server(member).restart()
        assert (await node_group.server(member).command("ROLE"))[0] == "slave"


async def test_a_chosen_primary_takes_over_and_the_old_one_replicates_from_it(aws, boto):
    group = await aws.add_group("orders", build=build(), automatic_failover=False, multi_az=False)
    node_group = group.node_groups[0]
    endpoint = (await boto.group())["NodeGroups"][0]["PrimaryEndpoint"]
    async with connect(endpoint) as before:
        await before.set("colour", "blue")
        await before.wait(2, 5000)
        await boto.modify(PrimaryClusterId="orders-003")
        await aws.settled()
        # Its connection stays where it was, as with a DNS name that moves.
        with pytest.raises(ReadOnlyError):
            await before.set("colour", "green")
    async with connect(endpoint) as after:
        assert (await after.execute_command("ROLE"))[0] == "master"
        assert await after.get("colour") == "blue"
    assert node_group.primary.id == "orders-003"


@each_build
async def test_the_customer_has_no_command_that_the_provider_keeps(aws, boto, server):
    group = await aws.add_group("orders", build=server, replicas=1)
    endpoint = (await boto.group())["NodeGroups"][0]["PrimaryEndpoint"]
    async with connect(endpoint) as customer:
        for kept in ("CONFIG GET maxmemory", "REPLICAOF NO ONE", "SYNC", "BGSAVE", "DEBUG SLEEP 0", "FAILOVER"):
            with pytest.raises(ResponseError, match="unknown command"):
                await customer.execute_command(*kept.split())
        for kept in ("PSYNC ? -1", "CLUSTER FAILOVER", "ACL SETUSER someone"):
            with pytest.raises(NoPermissionError):
                await customer.execute_command(*kept.split())
        assert (await customer.execute_command("ROLE"))[0] == "master"
        assert (await customer.info("replication"))["connected_slaves"] == 1
        assert await customer.execute_command("CLIENT", "PAUSE", "1", "WRITE")
    primary = group.node_groups[0].server(group.member("orders-001"))
    assert (await primary.command("CONFIG", "GET", "appendonly"))[1] == "no"


async def test_the_load_writes_to_the_endpoint_and_misses_what_the_lost_primary_had_alone(aws):
    group = await aws.add_group("orders", build=build())
    node_group = group.node_groups[0]
    async with write_load(group, rate=400, timeout=0.5) as load:
        await aws.lose(group, node_group.primary)
        await aws.settled()
        assert node_group.primary.id != "orders-001"
        acknowledged = load.acked
        async with asyncio.timeout(90):
            while load.acked < acknowledged + 100:
                await asyncio.sleep(0.01)
        await load.stop()
    assert load.longest_gap_ms() > 1000 * aws.timing.detection
    # Whatever the lost primary had alone is gone, and no more than that.
    assert await load.lost(node_group.server(node_group.primary)) < acknowledged


async def test_aws_replaces_a_lost_replica_and_leaves_a_lost_primary_without_automatic_failover(aws, boto):
    group = await aws.add_group("orders", build=build(), automatic_failover=False, multi_az=False)
    node_group = group.node_groups[0]
    await aws.lose(group, group.member("orders-002"))
    await aws.settled()
    assert (await boto.messages())[1:] == ["Recovering cache nodes 0001", "Finished recovery for cache nodes 0001"]
    assert (await node_group.server(group.member("orders-002")).command("ROLE"))[3] == "connected"
    await aws.lose(group, group.member("orders-001"))
    await aws.settled()
    assert node_group.primary.id == "orders-001"
    assert not node_group.server(node_group.primary).running
    await boto.modify(PrimaryClusterId="orders-002")
    await aws.settled()
    for member in node_group.replicas:
        assert (await node_group.server(member).command("ROLE"))[3] == "connected"


async def test_tls_and_auth_token(aws, boto):
    server = next(one for one in builds() if one.has_tls)
    group = await aws.add_group("orders", build=server, replicas=1, tls=True, auth_token="a-token-of-16-bytes")
    shown = await boto.group()
    assert (shown["TransitEncryptionEnabled"], shown["AuthTokenEnabled"]) == (True, True)
    endpoint = shown["NodeGroups"][0]["PrimaryEndpoint"]
    tls = {"ssl": True, "ssl_ca_certs": str(group.node_groups[0].nodes.topology.tls.ca_file)}
    async with connect(endpoint, password="a-token-of-16-bytes", **tls) as customer:
        assert await customer.set("colour", "blue")


@each_build
async def test_with_cluster_mode_enabled_one_shard_fails_over_and_its_node_comes_back_as_a_replica(aws, boto, server):
    # Of two primaries one is no majority: the cluster elects nobody by itself.
    group = await aws.add_group("carts", build=server, node_groups=2, replicas=1)
    second = group.node_groups[1]
    async with cluster_load(group, rate=300) as load:
        await boto("test_failover", ReplicationGroupId="carts", NodeGroupId="0002")
        await aws.settled()
        assert second.primary.id == "carts-0002-002"
        acknowledged = load.acked
        async with asyncio.timeout(60):
            while load.acked < acknowledged + 100:
                await asyncio.sleep(0.01)
    assert await second.server(second.primary).command("DBSIZE") > 0
    roles = [(await second.server(member).command("ROLE"))[0] for member in second.members]
    assert roles == ["slave", "master"]
    assert (await boto.group("carts"))["Status"] == "available"
    shown = (await boto("describe_cache_clusters", ShowCacheNodeInfo=True))["CacheClusters"]
    endpoint = (await boto.group("carts"))["ConfigurationEndpoint"]
    async with connect(endpoint) as customer:
        with pytest.raises(NoPermissionError):
            await customer.execute_command("CLUSTER", "FAILOVER")
        nodes = str(await customer.execute_command("CLUSTER NODES"))
        for one in shown:
            assert "{Address}:{Port}".format(**one["CacheNodes"][0]["Endpoint"]) in nodes


async def test_what_the_old_primary_takes_while_its_endpoint_still_leads_to_it_is_lost(aws, boto):
    group = await aws.add_group("orders", build=build(), automatic_failover=False, multi_az=False)
    node_group = group.node_groups[0]
    endpoint = (await boto.group())["NodeGroups"][0]["PrimaryEndpoint"]
    aws.timing.change = 0
    await boto.modify(PrimaryClusterId="orders-002")
    while node_group.primary.id == "orders-001":
        await asyncio.sleep(0)
    aws.hold()
    async with connect(endpoint) as writer:
        assert await writer.set("colour", "blue")
    aws.release()
    await aws.settled()
    async with connect(endpoint) as reader:
        assert await reader.get("colour") is None
