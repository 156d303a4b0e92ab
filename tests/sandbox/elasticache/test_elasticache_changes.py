"""AWS's rules for what changes a replication group, and the events that follow."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from sandbox.elasticache import Mishap, Timing
from tests.sandbox.elasticache.conftest import Boto

QUICK = Timing(change=0, detection=0, dns=0, replacement=0, late=0.2)
FAILED_OVER = [
    "Test Failover API called for node group 0001",
    "Failover from primary node orders-001 to replica node orders-002 completed",
    "Failover from primary node orders-001 to replica node orders-002 completed",
    "Recovering cache nodes 0001",
    "Finished recovery for cache nodes 0001",
]


def refused(code: str, words: str = "") -> pytest.RaisesExc[ClientError]:
    return pytest.raises(ClientError, match=rf"\({code}\).*{words}")


async def fail_over(boto: Boto, node_group: str = "0001", group: str = "orders") -> dict[str, object]:
    answer = await boto("test_failover", ReplicationGroupId=group, NodeGroupId=node_group)
    return answer["ReplicationGroup"]


async def roles(boto: Boto) -> list[str]:
    members = (await boto.group())["NodeGroups"][0]["NodeGroupMembers"]
    return [member["CurrentRole"] for member in members]


async def available(boto: Boto) -> None:
    async with asyncio.timeout(90):
        while (await boto.group())["Status"] != "available":
            await asyncio.sleep(0.02)


async def test_the_events_of_a_failover_come_newest_first_from_group_and_cluster(aws, boto):
    aws.world.timing = QUICK
    await aws.add_group("orders")
    assert (await fail_over(boto))["Status"] == "modifying"
    await aws.settled()
    assert (await boto.messages())[2:] == FAILED_OVER
    events = (await boto("describe_events", SourceType="cache-cluster", SourceIdentifier="orders-001"))["Events"]
    assert [event["Message"] for event in events] == [FAILED_OVER[4], FAILED_OVER[3], FAILED_OVER[1]]
    assert await roles(boto) == ["replica", "primary", "replica"]
    assert (await boto.group())["Status"] == "available"


async def test_with_cluster_mode_enabled_the_event_names_only_the_new_primary(aws, boto):
    aws.world.timing = QUICK
    await aws.add_group("carts", node_groups=2, replicas=1)
    aws.hold()
    await fail_over(boto, "0002", "carts")
    with refused("InvalidReplicationGroupState", "available state"):
        await fail_over(boto, "0001", "carts")
    aws.release()
    await aws.settled()
    assert "Failover to replica node carts-0002-002 completed" in await boto.messages(
        SourceType="replication-group", SourceIdentifier="carts"
    )
    await fail_over(boto, "0001", "carts")


async def test_test_failover_is_refused_as_aws_refuses_it(aws, boto):
    await aws.add_group("orders", automatic_failover=False, multi_az=False)
    with refused("NodeGroupNotFoundFault"):
        await fail_over(boto, "0002")
    with refused("InvalidReplicationGroupState", "Automatic failover must be enabled"):
        await fail_over(boto)
    aws.faults.test_failover_blocked = True
    with refused("TestFailoverNotAvailableFault"):
        await fail_over(boto)
    await aws.add_group("alone", node_groups=1, replicas=0)
    aws.faults.test_failover_blocked = False
    with refused("InvalidReplicationGroupState", "at least one read replica"):
        await fail_over(boto, "0001", "alone")


async def test_fifteen_node_groups_in_a_rolling_day(aws, boto):
    aws.world.timing = QUICK
    await aws.add_group("orders")
    await aws.add_group("carts")
    for number in range(15):
        await fail_over(boto, group="orders" if number % 2 else "carts")
        await aws.settled()
        if number == 0:
            aws.clock.advance(timedelta(hours=1))
    with refused("APICallRateForCustomerExceeded"):
        await fail_over(boto)
    aws.clock.advance(timedelta(hours=23, minutes=1))
    await fail_over(boto)
    await aws.settled()
    with refused("APICallRateForCustomerExceeded"):
        await fail_over(boto)


async def test_events_are_kept_for_fourteen_days_and_shown_for_an_hour(aws, boto):
    await aws.add_group("orders", automatic_failover=False, multi_az=False)
    created = aws.events.events[0].at
    assert await boto.messages() == ["Replication group orders created"]
    aws.clock.advance(timedelta(minutes=61))
    assert await boto.messages() == []
    assert len(await boto.messages(Duration=62)) == 1
    second = timedelta(seconds=1)
    assert len(await boto.messages(StartTime=created - second)) == 1
    assert len(await boto.messages(StartTime=created - second, EndTime=created + second)) == 1
    assert await boto.messages(StartTime=created + second) == []
    assert len(await boto.messages(EndTime=created + second)) == 1
    for code, wrong in (
        ("InvalidParameterValue", {"Duration": 20161}),
        ("InvalidParameterValue", {"StartTime": created - timedelta(days=14)}),
        ("InvalidParameterCombination", {"Duration": 10, "StartTime": created}),
        ("InvalidParameterCombination", {"StartTime": created, "EndTime": created - second}),
        ("InvalidParameterCombination", {"SourceIdentifier": "orders"}),
    ):
        with refused(code):
            await boto.messages(**wrong)


async def test_another_primary_needs_automatic_failover_and_multi_az_off(aws, boto):
    aws.world.timing = QUICK
    await aws.add_group("orders")
    with refused("InvalidParameterCombination", "while Multi-AZ or automatic failover is enabled"):
        await boto.modify(PrimaryClusterId="orders-002")
    with refused("InvalidParameterCombination", "Multi-AZ can not be enabled"):
        await boto.modify(AutomaticFailoverEnabled=False)
    aws.hold()
    await boto.modify(AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    with refused("InvalidReplicationGroupState", "Replication group must be in available state to modify"):
        await boto.modify(PrimaryClusterId="orders-002")
    aws.release()
    await aws.settled()
    answer = await boto.modify(PrimaryClusterId="orders-002")
    assert answer["ReplicationGroup"]["PendingModifiedValues"] == {"PrimaryClusterId": "orders-002"}
    await aws.settled()
    assert await roles(boto) == ["replica", "primary", "replica"]
    with refused("InvalidReplicationGroupState"):
        await fail_over(boto)
    answer = await boto.modify(AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    assert answer["ReplicationGroup"]["AutomaticFailover"] == "enabling"
    await aws.settled()
    group = await boto.group()
    assert (group["AutomaticFailover"], group["MultiAZ"], group["PendingModifiedValues"]) == ("enabled", "enabled", {})
    turned = "Automatic failover has been turned {} for replication group orders"
    messages = await boto.messages(SourceType="replication-group", SourceIdentifier="orders")
    assert messages[2:] == [turned.format("off"), FAILED_OVER[1], turned.format("on")]


async def test_another_primary_has_to_be_an_available_replica_of_the_group(aws, boto):
    off = {"automatic_failover": False, "multi_az": False}
    group = await aws.add_group("orders", **off)
    await aws.add_group("carts", **off)
    with refused("CacheClusterNotFound"):
        await boto.modify(PrimaryClusterId="nobody-001")
    with refused("InvalidParameterValue", "not a member"):
        await boto.modify(PrimaryClusterId="carts-002")
    with refused("InvalidParameterValue", "already the primary"):
        await boto.modify(PrimaryClusterId="orders-001")
    group.member("orders-002").status = "modifying"
    with refused("InvalidCacheClusterState"):
        await boto.modify(PrimaryClusterId="orders-002")
    with refused("InvalidParameterCombination", "No modifications"):
        await boto.modify()


async def test_automatic_failover_cannot_be_turned_off_with_cluster_mode_enabled_nor_on_without_a_replica(aws, boto):
    await aws.add_group("orders", node_groups=2, replicas=1)
    with refused("InvalidParameterCombination", "cluster mode enabled is not supported"):
        await boto.modify(AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    with refused("InvalidParameterCombination", "cluster mode enabled"):
        await boto.modify(PrimaryClusterId="orders-0001-002")
    await aws.add_group("alone", replicas=0, automatic_failover=False, multi_az=False)
    with refused("InvalidParameterCombination", "at least one read replica"):
        await boto.modify(ReplicationGroupId="alone", AutomaticFailoverEnabled=True)


async def test_without_apply_immediately_a_change_waits_for_the_maintenance_window(aws, boto):
    aws.world.timing = QUICK
    group = await aws.add_group("orders", automatic_failover=False, multi_az=False)
    await boto.modify(PrimaryClusterId="orders-003", ReplicationGroupDescription="of the shop", ApplyImmediately=False)
    await aws.settled()
    shown = await boto.group()
    assert (shown["Status"], shown["Description"]) == ("available", "of the shop")
    assert shown["PendingModifiedValues"] == {"PrimaryClusterId": "orders-003"}
    assert await roles(boto) == ["primary", "replica", "replica"]
    aws.maintenance(group)
    await aws.settled()
    assert await roles(boto) == ["replica", "replica", "primary"]
    assert (await boto.group())["PendingModifiedValues"] == {}


@pytest.mark.parametrize(
    ("mishap", "status", "done", "told"),
    [
        (Mishap.NEVER_COMPLETES, "modifying", False, FAILED_OVER[:1]),
        (Mishap.ROLLED_BACK, "available", False, FAILED_OVER[:1]),
        (Mishap.WITHOUT_EVENTS, "available", True, [FAILED_OVER[0], *FAILED_OVER[3:]]),
        (Mishap.EVENTS_OUT_OF_ORDER, "available", True, [FAILED_OVER[0], *FAILED_OVER[3:], *FAILED_OVER[1:3]]),
    ],
)
async def test_mishaps_of_a_failover(aws, boto, mishap, status, done, told):
    aws.world.timing = QUICK
    aws.faults.next_change(mishap)
    await aws.add_group("orders")
    await fail_over(boto)
    await aws.settled()
    assert (await boto.group())["Status"] == status
    assert (await roles(boto))[1] == ("primary" if done else "replica")
    assert (await boto.messages())[2:] == told


async def test_events_that_are_late_have_the_dates_of_what_they_tell(aws, boto):
    aws.world.timing = replace(QUICK, late=0.5)
    aws.faults.next_change(Mishap.LATE_EVENTS)
    group = await aws.add_group("orders")
    await fail_over(boto)
    while group.status != "available":
        await asyncio.sleep(0)
    aws.hold()
    after = aws.clock.now()
    assert (await boto.messages())[2:] == FAILED_OVER[:1]
    aws.release()
    await aws.settled()
    assert (await boto.messages())[2:] == FAILED_OVER
    assert aws.events.events[-1].at < after


async def test_the_status_may_be_available_before_anything_has_happened(aws, boto):
    aws.faults.next_change(Mishap.AVAILABLE_FIRST)
    await aws.add_group("orders")
    aws.hold()
    await fail_over(boto)
    await available(boto)
    assert (await roles(boto))[0] == "primary"
    aws.release()
    await aws.settled()
    assert (await roles(boto))[1] == "primary"


async def test_a_modification_may_be_rolled_back(aws, boto):
    aws.world.timing = QUICK
    aws.faults.next_change(Mishap.ROLLED_BACK, Mishap.NONE, Mishap.ROLLED_BACK)
    await aws.add_group("orders")
    off = {"AutomaticFailoverEnabled": False, "MultiAZEnabled": False}
    await boto.modify(**off)
    await aws.settled()
    group = await boto.group()
    assert (group["Status"], group["AutomaticFailover"], group["MultiAZ"]) == ("available", "enabled", "enabled")
    assert group["PendingModifiedValues"] == {}
    await boto.modify(**off)
    await aws.settled()
    await boto.modify(PrimaryClusterId="orders-002")
    await aws.settled()
    assert (await roles(boto))[0] == "primary"


async def test_a_change_that_is_stuck_can_be_taken_off_the_table(aws, boto):
    aws.faults.next_change(Mishap.NEVER_COMPLETES)
    group = await aws.add_group("orders")
    await boto.modify(AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    await aws.settled()
    shown = await boto.group()
    assert (shown["Status"], shown["AutomaticFailover"]) == ("modifying", "disabling")
    assert not aws.world.busy
    group.unstick()
    shown = await boto.group()
    assert (shown["Status"], shown["AutomaticFailover"], shown["PendingModifiedValues"]) == ("available", "enabled", {})
