"""What a plan to flush says, refuses and costs, from hand-made snapshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from actions import flush
from actions.kit.elasticache.views import GroupView
from actions.kit.errors import UsageError
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.flushing.copied import RescueMaster
from actions.kit.flushing.look import Flushable
from actions.kit.flushing.proof import SeeFlushed, TakeWrites
from actions.kit.flushing.steps import FlushMaster
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.repair.demotion import ReportCopy
from actions.kit.repair.fence import SeeRoom
from actions.kit.rescue import RescueRoom
from actions.kit.snapshot import NodeConfig, NodeView, Role, Snapshot
from actions.kit.steps import Fence, Prove
from actions.kit.topology import Kind
from tests.builders import healthy, with_link, with_node, with_opinion, with_view, without_node
from tests.clusters import cluster

HOLDS = Flushable(((0, 1_200), (3, 40)), dataset=3 * 2**20, changes=0, highest=15)


def seen(snapshot: Snapshot | None = None, holds: Flushable = HOLDS) -> Snapshot:
    """Masters hold this, and copies have a place."""

    def told(node: NodeView) -> NodeView:
        if not node.is_master:
            return node
        return replace(node, flushable=holds, config=node.config or NodeConfig(0, 10, 100), watching_sentinels=0)

    snapshot = snapshot or healthy()
    return replace(snapshot, nodes=tuple(map(told, snapshot.nodes)), rescues_to="/var/rescue")


def alone() -> Snapshot:
    """Nobody is in charge."""
    snapshot = healthy(sentinels=0)
    nodes = tuple(replace(node, watching_sentinels=0) for node in snapshot.nodes)
    return replace(snapshot, kind=Kind.REPLICATION, nodes=nodes)


def plan_of(snapshot: Snapshot, **options: str) -> Plan:
    plan = flush.plan(snapshot, options)
    assert isinstance(plan, Plan), plan
    return plan


def refused(snapshot: Snapshot, **options: str) -> str:
    answer = flush.plan(snapshot, options)
    assert isinstance(answer, Refusal), answer
    return answer.reason


def test_all_is_copied_behind_a_fence_before_anything_goes() -> None:
    plan = plan_of(seen())
    kinds = [SeeRoom, Fence, RescueMaster, FlushMaster, TakeWrites, SeeFlushed, Prove, Prove, SeeFlushed, ReportCopy]
    assert [type(step) for step in plan.steps] == kinds
    assert plan.risk is Risk.IRREVERSIBLE
    assert isinstance(plan.steps[plan.turning], FlushMaster)
    assert plan.steps[plan.turning].command == (
        "10.0.0.1:6379> CONFIG SET min-replicas-to-write 0; CLIENT UNPAUSE; if its offset is that of its copy: "
        "SELECT 0; FLUSHDB ASYNC; SELECT 3; FLUSHDB ASYNC"
    )


def test_what_goes_is_told_for_each_database_and_who_loses_it_too() -> None:
    plan = plan_of(seen(), db="0")
    assert (plan.cost.loss_keys, plan.cost.loss_bytes) == (1_200, None), "nobody counts the bytes of one database"
    assert plan.because == (
        "10.0.0.1:6379 loses 1,200 keys of database 0; 40 of database 3 stay. All its databases together take 3.0 MiB. "
        "So does whoever follows it: 10.0.0.2:6379, 10.0.0.3:6379."
    )
    both = plan_of(seen())
    assert (both.cost.loss_keys, both.cost.loss_bytes) == (1_240, 3 * 2**20)
    assert plan.fingerprint != both.fingerprint
    more = replace(HOLDS, databases=((0, 1_300), (3, 40)), changes=90)
    later = replace(seen(holds=more), observed_at=seen().observed_at + timedelta(minutes=1))
    assert plan_of(later).fingerprint == both.fingerprint, "how many moves every second"


def test_what_it_costs_besides() -> None:
    notes = " ".join(plan_of(seen(holds=replace(HOLDS, changes=90))).cost.notes)
    assert "10.0.0.1:6379 had 90 changes within the last second" in notes
    assert "It is in use" in notes
    assert "all of 10.0.0.1:6379 is copied to /var/rescue and verified, 3.0 MiB at most" in notes
    assert "10.0.0.1:6379 refuses writes from the fence on until it is flushed" in notes
    assert "a restart brings back its last one" in notes
    roomy = replace(HOLDS, room=RescueRoom("/var/rescue", 5, 2**30))
    assert "3.0 MiB at most; 1.0 GiB are free there." in " ".join(plan_of(seen(holds=roomy)).cost.notes)
    aof = with_node(seen(), 1, aof_enabled=True)
    assert "has an append-only file: after a restart too it is flushed" in " ".join(plan_of(aof).cost.notes)
    dumps = with_view(seen(), 1, config=NodeConfig(0, 10, 100, save_points=((60, 1),)))
    assert "writes dumps: from the next one on" in " ".join(plan_of(dumps).cost.notes)
    unknown = seen(holds=replace(HOLDS, changes=None))
    assert "had an unknown number of changes" in " ".join(plan_of(unknown).cost.notes)
    old = with_node(seen(), 1, flavour="redis", version=(6, 2, 7))
    assert "10.0.0.1:6379 refuses writes (but for scripts that write: before Redis 7.0" in " ".join(
        plan_of(old).cost.notes
    )
    silent = seen(without_node(healthy(), 3))
    assert "No answer from 10.0.0.3:6379: what a replica has goes when it is back." in plan_of(silent).cost.notes


def test_where_sentinels_watch_no_pause_is_renewed() -> None:
    steps = plan_of(seen()).steps
    assert [step.pause_ms for step in steps if isinstance(step, RescueMaster)] == [0]
    assert [step.pause_ms for step in steps if isinstance(step, Fence)] == [500], "of 2 s of down-after, twice"
    assert [step.pause_ms for step in plan_of(seen(alone())).steps if isinstance(step, RescueMaster)] == [5_000]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"db": "7"}, "There is nothing to flush: database 7 has no keys. Keys are in 0, 3."),
        ({"db": "16"}, "There is no database 16: orders has 0 to 15."),
    ],
)
def test_there_has_to_be_something_to_flush(options: dict[str, str], said: str) -> None:
    assert refused(seen(), **options) == said
    assert refused(seen(holds=replace(HOLDS, databases=()))) == "There is nothing to flush: orders has no keys."
    with pytest.raises(UsageError, match="--db 'all' is no database: it is a number, such as 0"):
        flush.plan(seen(), {"db": "all"})


def test_not_while_roles_move_or_a_replica_is_not_in_sync() -> None:
    moving = with_opinion(healthy(), 2, flags=frozenset({"master", "failover_in_progress"}))
    assert "A failover is in progress, says Sentinel" in refused(seen(moving))
    two = with_node(alone(), 2, role=Role.MASTER)
    assert "Split brain" in refused(seen(two))
    assert "The master 10.0.0.1:6379 does not answer" in refused(seen(without_node(healthy(), 1)))
    fenced = with_view(seen(), 1, config=NodeConfig(FENCE_REPLICAS, 10, 100))
    assert "an earlier run was cut off" in refused(fenced)
    assert "10.0.0.2:6379 is copying all data" in refused(seen(with_link(healthy(), 2, sync_in_progress=True)))
    assert "what it holds would outlive the flush" in refused(seen(with_link(healthy(), 2, up=False)))
    handing_over = with_node(seen(), 1, failover_state="failover-in-progress")
    assert "in a FAILOVER of its own" in refused(handing_over)
    assert "10.0.0.3:6379 does not answer" not in refused(seen(without_node(alone(), 3)), db="7"), "it is attached"
    watched = with_view(seen(alone()), 1, watching_sentinels=2)
    assert "Sentinels watch 10.0.0.1:6379 (2)" in refused(watched)


def test_not_where_it_could_not_be_copied_or_flushed() -> None:
    assert "nothing is flushed without one" in refused(replace(seen(), rescues_to=""))
    shut = seen(holds=replace(HOLDS, why_not="FLUSHDB: NOPERM this user has no permissions"))
    assert "10.0.0.1:6379 cannot be flushed: FLUSHDB: NOPERM" in refused(shut)
    assert "allow our user +flushdb +eval +select." in refused(shut)
    disabled = seen(holds=replace(HOLDS, why_not="FLUSHDB: ERR unknown command 'FLUSHDB'"))
    assert "disabled there by rename-command" in refused(disabled)
    full = RescueRoom("/var/rescue", 5, 4, "/var/rescue has 4 bytes free, and a copy may take 5: free some.")
    assert "10.0.0.1:6379 cannot be copied: /var/rescue has 4 bytes free" in refused(
        seen(holds=replace(HOLDS, room=full))
    )
    assert "CONFIG GET is not allowed" in refused(with_view(seen(), 1, config=NodeConfig()))
    assert "cannot write its data to disk" in refused(with_node(seen(), 1, last_bgsave_ok=False))


def test_elasticache_says_what_to_do_instead() -> None:
    group = GroupView(name="search-group", status="available", region="eu-west-1")
    snapshot = replace(healthy(sentinels=0), kind=Kind.ELASTICACHE, group=group, target="search")
    said = refused(snapshot)
    assert "aws elasticache create-snapshot --replication-group-id search-group" in said


def test_a_cluster_is_flushed_as_a_whole() -> None:
    one = replace(HOLDS, databases=((0, 1_200),))
    plan = plan_of(seen(cluster(3, 1).snapshot(), one), db="0")
    kinds = [type(step) for step in plan.steps]
    assert kinds[:9] == [SeeRoom] * 3 + [Fence] * 3 + [RescueMaster] * 3
    assert kinds[9:12] == [FlushMaster] * 3, "not before all are copied"
    assert plan.cost.loss_keys == 3_600
    assert len({step.mark for step in plan.steps if isinstance(step, FlushMaster)}) == 3
    assert "is a cluster, whose keys are in database 0" in refused(seen(cluster(3, 1).snapshot(), one), db="3")
    assert "all shards are flushed together" in refused(seen(cluster(3, 1).without(1).snapshot(), one))
    tight = replace(one, room=RescueRoom("/var/rescue", needs_bytes=5, free_bytes=14))
    assert "the copies of 3 masters may take 15 together" in refused(seen(cluster(3, 1).snapshot(), tight))
    unsettled = seen(cluster(3, 1).says(4, 1, flags="fail?").snapshot(), one)
    assert "does not reach the master" in refused(unsettled)
