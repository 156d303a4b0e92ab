"""Each rule about clusters, made true and made untrue by hand-made answers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.cluster.view import Heard
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, FindingId, Severity
from actions.kit.snapshot import NodeConfig, NodeView, Reason, Unasked
from actions.kit.topology import Kind
from tests.clusters import Cluster, Row, address, cluster, node_id

CERTAIN, LIKELY, UNDETERMINED = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED


def ids(given: Cluster) -> set[str]:
    return {one.id.value for one in diagnose(given.snapshot()).findings}


def finding(given: Cluster, wanted: FindingId, containing: str = ""):
    found = [one for one in diagnose(given.snapshot()).findings if one.id is wanted and containing in one.summary]
    assert found, ids(given)
    return found[0]


@pytest.mark.parametrize("shape", [(3, 1), (50, 2)])
def test_a_cluster_in_which_all_agree_is_healthy(shape):
    seen = diagnose(cluster(*shape).snapshot())
    assert (seen.verdict.id, seen.verdict.confidence, seen.master) == (FindingId.HEALTHY, CERTAIN, None)
    assert f"{shape[0]} masters serve all 16,384 slots" in seen.verdict.summary


def test_slots_of_a_master_that_nobody_reaches_are_uncovered_and_its_replica_is_about_to_take_over():
    dead = cluster(3, 1).failed(2)
    one = finding(dead, FindingId.CLUSTER_SLOTS_UNCOVERED)
    assert (one.severity, one.confidence, one.nodes) == (Severity.CRITICAL, CERTAIN, (address(2),))
    assert "5,461 of 16,384 slots (5461-10921)" in one.summary
    down = finding(dead, FindingId.MASTER_DOWN)
    assert down.confidence is CERTAIN
    assert "of slots 5461-10921 is down" in down.summary
    assert "2 of 2 other masters do not reach it" in down.summary
    moving = finding(dead, FindingId.FAILOVER_IN_PROGRESS)
    assert (moving.confidence, moving.nodes) == (LIKELY, (address(5),))
    assert not [line for line in (*one.suggests, *down.suggests) if line.startswith("promote")]


def test_an_epoch_that_grows_between_two_looks_is_a_vote_that_has_begun():
    dead = cluster(3, 1).failed(2)
    later = dead.row(3, epoch=8).snapshot()
    seen = diagnose(later, dead.snapshot())
    (moving,) = [one for one in seen.findings if one.id is FindingId.FAILOVER_IN_PROGRESS]
    assert moving.confidence is CERTAIN


@pytest.mark.parametrize("hindrance", [{"flags": "nofailover"}, None])
def test_where_nobody_may_take_over_no_failover_is_expected(hindrance):
    dead = cluster(3, 1).failed(2)
    if hindrance:
        dead = dead.row(5, **hindrance)
        assert "failover-in-progress" not in ids(dead)
        assert f"promote carts --to {address(5)}" in finding(dead, FindingId.MASTER_DOWN).suggests
        return

    def long_ago(view: NodeView) -> NodeView:
        link = view.info.link if view.info else None
        return replace(view, info=replace(view.info, link=replace(link, down_since_s=600))) if link else view

    assert not diagnose(dead.snapshot(long_ago)).has(FindingId.FAILOVER_IN_PROGRESS)


def test_a_master_that_only_we_do_not_reach_covers_its_slots():
    cut = cluster(3, 1).without(2, reason=Reason.CLOSED)
    assert "cluster-slots-uncovered" not in ids(cut)
    one = finding(cut, FindingId.MASTER_UNREACHABLE)
    assert (one.severity, one.confidence) == (Severity.WARNING, CERTAIN)
    assert "others can" in one.summary


def test_a_master_that_answers_us_and_not_the_others_is_about_to_be_failed_over():
    cut = cluster(3, 1).row(2, flags="fail?", link="disconnected")
    one = finding(cut, FindingId.MASTER_UNREACHABLE)
    assert (one.severity, one.confidence) == (Severity.CRITICAL, CERTAIN)
    assert "most other masters do not reach it" in one.summary


def test_a_suspicion_of_one_is_not_the_word_of_the_majority():
    doubted = cluster(5, 1).says(1, 2, flags="fail?")
    assert "master-unreachable" not in ids(doubted)


@pytest.mark.parametrize(
    ("sick", "nodes", "words", "sure"),
    [
        (
            cluster(3, 1).says(1, 2, flags="fail?").says(2, 1, flags="fail?"),
            (address(2),),
            f"1 node flags {address(2)} fail?, though it answers us",
            LIKELY,
        ),
        (
            cluster(3, 1).row(4, flags="fail"),
            (address(4),),
            f"5 nodes flag {address(4)} fail, though it answers us",
            CERTAIN,
        ),
        (
            cluster(3, 1).says(1, 4, flags="fail").says(1, 5, flags="fail"),
            (address(4), address(5)),
            f"1 node flags {address(4)}, {address(5)} fail, though they answer us",
            CERTAIN,
        ),
    ],
)
def test_a_node_that_answers_us_and_that_others_flag_takes_the_health(sick, nodes, words, sure):
    one = finding(sick, FindingId.CLUSTER_DISAGREEMENT, words)
    assert (one.severity, one.confidence, one.nodes) == (Severity.WARNING, sure, nodes)
    assert "healthy" not in ids(sick)


def test_what_is_told_already_and_a_link_that_is_down_for_a_moment_are_no_flags():
    cut = cluster(3, 1).row(2, flags="fail?", link="disconnected")
    assert ids(cut) >= {"master-unreachable"}
    assert "cluster-disagreement" not in ids(cut)
    assert ids(cluster(3, 1).says(1, 4, link="disconnected")) == {"healthy"}
    assert "cluster-disagreement" not in ids(cluster(3, 1).failed(4)), "it does not answer us either"


def test_slots_that_no_table_gives_to_anybody_are_uncovered():
    one = finding(cluster(3, 1).row(2, slots="5461-8000"), FindingId.CLUSTER_SLOTS_UNCOVERED)
    assert (one.confidence, "2,921 of 16,384" in one.summary, "assigned to no node" in one.summary) == (
        CERTAIN,
        True,
        True,
    )


def test_half_of_the_masters_lost_is_no_majority():
    dead = cluster(4, 1).failed(1, 2)
    one = finding(dead, FindingId.CLUSTER_MAJORITY_LOST)
    assert (one.severity, one.confidence, one.nodes) == (Severity.CRITICAL, CERTAIN, (address(1), address(2)))
    assert "failover-in-progress" not in ids(dead)
    takeovers = [f"takeover carts --to {address(5)}", f"takeover carts --to {address(6)}"]
    assert [*finding(dead, FindingId.CLUSTER_SLOTS_UNCOVERED).suggests][:2] == takeovers
    assert "cluster-majority-lost" not in ids(cluster(5, 1).failed(1, 2))


def test_nodes_that_refuse_commands_say_why():
    said = finding(cluster(3, 1).failed(2), FindingId.WRITES_REFUSED)
    assert (said.severity, "slots have nobody who serves them" in said.summary) == (Severity.CRITICAL, True)
    alone = finding(cluster(3, 1).failed(1, 2), FindingId.WRITES_REFUSED)
    assert "do not reach a majority of the masters" in alone.summary
    back = replace(cluster(3, 1), states={1: "fail"})
    assert "have just come back" in finding(back, FindingId.WRITES_REFUSED).summary
    replica = replace(cluster(3, 1), states={4: "fail"})
    assert finding(replica, FindingId.WRITES_REFUSED).severity is Severity.WARNING


def test_masters_without_anybody_to_take_over():
    one = finding(cluster(3, 1).failed(4), FindingId.CLUSTER_MASTER_WITHOUT_REPLICA)
    assert (one.severity, one.confidence, one.nodes) == (Severity.WARNING, CERTAIN, (address(1),))
    assert "replica-down" in ids(cluster(3, 1).failed(4))
    bare = finding(cluster(3, 0), FindingId.CLUSTER_MASTER_WITHOUT_REPLICA)
    assert "3 masters have no replica" in bare.summary
    only_us = cluster(3, 1).without(4, reason=Reason.CLOSED)
    assert "cluster-master-without-replica" not in ids(only_us)
    assert finding(only_us, FindingId.REPLICA_DOWN).confidence is UNDETERMINED


def test_one_host_for_all_nodes_of_a_shard_is_information():
    moved = cluster(3, 1).row(4, place="10.0.0.1:6380@16380")

    def there(view: NodeView) -> NodeView:
        return replace(view, address=address(1)._replace(port=6380)) if view.address == address(4) else view

    one = next(
        one for one in diagnose(moved.snapshot(there)).findings if one.id is FindingId.CLUSTER_MASTER_WITHOUT_REPLICA
    )
    assert (one.severity, "1 shard with all nodes on one host" in one.summary) == (Severity.INFO, True)


def test_open_slots_of_both_ends_and_of_one():
    both = cluster(3, 1).row(1, opened=f"[5->-{node_id(2)}] [6->-{node_id(2)}]")
    both = both.row(2, opened=f"[5-<-{node_id(1)}] [6-<-{node_id(1)}]")
    one = finding(both, FindingId.CLUSTER_OPEN_SLOTS)
    assert (one.severity, one.nodes) == (Severity.WARNING, (address(1), address(2)))
    assert f"2 slots are open: 5-6 from {address(1)} to {address(2)}. If nobody moves them now" in one.summary
    left = finding(cluster(3, 1).row(2, opened=f"[5-<-{node_id(1)}]"), FindingId.CLUSTER_OPEN_SLOTS)
    assert "One end does not know of it" in left.summary
    gone = finding(cluster(3, 1).row(2, opened=f"[5-<-{'e' * 40}]"), FindingId.CLUSTER_OPEN_SLOTS)
    assert "the unknown node eeeeeeee" in gone.summary


def test_two_nodes_that_take_themselves_for_the_owner():
    healthy = cluster(3, 1)
    split = healthy.says(4, 4, master=0, epoch=7, slots="0-5460").says(4, 1, master=4, epoch=7, slots="")
    one = finding(split, FindingId.CLUSTER_DISAGREEMENT, "Both")
    assert (one.severity, one.confidence, one.nodes) == (Severity.CRITICAL, CERTAIN, (address(4), address(1)))
    stale = finding(split, FindingId.CLUSTER_DISAGREEMENT, "still send clients")
    assert (stale.severity, stale.nodes) == (Severity.WARNING, tuple(map(address, (2, 3, 5, 6))))
    assert "healthy" not in ids(split)


def test_an_owner_that_does_not_take_itself_for_one():
    one = finding(cluster(3, 1).says(1, 1, slots="0-5000"), FindingId.CLUSTER_DISAGREEMENT)
    assert (one.severity, one.nodes, "for slots 0-5460" in one.summary) == (Severity.CRITICAL, (address(1),), True)


def test_nodes_that_do_not_know_each_other():
    healthy = cluster(3, 1)
    forgotten = healthy.tells(2, tuple(row for row in healthy.rows if row.number != 4))
    one = finding(forgotten, FindingId.CLUSTER_DISAGREEMENT)
    assert f"{address(2)} does not know {address(4)}" in one.summary


def test_two_owners_at_one_config_epoch():
    one = finding(cluster(3, 0).row(3, epoch=2), FindingId.CLUSTER_DISAGREEMENT)
    assert (one.severity, "2 masters are at one config-epoch, 2" in one.summary) == (Severity.WARNING, True)


def test_nodes_of_no_cluster_and_of_another_one():
    def off(view: NodeView) -> NodeView:
        return replace(view, cluster=None, info=replace(view.info, cluster_enabled=False))

    healthy = cluster(3, 1)
    listed = healthy.snapshot()
    plain = replace(off(listed.nodes[0]), address=address(90))
    seen = diagnose(replace(listed, nodes=(*listed.nodes, plain)))
    assert [one.nodes for one in seen.findings if "cluster mode off" in one.summary] == [(address(90),)]
    lone = cluster(1, 0).tells(1, (Row(1, 0, 0, id="f" * 40),)).snapshot().nodes[0]
    seen = diagnose(replace(listed, nodes=(*listed.nodes, replace(lone, address=address(91)))))
    assert [one.nodes for one in seen.findings if "knows no other node" in one.summary] == [(address(91),)]
    assert not seen.has(FindingId.HEALTHY)
    nobody = diagnose(replace(listed, nodes=tuple(map(off, listed.nodes))))
    assert nobody.has(FindingId.UNDETERMINED)


def test_a_handshake_is_information_and_takes_no_health():
    healthy = cluster(3, 1)
    meeting = healthy.tells(1, (*healthy.rows, Row(9, 0, 0, flags="handshake")))
    seen = diagnose(meeting.snapshot())
    assert [one.id for one in seen.findings] == [FindingId.HEALTHY, FindingId.CLUSTER_DISAGREEMENT]
    assert "waits to shake hands" in seen.findings[1].summary


def test_a_node_without_an_address_is_shown():
    lost = cluster(3, 1).row(4, flags="fail,noaddr", link="disconnected", place=":0@0").failed(4)
    said = diagnose(lost.row(4, flags="fail,noaddr", place=":0@0").snapshot())
    assert any("Nobody knows the address" in one.summary for one in said.findings)


def test_silence_is_never_health():
    healthy = cluster(3, 1)
    assert diagnose(healthy.without(5).snapshot()).verdict.id is FindingId.REPLICA_DOWN
    silent = diagnose(healthy.without(*range(1, 7)).snapshot())
    assert (silent.verdict.id, silent.verdict.confidence) == (FindingId.UNDETERMINED, UNDETERMINED)
    shut = diagnose(healthy.without(1, 2, reason=Reason.NOAUTH).snapshot())
    assert shut.has(FindingId.AUTH_FAILED)
    assert shut.verdict.id is FindingId.UNDETERMINED
    assert "the word of 2 of 3 masters would decide it" in shut.verdict.summary


def test_a_node_that_does_not_tell_of_the_cluster_takes_its_health():
    def mute(view: NodeView) -> NodeView:
        gap = Unasked(f"node {view.address} CLUSTER", Reason.NOPERM, "this user may not run it")
        return replace(view, cluster=None, gaps=(gap,)) if view.address == address(6) else view

    seen = diagnose(cluster(3, 1).snapshot(mute))
    assert seen.verdict.id is FindingId.UNDETERMINED
    assert "1 node that did not answer would decide it" in seen.verdict.summary
    assert seen.has(FindingId.AUTH_FAILED)


def test_a_minority_that_we_alone_reach_tells_of_itself_only():
    """A node that refuses commands is no explanation of others that are silent to us."""
    apart = replace(cluster(3, 0), states={1: "fail"}).says(1, 2, flags="fail?").says(1, 3, flags="fail?")
    seen = diagnose(apart.without(2, 3).snapshot())
    assert seen.has(FindingId.WRITES_REFUSED)
    assert seen.has(FindingId.UNDETERMINED)
    assert not seen.has(FindingId.CLUSTER_SLOTS_UNCOVERED)
    assert not diagnose(cluster(3, 1).failed(1, 2).snapshot()).has(FindingId.UNDETERMINED)


def test_replicas_are_judged_by_the_master_of_their_shard():
    def behind(view: NodeView) -> NodeView:
        return replace(view, info=replace(view.info, offset=1)) if view.address == address(5) else view

    limited = replace(cluster(3, 1).snapshot(behind), limits=replace(cluster().snapshot().limits, max_lag_bytes=100))
    seen = diagnose(limited)
    assert [one.nodes for one in seen.findings if one.id is FindingId.REPLICA_LAGGING] == [(address(5),)]
    assert [one.nodes for one in seen.findings if one.id is FindingId.NO_ELIGIBLE_REPLICA] == [(address(5),)]

    def torn(view: NodeView) -> NodeView:
        if view.address != address(5):
            return view
        return replace(view, info=replace(view.info, link=replace(view.info.link, up=False, last_io_s=None)))

    broken = diagnose(cluster(3, 1).snapshot(torn))
    assert [one.nodes for one in broken.findings if one.id is FindingId.REPLICATION_BROKEN] == [(address(5),)]


def test_a_failing_disk_of_a_master_suggests_the_replica_of_its_shard():
    def failing(view: NodeView) -> NodeView:
        return replace(view, info=replace(view.info, last_bgsave_ok=False)) if view.address == address(3) else view

    seen = diagnose(cluster(3, 1).snapshot(failing))
    assert seen.verdict.suggests == (f"failover carts --to {address(6)}", "verify carts", "diagnose carts")


def test_how_far_a_lost_master_had_come_is_told_by_who_heard_of_it():
    def heard(view: NodeView) -> NodeView:
        told = (Heard(node_id(2), 12_000),) if view.address == address(5) else (Heard(node_id(2), 11_000),)
        return replace(view, cluster=replace(view.cluster, heard=told)) if view.cluster else view

    seen = diagnose(cluster(3, 1).failed(2).snapshot(heard))
    (one,) = [one for one in seen.findings if one.id is FindingId.CLUSTER_SLOTS_UNCOVERED]
    assert "which last told the others offset 12,000; replicas 10.0.0.5:6379 answer" in one.evidence[0].observation


def test_what_a_node_says_of_itself_is_judged_in_a_cluster_too():
    def full(view: NodeView) -> NodeView:
        memory = {"used_memory": 100, "max_memory": 100, "max_memory_policy": "noeviction"}
        clients = {"connected_clients": 95, "max_clients": 100}
        return replace(view, info=replace(view.info, **memory, **clients)) if view.address == address(2) else view

    seen = diagnose(cluster(3, 1).snapshot(full))
    assert [one.nodes for one in seen.findings if one.id is FindingId.OUT_OF_MEMORY] == [(address(2),)]
    assert [one.nodes for one in seen.findings if one.id is FindingId.CLIENTS_NEAR_LIMIT] == [(address(2),)]
    loading = finding(cluster(3, 1).without(2, reason=Reason.LOADING), FindingId.LOADING)
    assert (loading.severity, loading.nodes) == (Severity.CRITICAL, (address(2),))
    busy = finding(cluster(3, 1).without(5, reason=Reason.BUSY), FindingId.BUSY_SCRIPT)
    assert (busy.severity, busy.nodes) == (Severity.WARNING, (address(5),))


def test_many_masters_are_no_split_brain_and_one_answering_master_is_not_the_only_one():
    assert "split-brain" not in ids(cluster(3, 1))
    one_left = cluster(3, 0).without(2, 3)
    assert diagnose(one_left.snapshot()).master is None


@given(st.data())
def test_whatever_a_cluster_tells_there_is_a_verdict_and_health_only_where_all_answer(data):
    given_cluster = cluster(3, 1)
    for _ in range(data.draw(st.integers(1, 3))):
        teller, about = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
        change = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "epoch": st.integers(0, 9),
                    "slots": st.sampled_from(["", "0-5460", "7", "0-16383"]),
                    "flags": st.sampled_from(["", "fail", "fail?", "handshake", "noaddr"]),
                    "link": st.sampled_from(["connected", "disconnected"]),
                    "master": st.integers(0, 6),
                },
            )
        )
        given_cluster = given_cluster.says(teller, about, **change)
    silent = data.draw(st.sets(st.integers(1, 6)))
    seen = diagnose(given_cluster.without(*silent).snapshot())
    assert seen.findings
    assert not (seen.has(FindingId.HEALTHY) and silent)


def test_a_cluster_by_another_name_is_no_split_brain():
    verdict = diagnose(replace(cluster(3, 1).snapshot(), kind=Kind.REPLICATION)).verdict

    assert verdict.id is FindingId.UNDETERMINED
    assert "calls it kind: replication; put kind: cluster" in verdict.summary


def test_a_replica_that_never_asks_for_votes_could_not_take_over_and_a_priority_counts_for_nothing():
    held = diagnose(cluster(3, 1).row(4, flags="nofailover").snapshot())
    last = cluster(3, 1).snapshot(lambda view: replace(view, config=NodeConfig(0, 10, 0)))

    assert (held.verdict.id, held.verdict.confidence) == (FindingId.NO_ELIGIBLE_REPLICA, Confidence.CERTAIN)
    assert "cluster-replica-no-failover" in held.verdict.evidence[0].observation
    assert diagnose(last).verdict.id is FindingId.HEALTHY


def test_two_of_three_shards_that_are_gone_are_a_lost_majority_and_not_only_silent():
    """One master is left, and cannot be a majority: that nothing listens at the others is what tells."""
    left = cluster(3, 1).failed(1, 2, 4, 5)
    for number in (1, 2, 4, 5):
        left = left.row(number, flags="fail?")
    gone = diagnose(left.without(1, 2, 4, 5, reason=Reason.REFUSED).snapshot())
    silent = diagnose(left.without(1, 2, 4, 5).snapshot())

    assert (gone.verdict.id, gone.verdict.confidence) == (FindingId.CLUSTER_MAJORITY_LOST, Confidence.LIKELY)
    assert gone.has(FindingId.MASTER_DOWN)
    assert silent.has(FindingId.UNDETERMINED)
    assert not silent.has(FindingId.CLUSTER_MAJORITY_LOST)


def test_plain_servers_that_are_called_a_cluster():
    def plain(view: NodeView) -> NodeView:
        return replace(view, cluster=None, info=view.info and replace(view.info, cluster_enabled=False))

    assert "put another kind" in diagnose(cluster(3, 0).snapshot(plain)).verdict.summary
