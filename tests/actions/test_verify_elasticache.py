"""``verify`` where AWS is in charge: AWS, its events, the nodes and a write past the endpoint."""

import pytest

from actions import verify
from tests.elasticache import GROUP, search

pytestmark = pytest.mark.servers
ONCE = {"again": "0"}


def failed(seen):
    return {check.title: check.observation for check in seen.checks if not check.ok}


async def test_a_failover_is_proven_by_everybody_and_a_lost_primary_is_seen(monkeypatch, progress):
    async with search(monkeypatch) as scene:
        before = await verify.ACTION.look(scene.hands, ONCE, progress)
        await scene.hands.elasticache.test_failover("0001")
        await scene.aws.settled()
        after = await verify.ACTION.look(scene.hands, ONCE, progress)
        endpoint = "{}:{}".format(*scene.group.node_groups[0].nodes.primary_endpoint)
        scene.aws.hold()
        await scene.hands.elasticache.test_failover("0001")
        during = await verify.ACTION.look(scene.hands, ONCE, progress)

    assert not failed(before)
    assert not failed(after)
    titles = [check.title for check in after.checks]
    assert f"{endpoint} takes a write and every replica shows it, now" in titles
    assert f"AWS has {GROUP} at rest, now" in titles
    assert "AWS and the nodes agree on the primary of shard 0001, now" in titles
    assert failed(during)[f"AWS has {GROUP} at rest, now"] == "status modifying"
    assert "Test Failover API called" in failed(during)["AWS's events tell of the end of each TestFailover, now"]


async def test_each_shard_of_a_cluster_is_proven(monkeypatch, progress):
    async with search(monkeypatch, node_groups=3, replicas=1) as scene:
        seen = await verify.ACTION.look(scene.hands, ONCE, progress)

    assert not failed(seen)
    assert sum("takes a write" in check.title for check in seen.checks) == 3


async def test_without_aws_it_is_not_proven(monkeypatch, progress):
    async with search(monkeypatch) as scene:
        await scene.hands.observe()
        scene.aws.faults.denied = {"DescribeReplicationGroups"}
        seen = await verify.ACTION.look(scene.hands, ONCE, progress)

    assert "elasticache:DescribeReplicationGroups" in failed(seen)[f"AWS has {GROUP} at rest, now"]
