"""What a plan to change settings says, refuses and costs, from hand-made snapshots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions import tune
from actions.kit.elasticache.views import GroupView
from actions.kit.errors import UsageError
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.kubernetes.view import ContainerView, KubernetesView, PodView
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.ports import Holdings
from actions.kit.snapshot import NodeConfig, NodeView, Snapshot
from actions.kit.stats import NodeStats
from actions.kit.topology import Kind
from actions.kit.tuning.look import IGNORES, Tunable
from actions.kit.tuning.steps import KeepSettings, SeeSettings, SetOn
from tests.builders import healthy, node_at, with_node, with_opinion, with_view, without_node
from tests.clusters import cluster

GB = 2**30
LIMITS = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"

HELD = Holdings(keys=1_000_000, expiring=200_000, dataset=2 * GB, fixed=2 * 2**20)


def told(node: NodeView, holds: Holdings = HELD, **settings: str) -> NodeView:
    """The node with its settings and 2 GiB of keys, of 2.5 that it uses; a name's underscores are dashes."""
    if node.info is None:
        return node
    now = {"maxmemory": "0", "maxmemory-policy": "noeviction", "repl-backlog-size": str(2**20)}
    now |= {"client-output-buffer-limit": LIMITS, IGNORES: "yes"}
    now |= {name.replace("_", "-"): value for name, value in settings.items()}
    stats = NodeStats(system_memory=16 * GB, not_evictable=0)
    info = replace(node.info, used_memory=holds.dataset + GB // 2, stats=stats, backlog_active=True, config_file="/c")
    return replace(node, info=info, tunable=Tunable(tuple(now.items()), holds))


def seen(snapshot: Snapshot | None = None, **settings: str) -> Snapshot:
    snapshot = snapshot or healthy()
    return replace(snapshot, nodes=tuple(told(node, **settings) for node in snapshot.nodes))


def asks(snapshot: Snapshot, **settings: str) -> Plan | Refusal:
    return tune.plan(snapshot, {name.replace("_", "-"): value for name, value in settings.items()})


def plan_of(snapshot: Snapshot, **settings: str) -> Plan:
    plan = asks(snapshot, **settings)
    assert isinstance(plan, Plan), plan
    return plan


def refused(snapshot: Snapshot, **settings: str) -> str:
    answer = asks(snapshot, **settings)
    assert isinstance(answer, Refusal), answer
    return answer.reason


def test_replicas_are_set_before_the_master_and_the_files_are_written_last() -> None:
    plan = plan_of(seen(), maxmemory="4gb")
    assert [type(step) for step in plan.steps] == [SetOn, SetOn, SetOn, SeeSettings, KeepSettings]
    assert [step.node for step in plan.steps if isinstance(step, SetOn)] == [node_at(2), node_at(3), node_at(1)]
    assert plan.risk is Risk.REVERSIBLE
    assert plan.cost.loss_bytes == plan.cost.loss_keys == 0
    assert plan.because.startswith("maxmemory 0 (no limit) to 4gb on all 3 nodes.")
    assert "10.0.0.1:6379 maxmemory 0" in plan.seen


def test_a_node_that_has_it_already_is_left_alone_and_where_all_have_there_is_nothing_to_do() -> None:
    snapshot = seen()
    snapshot = with_view(snapshot, 2, tunable=told(snapshot.nodes[1], maxmemory=str(4 * GB)).tunable)
    plan = plan_of(snapshot, maxmemory="4gb")
    assert [step.node for step in plan.steps if isinstance(step, SetOn)] == [node_at(3), node_at(1)]
    assert "Left alone, having all of it already: 10.0.0.2:6379." in plan.cost.notes
    assert "There is nothing to do" in refused(seen(maxmemory=str(4 * GB)), maxmemory="4gb")


@pytest.mark.parametrize(
    ("now", "then", "risk"),
    [
        ({}, {"repl_backlog_size": "128mb"}, Risk.REVERSIBLE),
        ({}, {"client_output_buffer_limit": "replica 1gb 1gb 60"}, Risk.REVERSIBLE),
        ({}, {"maxmemory": "4gb"}, Risk.REVERSIBLE),
        ({"maxmemory": str(8 * GB)}, {"maxmemory": "4gb"}, Risk.REVERSIBLE),
        ({}, {"maxmemory_policy": "allkeys-lru"}, Risk.DESTRUCTIVE),
        ({"maxmemory_policy": "allkeys-lru"}, {"maxmemory_policy": "noeviction"}, Risk.REVERSIBLE),
        ({"maxmemory_policy": "allkeys-lru"}, {"maxmemory": "4gb"}, Risk.DESTRUCTIVE),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": str(4 * GB)}, {"maxmemory": "8gb"}, Risk.REVERSIBLE),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": str(4 * GB)}, {"maxmemory": "0"}, Risk.REVERSIBLE),
        (
            {"maxmemory_policy": "allkeys-lru", "maxmemory": str(5 * GB // 2)},
            {"repl_backlog_size": "512mb"},
            Risk.DESTRUCTIVE,
        ),
    ],
)
def test_what_lets_keys_go_takes_a_second_person(now: dict[str, str], then: dict[str, str], risk: Risk) -> None:
    assert plan_of(seen(**now), **then).risk is risk


def test_what_goes_at_once_is_told_in_bytes_and_keys() -> None:
    plan = plan_of(seen(), maxmemory="2gb", maxmemory_policy="allkeys-lru")
    assert plan.cost.loss_bytes == GB // 2
    assert plan.cost.loss_keys == pytest.approx(250_000, rel=0.03)
    assert any("512.0 MiB go at once, about 245,4" in note for note in plan.cost.notes)
    assert any("From then on 10.0.0.1:6379 drops keys that nobody has deleted" in note for note in plan.cost.notes)
    assert "10.0.0.1:6379 evicts keys at once" in plan.seen, "the approval binds to that"
    assert plan.fingerprint != plan_of(seen(), maxmemory="4gb", maxmemory_policy="allkeys-lru").fingerprint


def test_of_a_volatile_policy_only_keys_with_an_expiry_count() -> None:
    plan = plan_of(seen(), maxmemory="2gb", maxmemory_policy="volatile-ttl")
    assert plan.cost.loss_keys == 200_000
    notes = " ".join(plan.cost.notes)
    assert "volatile-ttl takes only the 200,000 with an expiry. These look like too few" in notes
    none = replace(seen(), nodes=tuple(told(node, Holdings(1_000, 0, 2 * GB, 0)) for node in healthy().nodes))
    assert "none of its 1,000 keys has an expiry" in refused(none, maxmemory="2gb", maxmemory_policy="volatile-ttl")


def test_what_would_stop_writes_is_refused_with_its_numbers() -> None:
    said = refused(seen(), maxmemory="2gb")
    assert "10.0.0.1:6379 uses 2.5 GiB of 2.0 GiB then, and noeviction evicts nothing" in said
    assert "more than 2.5 GiB, or free 512.0 MiB first" in said
    assert "without a single key left too" in refused(seen(), maxmemory="1mb", maxmemory_policy="allkeys-lru")
    full = seen(maxmemory=str(2 * GB))
    notes = plan_of(full, maxmemory="2200mb").cost.notes
    assert any("still uses" in note and "as it does now" in note for note in notes), "better, and not enough"


def test_room_is_given_before_and_taken_after_what_needs_it() -> None:
    def order(now: dict[str, str], **then: str) -> list[str]:
        step = plan_of(seen(**now), **then).steps[0]
        assert isinstance(step, SetOn)
        return [change.name for change in step.settings]

    less = {"maxmemory": "3gb", "maxmemory_policy": "allkeys-lru", "repl_backlog_size": "2mb"}
    assert order({}, **less)[-1] == "maxmemory"
    assert order({"maxmemory": str(2 * GB)}, **less)[0] == "maxmemory"


@pytest.mark.parametrize(
    ("now", "then", "note"),
    [
        ({}, {"maxmemory": "15gb"}, "its machine has 16.0 GiB"),
        ({"maxmemory": str(4 * GB)}, {"maxmemory": "0"}, "may then take all of its machine's 16.0 GiB"),
        ({}, {"maxmemory": "2600mb"}, "has used 98 % of its maxmemory then, and refuses writes at the end of it"),
        ({}, {"repl_backlog_size": "128mb"}, "Backlogs of 3 nodes may take 381.0 MiB more memory together."),
        ({}, {"repl_backlog_size": "64kb"}, "cut off for more than 64kb of writes copies everything anew"),
        ({}, {"client_output_buffer_limit": "replica 1mb 1mb 60"}, "class replica has more waiting than that is cut"),
        ({}, {"client_output_buffer_limit": "replica 0 0 0"}, "Class replica has no hard limit then"),
        ({}, {"maxmemory_policy": "allkeys-lru"}, "10.0.0.1:6379: there is no maxmemory, and until there is one"),
        ({}, {"maxmemory@10.0.0.3:6379": "3gb"}, "10.0.0.3:6379: its maxmemory is smaller than its master's"),
        ({IGNORES: "no"}, {"maxmemory": "2gb", "maxmemory_policy": "allkeys-lru"}, "go at once by itself, since"),
        (
            {"maxmemory": str(4 * GB), "maxmemory_policy": "allkeys-lru"},
            {"maxmemory_policy": "noeviction"},
            "10.0.0.1:6379: nothing is evicted any more; writes are refused instead",
        ),
    ],
)
def test_what_it_costs_besides(now: dict[str, str], then: dict[str, str], note: str) -> None:
    assert note in " ".join(plan_of(seen(**now), **then).cost.notes)


def test_an_old_server_empties_its_backlog() -> None:
    snapshot = seen()
    for number in (1, 2, 3):
        snapshot = with_node(snapshot, number, flavour="redis", version=(6, 2, 7))
    notes = " ".join(plan_of(snapshot, repl_backlog_size="128mb").cost.notes)
    assert "Before 7.0 a backlog of another size begins empty (10.0.0.2:6379" in notes


def test_whether_it_survives_a_restart_is_said_before() -> None:
    assert "CONFIG REWRITE writes the files" in " ".join(plan_of(seen(), maxmemory="4gb").cost.notes)
    without = seen()
    for number in (1, 2, 3):
        without = with_node(without, number, config_file="")
    notes = " ".join(plan_of(without, maxmemory="4gb").cost.notes)
    assert "does not outlast a restart where there is no configuration file" in notes
    assert "CONFIG REWRITE" not in notes
    container = ContainerView("redis", ports=(("redis", 6379),), memory_limit=GB * 3)
    view = KubernetesView("shop", "redis", pods=(PodView("redis-node-0", ip="10.0.0.1", containers=(container,)),))
    notes = " ".join(plan_of(replace(without, kubernetes=view), maxmemory="3gb").cost.notes)
    assert "release redis starts each one with the chart's ConfigMap" in notes
    assert "its container has 3.0 GiB" in notes


def test_a_replica_that_is_silent_keeps_what_it_has() -> None:
    plan = plan_of(seen(without_node(healthy(), 3)), maxmemory="4gb")
    assert "No answer from 10.0.0.3:6379: what is set there stays; ask again when it is back." in plan.cost.notes
    assert len(plan.steps) == 4


def test_not_while_roles_move_or_nobody_knows_the_master() -> None:
    moving = with_opinion(healthy(), 2, flags=frozenset({"master", "failover_in_progress"}))
    assert "A failover is in progress, says Sentinel" in refused(seen(moving), maxmemory="4gb")
    assert "The master 10.0.0.1:6379 does not answer" in refused(seen(without_node(healthy(), 1)), maxmemory="4gb")
    assert "No majority" in refused(seen(with_opinion(healthy(), 1, address=node_at(2))), maxmemory="4gb")
    two = with_node(healthy(sentinels=0), 2, role=healthy().nodes[0].info.role)
    assert "Split brain" in refused(seen(two), maxmemory="4gb")
    fenced = with_view(healthy(), 1, config=NodeConfig(FENCE_REPLICAS, 10, 100))
    assert "an earlier run was cut off" in refused(seen(fenced), maxmemory="4gb")
    assert "is loading its data" in refused(with_node(seen(), 2, loading=True), maxmemory="4gb")
    handing_over = with_node(seen(), 1, failover_state="failover-in-progress")
    assert "in a FAILOVER of its own" in refused(handing_over, maxmemory="4gb")


def test_what_cannot_be_asked_cannot_be_put_back() -> None:
    shut = with_view(seen(), 2, tunable=Tunable(why_not="node 10.0.0.2:6379 CONFIG GET: NOPERM"))
    assert "What 10.0.0.2:6379 is set to cannot be asked" in refused(shut, maxmemory="4gb")
    assert "10.9.9.9:6379 is not a node of orders" in refused(seen(), **{"maxmemory@10.9.9.9:6379": "4gb"})


def test_in_a_cluster_every_replica_goes_before_every_master() -> None:
    snapshot = seen(cluster(3, 1).snapshot())
    plan = plan_of(snapshot, maxmemory="2gb", maxmemory_policy="allkeys-lru")
    masters = [snapshot.node(step.node).is_master for step in plan.steps if isinstance(step, SetOn)]
    assert masters == sorted(masters)
    assert plan.cost.loss_bytes == 3 * GB // 2, "of three masters"
    unsettled = seen(cluster(3, 1).says(4, 1, flags="fail?").snapshot())
    assert "does not reach the master" in refused(unsettled, maxmemory="4gb")


def test_elasticache_says_where_its_settings_are() -> None:
    group = GroupView(name="search-group", status="available", region="eu-west-1")
    snapshot = replace(healthy(sentinels=0), kind=Kind.ELASTICACHE, group=group, target="search")
    said = refused(snapshot, maxmemory_policy="allkeys-lru")
    assert "ElastiCache has no CONFIG: settings of search-group stand in its parameter group" in said
    assert "(maxmemory-policy)" in said
    assert "type of its nodes" in refused(snapshot, maxmemory="4gb")
    assert "has no CONFIG" in refused(snapshot)


def test_without_a_setting_it_says_what_there_is_and_what_it_is_now() -> None:
    with pytest.raises(UsageError) as caught:
        tune.plan(seen(), {})
    assert "tune orders maxmemory=4gb" in str(caught.value)
    assert "Now its nodes have maxmemory 0 (no limit), maxmemory-policy noeviction, repl-backlog-size 1mb" in str(
        caught.value
    )
    with pytest.raises(UsageError, match="There are maxmemory, maxmemory-policy"):
        tune.plan(healthy(), {})
