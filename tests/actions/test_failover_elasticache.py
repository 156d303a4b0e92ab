"""What ``failover`` answers for a replication group of ElastiCache, without any server: every way and every refusal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from actions import failover
from actions.kit.elasticache import setting
from actions.kit.elasticache.views import Event, GroupView, MemberView, NodeGroupView, Source
from actions.kit.plan import Plan, Refusal, facts_of
from actions.kit.snapshot import Reason, Snapshot, Unasked
from actions.kit.step_types import STEP_TYPES
from actions.kit.topology import Address, Kind
from bot.ledger.codec import PlanCodec
from tests.builders import healthy, node_at, with_link, with_node, without_node

NOW = datetime(2025, 1, 2, tzinfo=UTC)
NAMES = {number: f"g-00{number}" for number in (1, 2, 3)}


def group(**changes: object) -> GroupView:
    members = tuple(
        MemberView(NAMES[number], "0001", number == 1, f"eu-west-1{'abc'[number - 1]}", "available", node_at(number))
        for number in (1, 2, 3)
    )
    shard = NodeGroupView("0001", "available", Address("g.aws", 6379), members=members)
    event = Event(NOW - timedelta(hours=2), "g", Source.GROUP, "Replication group g created")
    view = GroupView("eu-west-1", "g", None, "available", "enabled", "enabled", False, (), (shard,), (event,), ())
    return replace(view, **changes)


def snapshot(**changes: object) -> Snapshot:
    return replace(healthy(sentinels=0), target="search", kind=Kind.ELASTICACHE, group=group(**changes))


def in_cluster_mode() -> Snapshot:
    """Three shards of three; only the first one's nodes are in the picture."""
    first = group().node_groups[0]
    members = tuple(replace(member, primary=None) for member in first.members)
    shards = (
        replace(first, slots="0-5461", primary_endpoint=None, members=members),
        NodeGroupView("0002", "available", slots="5462-16383", members=(MemberView("g-0002-001", "0002"),)),
    )
    picture = snapshot(cluster_mode=True, node_groups=shards)
    nodes = tuple(replace(node, info=replace(node.info, cluster_enabled=True)) for node in picture.nodes)
    return replace(picture, nodes=nodes)


def planned(picture: Snapshot, **options: str) -> Plan:
    plan = failover.plan(picture, options)
    assert isinstance(plan, Plan), plan
    return plan


def refused(picture: Snapshot, **options: str) -> str:
    refusal = failover.plan(picture, options)
    assert isinstance(refusal, Refusal), refusal
    return refusal.reason


def kinds(plan: Plan) -> list[str]:
    return [type(step).__name__ for step in plan.steps]


def test_each_way_that_aws_allows_is_chosen_and_explained():
    on = planned(snapshot())
    assert kinds(on) == ["HoldWrites", "CallTestFailover", "ProveMove", "ProveMove"]
    assert "AWS fails it over by TestFailover and chooses who takes over" in on.because
    assert on.candidate is None
    assert [one.why for one in on.rejected] == [
        f"{NAMES[number]}: it could take over too: AWS chooses" for number in (2, 3)
    ]
    assert any("AWS means it for tests and may block it" in note for note in on.cost.notes)

    named = planned(snapshot(), to="g-003")
    assert kinds(named)[:4] == ["TurnFailoverOff", "HoldWrites", "MakePrimary", "TurnFailoverOn"]
    assert named.candidate == node_at(3)
    assert named.steps[0].changes[0].old == setting.ON_MULTI_AZ
    assert any("nobody takes over where the primary is lost" in note for note in named.cost.notes)
    assert planned(snapshot(), to=str(node_at(3))).fingerprint == named.fingerprint

    off = planned(snapshot(automatic_failover="disabled", multi_az="disabled"))
    assert kinds(off)[:2] == ["HoldWrites", "MakePrimary"]
    assert off.candidate == node_at(2)

    sharded = planned(in_cluster_mode(), shard="1")
    assert kinds(sharded) == ["HoldWrites", "CallTestFailover", "ProveMove", "ProveMove"]
    assert sharded.steps[1].command.endswith("--replication-group-id g --node-group-id 0001")


@pytest.mark.parametrize("options", [{}, {"to": "g-002"}])
def test_what_can_be_lost_is_unknown_and_said_to_be(options):
    cost = planned(with_node(snapshot(), 2, offset=9_000), **options).cost
    assert (cost.loss_bytes, cost.loss_keys, cost.pause_ms) == (None, None, 5_000)
    assert "how much is not known (behind now: 1,000 bytes at most)" in cost.notes[0]


def test_a_plan_survives_the_process_and_binds_to_what_aws_says():
    plan = planned(snapshot(), to="g-002")
    codec = PlanCodec(STEP_TYPES)
    assert codec.loads(codec.dumps(plan)) == plan
    assert "g available, automatic failover enabled, Multi-AZ enabled" in plan.seen
    assert "g-001 primary" in plan.seen
    later = snapshot(events=(Event(NOW, "g", Source.GROUP, "Snapshot succeeded"),))
    assert facts_of(later) == plan.seen
    assert planned(later, to="g-002").fingerprint == plan.fingerprint
    assert planned(snapshot(multi_az="disabled"), to="g-002").fingerprint != plan.fingerprint


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"status": "modifying"}, {}, "AWS is at work on g (status modifying): it takes no other change until"),
        ({"automatic_failover": "enabling"}, {}, "Automatic failover of g is enabling: wait"),
        ({"pending": ("CacheNodeType x",)}, {}, "AWS is going to change CacheNodeType x of g"),
        ({"tests_in_region": (NOW,) * 15}, {}, "show 15: the next is possible from 2025-01-03 00:00 UTC on. Or name"),
        ({}, {"to": "g-004"}, "g-004 is no member of g; its members are g-001, g-002, g-003."),
        ({}, {"to": "10.9.9.9:6379"}, "10.9.9.9:6379 is no member of g"),
        ({}, {"to": "10.9.9.9:x"}, "'10.9.9.9:x' is not an address"),
        ({}, {"to": "g-001"}, "g-001 cannot take over: it is the primary already."),
        ({}, {"host": "10.0.0.1"}, "--host is for targets of kind cluster."),
        ({}, {"shard": "0007"}, "g has no shard 0007; it has 0001."),
        (
            {"unasked": Unasked("AWS g", Reason.NOPERM, "the IAM policy has to allow elasticache:Describe…")},
            {},
            "the IAM policy has to allow",
        ),
        (
            {"tests_in_region": None, "gaps": (Unasked("AWS DescribeEvents", Reason.NOPERM, "not allowed."),)},
            {},
            "AWS's events cannot be read, and only they tell that a failover is complete: not allowed.",
        ),
    ],
)
def test_a_refusal_says_what_stands_against_it(changes, options, said):
    assert said in refused(snapshot(**changes), **options)


def test_the_budget_does_not_bind_who_names_a_candidate():
    assert kinds(planned(snapshot(tests_in_region=(NOW,) * 15), to="g-002"))[0] == "TurnFailoverOff"


def test_nodes_that_could_not_take_over_are_told_one_by_one():
    alone = group().node_groups[0]
    assert "has no replica: nobody could take over" in refused(
        snapshot(node_groups=(replace(alone, members=alone.members[:1]),))
    )
    behind = with_node(with_link(snapshot(), 3, up=False), 2, offset=10_000 - 2**21)
    behind = with_node(behind, 1, offset=10_000)
    assert "No replica can take over." in refused(behind)
    assert "g-003: its link to the primary is down." in refused(behind)
    assert "g-002 cannot take over: it is 2,097,152 bytes behind" in refused(behind, to="g-002")
    replaced = tuple(replace(one, status="modifying") if one.name == "g-002" else one for one in alone.members)
    assert "g-002 cannot take over: AWS has it modifying." in refused(
        snapshot(node_groups=(replace(alone, members=replaced),)), to="g-002"
    )


def test_a_primary_that_does_not_answer_cannot_be_proven_to_have_moved():
    assert "g-001, which AWS calls the primary, does not answer us as a master" in refused(without_node(snapshot(), 1))


def test_in_cluster_mode_the_shard_is_named_and_aws_chooses():
    picture = in_cluster_mode()
    assert "Which shard? Name it with --shard: g has 0001 (0-5461), 0002 (5462-16383)." in refused(picture)
    assert "there AWS chooses who takes over. Leave --to out, and name the shard: --shard 0001." in refused(
        picture, to="g-002"
    )
    assert "g-002 is of shard 0001, not of 0002." in refused(picture, to="g-002", shard="0002")
