"""Who sees whom: what each vantage point says, what contradicts, and "we cannot" told from "nobody can"."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis.voice import Reach
from actions.kit.elasticache.views import GroupView, MemberView, NodeGroupView
from actions.kit.sights import Point
from actions.kit.snapshot import Reason, Role, Snapshot
from actions.kit.topology import Kind
from actions.kit.vantage import AGREED, NOBODY, ROLES, SOME, Row, matrix
from tests.actions.kit.diagnosis.test_rules import dead_master
from tests.builders import (
    healthy,
    node_at,
    sentinel_at,
    with_link,
    with_node,
    with_opinion,
    with_sentinel,
    without_node,
    without_sentinel,
)
from tests.clusters import address, cluster
from tests.kubernetes_views import chart_of_replication, on_kubernetes


def row(snapshot: Snapshot, place: object) -> Row:
    (found,) = [one for one in matrix(snapshot).rows if one.address == place]
    return found


def test_where_all_is_well_everybody_has_a_row_and_nothing_contradicts():
    seen = matrix(healthy())

    assert [one.address for one in seen.rows] == [*map(node_at, (1, 2, 3)), *map(sentinel_at, (1, 2, 3))]
    assert seen.points == (Point.US, Point.NODES, Point.SENTINELS)
    assert seen.worst_first == ()
    master, sentinel = seen.rows[0], seen.rows[3]
    assert [(one.by, one.role) for one in master.of(Point.SENTINELS)] == [
        ((sentinel_at(number),), Role.MASTER) for number in (1, 2, 3)
    ]
    assert [one.words for one in master.of(Point.NODES)] == ["link up, last heard 0 s ago"] * 2
    assert [one.by for one in sentinel.of(Point.SENTINELS)] == [(sentinel_at(2),), (sentinel_at(3),)]


def test_what_we_cannot_reach_is_told_from_what_nobody_can():
    ours = row(without_node(healthy(), 2, Reason.REFUSED), node_at(2))
    lost = row(dead_master(3), node_at(1))
    alone = row(without_node(healthy(replicas=0, sentinels=0), 1), node_at(1))
    peer = row(without_sentinel(healthy(), 2), sentinel_at(2))

    assert (ours.weight, ours.note) == (SOME, f"we cannot reach it, but {node_at(1)} and 3 Sentinels can")
    assert (lost.weight, lost.note) == (NOBODY, "nobody reaches it")
    assert (alone.weight, alone.note) == (NOBODY, "we cannot reach it, and nobody else says whether they do")
    assert peer.note == f"we cannot reach it, but Sentinel {sentinel_at(1)} and Sentinel {sentinel_at(3)} can"


@pytest.mark.parametrize("reason", [Reason.NOAUTH, Reason.TLS, Reason.LOADING, Reason.BUSY, Reason.GARBAGE])
def test_who_answers_whatever_it_is_not_out_of_reach(reason):
    assert row(without_node(healthy(), 2, reason), node_at(2)).weight == AGREED


def test_one_that_others_do_not_reach_names_them():
    flagged = with_opinion(healthy(), 2, flags=frozenset({"master", "s_down"}))
    tilted = with_sentinel(flagged, 2, tilt=True)
    silent = with_link(healthy(), 3, last_io_s=40)

    assert row(flagged, node_at(1)).note.endswith(f"not by Sentinel {sentinel_at(2)}")
    assert row(tilted, node_at(1)).weight == AGREED, "who is in TILT cannot tell"
    assert row(silent, node_at(1)).note.endswith(f"not by {node_at(3)}")


def test_a_role_that_is_seen_in_two_ways_stands_first():
    two = with_node(healthy(), 2, role=Role.MASTER, link=None)
    astray = with_opinion(without_node(two, 3), 1, address=node_at(2), replicas=())
    seen = matrix(astray).worst_first

    assert [one.weight for one in seen] == [ROLES, ROLES, SOME]
    assert seen[1].note == (
        f"master for itself and Sentinel {sentinel_at(1)}; replica for {node_at(1)}, Sentinel {sentinel_at(2)} and "
        f"Sentinel {sentinel_at(3)}; {node_at(1)} is a master too"
    )


def test_kubernetes_and_the_application_are_asked_too():
    view = chart_of_replication()
    unready = replace(view, pods=tuple(replace(pod, ready=pod.ip != node_at(2).host) for pod in view.pods))
    snapshot = on_kubernetes(healthy(sentinels=0), unready)
    astray = with_node(with_node(snapshot, 2, role=Role.MASTER, link=None), 1, role=Role.REPLICA)

    assert row(snapshot, node_at(2)).note == f"reached by us and {node_at(1)}, not by Kubernetes"
    (writes,) = row(snapshot, node_at(1)).of(Point.APPLICATION)
    assert (writes.words, writes.role, writes.reach) == (
        *("Service redis-master sends writes here", Role.MASTER),
        Reach.UNSAID,
    )
    assert "master for Service redis-master; replica for itself" in row(astray, node_at(1)).note


def test_aws_is_asked_too():
    members = tuple(
        MemberView(f"m-{number}", "0001", number == 2, "", "available", node_at(number)) for number in (1, 2)
    )
    group = GroupView("eu-west-1", "g", status="available", node_groups=(NodeGroupView("0001", members=members),))
    snapshot = replace(healthy(1, 0), kind=Kind.ELASTICACHE, group=group)

    assert row(snapshot, node_at(1)).note == "master for itself; replica for AWS"


def test_a_cluster_is_told_by_its_bus_and_nobody_is_a_rival():
    given = cluster(3, 1)
    lost = row(given.failed(1).snapshot(), address(1))
    ours = row(given.without(2).snapshot(), address(2))
    flagged = row(given.says(4, 2, flags="fail?").snapshot(), address(2))

    assert matrix(given.snapshot()).worst_first == ()
    assert row(given.snapshot(), address(1)).of(Point.NODES)[-1].by == tuple(map(address, range(2, 7)))
    assert lost.note == "nobody reaches it"
    assert ours.note == "we cannot reach it, but 5 nodes can"
    assert flagged.note.endswith(f"not by {address(4)}")


def test_another_address_of_the_same_node_is_the_same_row():
    snapshot = healthy(1, 0)
    alias = replace(snapshot.nodes[0], also=(node_at(9),))
    snapshot = with_link(replace(snapshot, nodes=(alias, snapshot.nodes[1])), 2, master=node_at(9))

    assert [one.address for one in matrix(snapshot).rows] == [node_at(1), node_at(2)]
    assert row(snapshot, node_at(1)).of(Point.NODES)
