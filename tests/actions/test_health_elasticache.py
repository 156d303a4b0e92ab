"""``health`` where AWS is in charge: a local ElastiCache, with real servers underneath."""

from dataclasses import replace

import pytest

from actions import health
from actions.kit.findings import Confidence, FindingId, Severity
from actions.kit.snapshot import Reason
from bot.render.blocks_topology import picture
from tests.elasticache import GROUP, place, search

pytestmark = pytest.mark.servers


async def healthy(hands, progress):
    """A look that finds nothing wrong, or the last of some: on a slow machine a node may not answer in time."""
    for _ in range(20):
        seen = await health.ACTION.look(hands, {}, progress)
        if seen.diagnosis.verdict.id is FindingId.HEALTHY:
            break
    return seen


async def findings(hands, progress):
    return (await health.ACTION.look(hands, {}, progress)).diagnosis


async def test_aws_names_the_primary_and_the_nodes_agree(monkeypatch, progress):
    async with search(monkeypatch) as scene:
        seen = await health.ACTION.look(scene.hands, {}, progress)
        primary, addresses = scene.primary, [scene.address(number) for number in (1, 2, 3)]

    assert seen.diagnosis.verdict.id is FindingId.HEALTHY, seen.diagnosis.verdict
    assert seen.diagnosis.verdict.confidence is Confidence.CERTAIN
    assert seen.diagnosis.master == primary
    assert [node.address for node in seen.snapshot.nodes] == addresses
    assert not seen.snapshot.unasked  # CONFIG is AWS's own; it is not asked for, and so not missed.
    group = seen.snapshot.group
    assert (group.status, group.automatic_failover, group.multi_az) == ("available", "enabled", "enabled")
    assert [(member.name, member.primary, member.zone, member.status) for member in group.members] == [
        (f"{GROUP}-001", True, "eu-west-1a", "available"),
        (f"{GROUP}-002", False, "eu-west-1b", "available"),
        (f"{GROUP}-003", False, "eu-west-1c", "available"),
    ]
    assert group.tests_in_region == ()


async def test_what_aws_is_doing_is_found_and_what_it_cannot_do(monkeypatch, progress):
    async with search(monkeypatch, zones=("eu-west-1a",)) as scene:
        assert (await findings(scene.hands, progress)).has(FindingId.ELASTICACHE_ONE_ZONE)

        scene.aws.hold()
        await scene.hands.elasticache.set_failover("disabled", "disabled")
        changing = (await findings(scene.hands, progress)).verdict
        assert (changing.id, changing.severity) == (FindingId.ELASTICACHE_CHANGING, Severity.WARNING)
        assert "automatic failover is disabling" in changing.summary
        scene.aws.release()
        await scene.aws.settled()
        off = (await findings(scene.hands, progress)).verdict
        assert (off.id, off.severity) == (FindingId.ELASTICACHE_FAILOVER_OFF, Severity.WARNING)


async def test_a_failover_of_aws_is_seen_while_it_goes_on(monkeypatch, progress):
    async with search(monkeypatch) as scene:
        scene.aws.hold()
        await scene.hands.elasticache.test_failover("0001")
        moving = (await findings(scene.hands, progress)).verdict
        scene.aws.release()
        await scene.aws.settled()
        after = await healthy(scene.hands, progress)
        primary = scene.primary

    assert (moving.id, moving.severity) == (FindingId.FAILOVER_IN_PROGRESS, Severity.CRITICAL)
    assert any("Test Failover API called for node group 0001" in one.observation for one in moving.evidence)
    assert after.diagnosis.verdict.id is FindingId.HEALTHY, after.diagnosis.verdict
    assert after.diagnosis.master == primary
    assert len(after.snapshot.group.tests_in_region) == 1


async def test_aws_and_the_nodes_do_not_agree(monkeypatch, progress):
    async with search(monkeypatch) as scene:
        nodes = scene.group.node_groups[0]
        await nodes.nodes.promote(1)
        await nodes.nodes.follow(0, 1)
        verdict = (await findings(scene.hands, progress)).verdict

    assert (verdict.id, verdict.severity) == (FindingId.ELASTICACHE_DISAGREEMENT, Severity.CRITICAL)
    assert f"AWS calls {GROUP}-001 the primary" in verdict.summary


async def test_without_aws_nothing_is_certain(monkeypatch, progress):
    async with search(monkeypatch) as scene:
        await health.ACTION.look(scene.hands, {}, progress)
        scene.aws.faults.denied = {"DescribeReplicationGroups"}
        denied = await health.ACTION.look(scene.hands, {}, progress)
        scene.aws.faults.denied = {"DescribeEvents"}
        partly = await health.ACTION.look(scene.hands, {}, progress)
        scene.aws.faults.denied = set()
        elsewhere = scene.another(elasticache=replace(place(scene.aws, "aragora-redys")))
        missing = await health.ACTION.look(elsewhere, {}, progress)
        await elsewhere.aclose()

    assert denied.snapshot.group is not None
    assert denied.snapshot.group.unasked.reason is Reason.NOPERM
    assert "the IAM policy has to allow elasticache:DescribeReplicationGroups" in denied.snapshot.group.unasked.why
    assert denied.diagnosis.has(FindingId.AUTH_FAILED)
    assert not denied.diagnosis.has(FindingId.HEALTHY)
    assert partly.diagnosis.verdict.id is FindingId.HEALTHY
    assert partly.diagnosis.has(FindingId.AUTH_FAILED)
    assert partly.snapshot.group.tests_in_region is None
    assert missing.snapshot.group.unasked.why == (
        "There is no replication group aragora-redys in eu-west-1; did you mean aragora-redis? "
        "Correct region or replication_group_id in targets.yaml."
    )
    assert missing.diagnosis.verdict.id is FindingId.UNDETERMINED
    assert "what AWS says of it would decide it (There is no replication group" in missing.diagnosis.verdict.summary


async def test_in_cluster_mode_the_nodes_tell_the_shards_and_aws_has_to_agree(monkeypatch, progress):
    async with search(monkeypatch, node_groups=3, replicas=1) as scene:
        well = await health.ACTION.look(scene.hands, {}, progress)
        scene.aws.faults.throttle("DescribeReplicationGroups", times=1_000)
        monkeypatch.setattr("actions.adapters.aws.group.BUDGET_S", 0.3)
        silent = await health.ACTION.look(scene.hands, {}, progress)

    assert well.diagnosis.verdict.summary.endswith("6 nodes agree, AWS too.")
    assert well.diagnosis.master is None
    assert len([line for line in picture(well.snapshot) if "slots" in line]) >= 3
    verdict = silent.diagnosis.verdict
    assert verdict.id is FindingId.UNDETERMINED
    assert (
        "what AWS says of it would decide it (AWS throttles DescribeReplicationGroups in eu-west-1" in verdict.summary
    )
