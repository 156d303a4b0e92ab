"""Each finding made true on a hand-made snapshot, and made untrue by what contradicts it."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.findings import Confidence, FindingId, Severity
from actions.kit.snapshot import NodeConfig, NodeView, Reason, Role, Snapshot, Unasked
from actions.kit.topology import Kind, Limits
from tests.builders import (
    OFFSET,
    REPLID,
    healthy,
    node_at,
    sentinel_at,
    with_link,
    with_node,
    with_opinion,
    with_sentinel,
    with_view,
    without_node,
    without_sentinel,
)

CERTAIN, LIKELY, UNDETERMINED = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED
DOWN = frozenset({"master", "s_down", "o_down"})


def said(snapshot: Snapshot) -> tuple[str, str]:
    verdict = diagnose(snapshot).verdict
    return verdict.id, verdict.confidence


def found(snapshot: Snapshot, finding: FindingId) -> tuple:
    return tuple(one for one in diagnose(snapshot).findings if one.id is finding)


def all_opinions(snapshot: Snapshot, **master: object) -> Snapshot:
    for number in range(1, len(snapshot.sentinels) + 1):
        snapshot = with_opinion(snapshot, number, **master)
    return snapshot


def lost_links(snapshot: Snapshot) -> Snapshot:
    for number in range(2, len(snapshot.nodes) + 1):
        snapshot = with_link(snapshot, number, up=False, down_since_s=3)
    return snapshot


def dead_master(sentinels: int = 3, reason: Reason = Reason.REFUSED) -> Snapshot:
    return without_node(all_opinions(lost_links(healthy(sentinels=sentinels)), flags=DOWN), 1, reason)


def split() -> Snapshot:
    """Node 2 was promoted at byte 8,001; node 1 came back as a master with bytes of its own; the Sentinels name 2."""
    snapshot = with_node(
        healthy(), 2, role=Role.MASTER, link=None, replid="b" * 40, replid2=REPLID, second_repl_offset=8_001
    )
    snapshot = with_node(with_link(snapshot, 3, master=node_at(2)), 3, replid="b" * 40)
    return all_opinions(with_node(snapshot, 1, replicas=()), address=node_at(2), config_epoch=1, replicas=())


@pytest.mark.parametrize("sentinels", [0, 3, 5])
def test_healthy(sentinels):
    diagnosis = diagnose(healthy(sentinels=sentinels))

    assert (diagnosis.verdict.id, diagnosis.verdict.confidence) == (FindingId.HEALTHY, CERTAIN)
    assert diagnosis.master == node_at(1)
    assert len(diagnosis.findings) == 1


def test_health_is_only_likely_where_a_quorum_could_not_be_asked():
    assert said(with_sentinel(healthy(), 1, quorum_ok=None)) == (FindingId.HEALTHY, LIKELY)


@pytest.mark.parametrize("sentinels", [0, 3])
def test_master_down(sentinels):
    assert said(dead_master(sentinels)) == (FindingId.MASTER_DOWN, CERTAIN)


def test_a_hung_master_whose_links_are_open_but_silent_is_down():
    snapshot = without_node(all_opinions(healthy(), flags=DOWN), 1)
    silent = with_link(with_link(snapshot, 2, last_io_s=40), 3, last_io_s=40)
    lately = with_link(with_link(snapshot, 2, last_io_s=5), 3, last_io_s=5)

    assert said(silent) == (FindingId.MASTER_DOWN, CERTAIN)
    assert said(lately) == (FindingId.MASTER_DOWN, LIKELY)


def test_master_down_is_likely_while_a_sentinel_is_silent_and_undetermined_while_one_reaches_it():
    assert said(without_sentinel(dead_master(), 1)) == (FindingId.MASTER_DOWN, LIKELY)
    contradicted = with_opinion(dead_master(), 1, flags=frozenset({"master"}))
    assert said(contradicted) == (FindingId.MASTER_DOWN, UNDETERMINED)


def test_master_unreachable_for_us_only():
    assert said(without_node(healthy(), 1, Reason.CLOSED)) == (FindingId.MASTER_UNREACHABLE, CERTAIN)
    assert said(without_node(healthy(), 1, Reason.TIMED_OUT)) == (FindingId.MASTER_UNREACHABLE, LIKELY)
    assert said(without_node(healthy(), 1, Reason.REFUSED)) == (FindingId.MASTER_UNREACHABLE, LIKELY)


def test_others_are_not_said_to_reach_a_master_that_may_have_begun_to_hang_just_now():
    assert "others can" in diagnose(without_node(healthy(), 1, Reason.CLOSED)).verdict.summary
    for reason in (Reason.TIMED_OUT, Reason.REFUSED):
        verdict = diagnose(without_node(healthy(), 1, reason)).verdict.summary
        assert "others can" not in verdict
        assert "Look again" in verdict


def test_who_answers_what_is_not_understood_is_not_down_for_certain():
    for reason, confidence in ((Reason.REFUSED, CERTAIN), (Reason.REFUSED_COMMAND, LIKELY)):
        snapshot = without_node(healthy(sentinels=0), 1, reason)
        for number in (2, 3):
            snapshot = with_link(snapshot, number, up=False)
        assert said(snapshot) == (FindingId.MASTER_DOWN, confidence)


@pytest.mark.parametrize(
    ("flags", "known_ms", "sure"),
    [
        ({"disconnected"}, 1_500, LIKELY),
        ({"disconnected"}, 1_501, CERTAIN),
        ({"disconnected", "s_down"}, 100, CERTAIN),
        ({"disconnected"}, None, LIKELY),
    ],
)
def test_connections_that_are_yet_to_be_made_make_nobody_sure(flags, known_ms, sure):
    """After a failover each Sentinel is about to connect to whom it has just promoted, and to the others."""
    of_master = {"flags": frozenset({"master", *flags}), "known_ms": known_ms}
    of_replica = {"flags": frozenset({"slave", *flags}), "known_ms": known_ms}
    replicas = tuple(replace(one, **of_replica) for one in healthy().sentinels[0].master.replicas)

    assert said(all_opinions(healthy(), **of_master)) == (FindingId.MASTER_UNREACHABLE, sure)
    assert said(with_opinion(healthy(), 1, **of_master)) == (FindingId.SENTINEL_DISAGREEMENT, sure)
    assert said(with_opinion(healthy(), 1, replicas=replicas)) == (FindingId.SENTINEL_DISAGREEMENT, sure)


def test_who_answers_garbage_is_not_said_to_be_silent():
    node = diagnose(without_node(healthy(), 2, Reason.GARBAGE)).verdict
    sentinel = diagnose(without_sentinel(healthy(), 2, Reason.GARBAGE)).verdict

    assert (node.id, sentinel.id) == (FindingId.REPLICA_DOWN, FindingId.SENTINEL_DOWN)
    assert f"{node_at(2)} answers, but not as a replica does" in node.summary
    assert "answers, but not as a Sentinel does" in sentinel.summary


def test_a_replica_that_others_reach_is_not_called_down():
    def verdict(snapshot: Snapshot, reason: Reason) -> str:
        one = diagnose(without_node(snapshot, 2, reason)).verdict
        assert (one.id, one.confidence) == (FindingId.REPLICA_DOWN, UNDETERMINED)
        return one.summary

    chained = with_link(healthy(sentinels=0), 3, master=node_at(2))
    assert "is reached by its master and 3 Sentinels: look at the way from here" in verdict(healthy(), Reason.REFUSED)
    assert "is reached by its master: look" in verdict(healthy(sentinels=0), Reason.CLOSED)
    assert "is reached by its master and its own replica: look" in verdict(chained, Reason.REFUSED)
    assert "hangs since a moment ago" in verdict(healthy(), Reason.TIMED_OUT)
    only = without_node(healthy(replicas=1), 2, Reason.REFUSED)
    assert not found(only, FindingId.NO_ELIGIBLE_REPLICA), "its master has it, so it could take over"


def test_a_sentinel_that_others_reach_is_not_called_down():
    summary = diagnose(without_sentinel(healthy(), 2, Reason.REFUSED)).verdict.summary
    assert "is reached by 2 other Sentinels: look at the way from here" in summary


def test_master_unreachable_for_the_sentinels():
    verdict = diagnose(all_opinions(healthy(), flags=DOWN)).verdict

    assert (verdict.id, verdict.severity) == (FindingId.MASTER_UNREACHABLE, Severity.CRITICAL)
    assert "Sentinels do not reach it" in verdict.summary


def test_failover_in_progress_by_sentinel_or_by_command():
    flagged = with_opinion(healthy(), 1, flags=frozenset({"master", "failover_in_progress"}))
    commanded = with_node(healthy(sentinels=0), 1, failover_state="waiting-for-sync")

    assert said(flagged) == said(commanded) == (FindingId.FAILOVER_IN_PROGRESS, CERTAIN)


def test_who_is_promoted_is_no_split_brain_until_the_sentinels_know_of_it():
    """The Sentinels still name the old one: to call it the true master would have the right one stopped."""
    moving = frozenset({"master", "failover_in_progress"})
    undecided = with_opinion(with_node(healthy(), 2, role=Role.MASTER, link=None), 1, flags=moving)
    decided = with_opinion(with_opinion(split(), 1, flags=moving), 2, config_epoch=9)
    verdict = diagnose(undecided).verdict

    assert verdict.id is FindingId.FAILOVER_IN_PROGRESS
    assert f"{node_at(1)} and {node_at(2)} each say that they are master" in verdict.summary
    assert not found(undecided, FindingId.SPLIT_BRAIN)
    assert not found(without_node(undecided, 1), FindingId.SPLIT_BRAIN), "the old one hangs"
    assert found(decided, FindingId.SPLIT_BRAIN), "the old one now takes writes that are lost"


def test_split_brain_with_its_lineage():
    verdict = diagnose(split()).verdict
    text = " ".join(one.observation for one in verdict.evidence)

    assert (verdict.id, verdict.confidence) == (FindingId.SPLIT_BRAIN, CERTAIN)
    assert f"{node_at(2)} is the true master" in verdict.summary
    assert f"{node_at(2)} descends from {node_at(1)}; shared before byte 8,001" in text
    assert f"2,000 bytes only on {node_at(1)}" in text


def test_split_brain_is_undetermined_without_a_majority():
    two_against_one = with_opinion(with_opinion(split(), 1, config_epoch=2), 2, address=node_at(1), config_epoch=2)

    assert said(two_against_one) == (FindingId.SPLIT_BRAIN, UNDETERMINED)
    assert said(with_node(healthy(sentinels=0), 2, role=Role.MASTER, link=None)) == (
        FindingId.SPLIT_BRAIN,
        UNDETERMINED,
    )


def test_split_brain_is_undetermined_where_only_the_other_has_clients():
    disputed = with_view(with_view(split(), 1, normal_clients=40), 2, normal_clients=5)
    both = with_view(with_view(split(), 1, normal_clients=40), 2, normal_clients=40)

    assert said(disputed) == (FindingId.SPLIT_BRAIN, UNDETERMINED)
    assert said(both) == (FindingId.SPLIT_BRAIN, CERTAIN)


def test_split_brain_by_writes_between_two_looks():
    before = with_node(with_node(split(), 1, changes_since_save=5), 2, changes_since_save=5)
    stale_written = with_node(before, 1, changes_since_save=9)
    true_written = with_node(before, 2, changes_since_save=9)

    assert diagnose(stale_written, before).verdict.confidence is UNDETERMINED
    assert diagnose(true_written, before).verdict.confidence is CERTAIN


def test_a_returned_master_that_only_sentinels_see():
    snapshot = with_node(split(), 1, role=Role.MASTER)
    entry = replace(
        healthy().sentinels[0].master.replicas[0],
        address=node_at(1),
        role_reported="master",
        link_up=False,
        master=None,
    )
    hidden = without_node(with_opinion(snapshot, 1, replicas=(entry,)), 1)
    outdated = without_node(with_opinion(snapshot, 1, replicas=(replace(entry, info_age_ms=60_000),)), 1)

    assert said(hidden) == (FindingId.SPLIT_BRAIN, LIKELY)
    assert not found(outdated, FindingId.SPLIT_BRAIN)


def test_one_master_known_by_two_addresses_is_no_split():
    snapshot = healthy(sentinels=0)
    alias = replace(snapshot.nodes[0], address=node_at(1)._replace(host="redis-1.example"))

    assert not found(replace(snapshot, nodes=(*snapshot.nodes, alias)), FindingId.SPLIT_BRAIN)


def test_replica_down():
    snapshot = with_node(without_node(healthy(), 3, Reason.REFUSED), 1, replicas=())
    entries = healthy().sentinels[0].master.replicas
    down = (entries[0], replace(entries[1], flags=frozenset({"slave", "s_down"})))

    assert said(all_opinions(snapshot, replicas=down)) == (FindingId.REPLICA_DOWN, CERTAIN)
    assert said(without_sentinel(all_opinions(snapshot, replicas=down), 1)) == (FindingId.REPLICA_DOWN, LIKELY)


@pytest.mark.parametrize("sentinels", [0, 3])
def test_a_replica_that_others_reach_is_undetermined(sentinels):
    assert said(without_node(healthy(sentinels=sentinels), 3)) == (FindingId.REPLICA_DOWN, UNDETERMINED)


def test_whom_a_replica_was_told_to_follow_is_not_called_a_replica_that_is_down():
    stranger, follower = node_at(9), f"node {node_at(3)}"
    snapshot = with_link(healthy(sentinels=0), 3, master=stranger, up=False, down_since_s=2)
    silent = Unasked(f"node {stranger}", Reason.REFUSED, "refused")
    for known_from, down in (((follower,), 0), ((follower, "settings"), 1), ((f"node {node_at(1)}",), 1)):
        view = NodeView(stranger, silent, known_from=known_from)
        seen = replace(snapshot, nodes=(*snapshot.nodes, view))
        assert len(found(seen, FindingId.REPLICA_DOWN)) == down, known_from
        assert found(seen, FindingId.REPLICATION_BROKEN)


def test_replication_broken():
    assert said(with_link(healthy(), 3, up=False, down_since_s=9)) == (FindingId.REPLICATION_BROKEN, CERTAIN)
    elsewhere = with_node(with_link(healthy(), 3, master=sentinel_at(9)), 3, replid="c" * 40)
    assert said(elsewhere) == (FindingId.REPLICATION_BROKEN, CERTAIN)


def test_a_chain_of_replicas_is_in_order():
    assert said(with_link(healthy(), 3, master=node_at(2)))[0] == FindingId.HEALTHY


def test_replica_syncing_by_its_own_word_or_the_masters():
    own = with_link(healthy(), 3, up=False, sync_in_progress=True)
    attached = healthy().nodes[0].info.replicas
    masters = with_node(
        with_link(healthy(), 3, up=False), 1, replicas=(attached[0], replace(attached[1], state="wait_bgsave"))
    )

    assert said(own) == said(masters) == (FindingId.REPLICA_SYNCING, CERTAIN)


def test_replica_lagging_in_bytes_of_one_history_only():
    far = OFFSET + Limits().max_lag_bytes + 1
    lagging = with_node(healthy(), 1, offset=far)

    assert said(with_node(lagging, 2, offset=far)) == (FindingId.REPLICA_LAGGING, CERTAIN)
    assert found(lagging, FindingId.NO_ELIGIBLE_REPLICA)
    assert not found(with_node(lagging, 2, replid="d" * 40), FindingId.REPLICA_LAGGING)[1:]
    assert said(with_node(healthy(), 1, offset=far - 1))[0] == FindingId.HEALTHY


def test_a_replica_that_no_longer_acknowledges_lags():
    attached = healthy().nodes[0].info.replicas
    assert said(with_node(healthy(), 1, replicas=(attached[0], replace(attached[1], lag_s=11)))) == (
        FindingId.REPLICA_LAGGING,
        CERTAIN,
    )


def test_a_replica_with_an_open_link_that_nobody_sends_into_lags():
    attached = healthy().nodes[0].info.replicas
    forgotten = with_node(healthy(), 1, replicas=attached[:1])
    silent = with_link(forgotten, 3, last_io_s=55)

    assert said(silent) == (FindingId.REPLICA_LAGGING, CERTAIN)
    assert f"{node_at(3)} lags: last heard from {node_at(1)} 55 s ago" in diagnose(silent).verdict.summary
    assert said(with_link(forgotten, 3, last_io_s=13)) == (FindingId.REPLICA_LAGGING, CERTAIN)
    assert said(with_link(forgotten, 3, last_io_s=12))[0] == FindingId.HEALTHY
    assert said(with_link(healthy(), 3, last_io_s=55))[0] == FindingId.HEALTHY, "it is attached, and acknowledges"
    assert not found(without_node(silent, 1), FindingId.REPLICA_LAGGING), "the master is what is silent"


def test_no_eligible_replica():
    never = with_view(healthy(), 2, config=NodeConfig(0, 10, 0))
    assert said(never)[0] == FindingId.HEALTHY
    assert said(with_view(never, 3, config=NodeConfig(0, 10, 0))) == (FindingId.NO_ELIGIBLE_REPLICA, CERTAIN)
    assert said(healthy(replicas=0)) == (FindingId.NO_ELIGIBLE_REPLICA, CERTAIN)


def test_sentinel_quorum_lost():
    dead = (sentinel_at(2), sentinel_at(3))
    alone = with_sentinel(with_opinion(healthy(), 1, peers_down=dead), 1, quorum_ok=False, quorum_text="NOQUORUM")
    refused = without_sentinel(without_sentinel(alone, 2, Reason.REFUSED), 3, Reason.REFUSED)
    silent = without_sentinel(without_sentinel(alone, 2), 3)

    assert said(refused) == (FindingId.SENTINEL_QUORUM_LOST, CERTAIN)
    assert said(silent) == (FindingId.SENTINEL_QUORUM_LOST, LIKELY)
    assert not found(without_sentinel(without_sentinel(healthy(), 2), 3), FindingId.SENTINEL_QUORUM_LOST)


def test_sentinel_disagreement():
    one_elsewhere = with_opinion(healthy(), 1, address=node_at(2))
    assert said(with_opinion(one_elsewhere, 1, config_epoch=1)) == (FindingId.SENTINEL_DISAGREEMENT, CERTAIN)
    assert diagnose(one_elsewhere).verdict.severity is Severity.CRITICAL
    stale = all_opinions(healthy(), config_epoch=3)
    stale = with_opinion(stale, 1, address=node_at(2), config_epoch=2)
    assert diagnose(stale).verdict.severity is Severity.WARNING


def test_sentinels_that_name_a_replica():
    verdict = diagnose(all_opinions(healthy(), address=node_at(2))).verdict

    assert (verdict.id, verdict.severity) == (FindingId.SENTINEL_DISAGREEMENT, Severity.CRITICAL)


def test_one_sentinel_that_does_not_reach_the_master():
    alone = with_opinion(healthy(), 1, flags=DOWN)
    assert said(alone) == (FindingId.SENTINEL_DISAGREEMENT, CERTAIN)
    summary = f"1 of 3 Sentinels does not reach {node_at(1)}, and others, or we, do."
    assert diagnose(alone).verdict.summary == summary


def test_replicas_that_sentinels_do_not_reach_are_named() -> None:
    def lost(number: int) -> Snapshot:
        snapshot = healthy()
        for sentinel in (1, 2, 3):
            known = snapshot.sentinels[sentinel - 1].master.replicas
            flagged = tuple(replace(one, flags=frozenset({"slave", "s_down"})) for one in known[:number])
            snapshot = with_opinion(snapshot, sentinel, replicas=(*flagged, *known[number:]))
        return snapshot

    one, both = (diagnose(lost(number)).verdict.summary for number in (1, 2))
    assert one == f"3 of 3 Sentinels do not reach {node_at(2)}, and others, or we, do."
    assert both == f"Some Sentinels do not reach {node_at(2)}, {node_at(3)}, and others, or we, do."


@pytest.mark.parametrize(
    ("snapshot", "severity", "words"),
    [
        (healthy(sentinels=2), Severity.WARNING, "With 2 Sentinels none may be lost"),
        (healthy(sentinels=1), Severity.WARNING, "With 1 Sentinel none may be lost"),
        (healthy(sentinels=4), Severity.INFO, "have an odd number"),
        (all_opinions(healthy(), quorum=4), Severity.WARNING, "above the number"),
        (all_opinions(healthy(), quorum=1), Severity.INFO, "below the majority"),
        (with_opinion(healthy(), 1, quorum=3), Severity.WARNING, "different quorums: 2, 3"),
        (with_opinion(healthy(), 1, other_sentinels=3), Severity.WARNING, "more Sentinels than the 3"),
        (with_opinion(healthy(), 1, other_sentinels=1), Severity.WARNING, "do not know all 3"),
        (without_sentinel(healthy(), 1, Reason.UNKNOWN_MASTER), Severity.WARNING, "1 of 3 Sentinels do not know"),
    ],
)
def test_sentinel_misconfigured(snapshot, severity, words):
    findings = found(snapshot, FindingId.SENTINEL_MISCONFIGURED)

    assert any(one.severity is severity and words in one.summary for one in findings)
    assert (diagnose(snapshot).verdict.id is FindingId.HEALTHY) == (severity is Severity.INFO)


def test_no_sentinel_knows_the_name():
    snapshot = healthy()
    for number in (1, 2, 3):
        snapshot = without_sentinel(snapshot, number, Reason.UNKNOWN_MASTER)
    assert said(snapshot) == (FindingId.SENTINEL_MISCONFIGURED, CERTAIN)


def test_sentinel_down():
    refused = without_sentinel(healthy(), 3, Reason.REFUSED)
    flagged = with_opinion(with_opinion(refused, 1, peers_down=(sentinel_at(3),)), 2, peers_down=(sentinel_at(3),))

    assert said(flagged) == (FindingId.SENTINEL_DOWN, CERTAIN)
    assert said(refused) == (FindingId.SENTINEL_DOWN, UNDETERMINED)
    assert said(with_sentinel(healthy(), 2, tilt=True)) == (FindingId.SENTINEL_DOWN, CERTAIN)


@pytest.mark.parametrize("reason", [Reason.NOAUTH, Reason.WRONGPASS, Reason.NOPERM])
def test_auth_failed_on_one_replica(reason):
    assert said(without_node(healthy(), 3, reason)) == (FindingId.AUTH_FAILED, CERTAIN)


def test_undetermined_where_our_own_auth_keeps_us_from_every_node():
    snapshot = healthy()
    for number in (1, 2, 3):
        snapshot = without_node(snapshot, number, Reason.WRONGPASS)
    verdict = diagnose(snapshot).verdict

    assert (verdict.id, verdict.confidence) == (FindingId.UNDETERMINED, UNDETERMINED)
    assert f"an answer of {node_at(1)} to INFO would decide it (WRONGPASS)" in verdict.summary
    assert found(snapshot, FindingId.AUTH_FAILED)
    assert not found(snapshot, FindingId.NO_ELIGIBLE_REPLICA)


def test_undetermined_where_there_is_no_sentinel_to_ask():
    assert said(replace(healthy(sentinels=0), kind=Kind.SENTINEL)) == (FindingId.UNDETERMINED, UNDETERMINED)


def test_undetermined_where_nobody_answers():
    snapshot = healthy(sentinels=0)
    for number in (1, 2, 3):
        snapshot = without_node(snapshot, number)
    assert said(snapshot) == (FindingId.UNDETERMINED, UNDETERMINED)
    assert said(replace(snapshot, nodes=())) == (FindingId.UNDETERMINED, UNDETERMINED)


def test_single_questions_that_are_refused_stand_beside_healthy():
    gap = Unasked("node CONFIG GET", Reason.NOPERM, "this user has no permissions")
    diagnosis = diagnose(with_view(healthy(), 1, gaps=(gap,)))

    assert [one.id for one in diagnosis.findings] == [FindingId.HEALTHY, FindingId.AUTH_FAILED]


def test_tls_failed():
    assert said(without_node(healthy(), 3, Reason.TLS)) == (FindingId.TLS_FAILED, CERTAIN)


@pytest.mark.parametrize(("number", "severity"), [(1, Severity.CRITICAL), (3, Severity.WARNING)])
def test_loading_and_busy_script(number, severity):
    loading = diagnose(with_node(healthy(), number, loading=True)).verdict
    refused = diagnose(without_node(healthy(), number, Reason.LOADING)).verdict
    busy = diagnose(without_node(healthy(), number, Reason.BUSY)).verdict

    assert (loading.id, loading.severity) == (refused.id, refused.severity) == (FindingId.LOADING, severity)
    assert (busy.id, busy.severity) == (FindingId.BUSY_SCRIPT, severity)


def test_writes_refused_for_want_of_replicas():
    config = NodeConfig(3, 10, 100)
    assert said(with_node(with_view(healthy(), 1, config=config), 1, good_replicas=2)) == (
        FindingId.WRITES_REFUSED,
        CERTAIN,
    )
    assert said(with_node(with_view(healthy(), 1, config=config), 1, good_replicas=3))[0] == FindingId.HEALTHY
    assert said(with_node(with_view(healthy(), 1, config=None), 1, good_replicas=0))[0] == FindingId.WRITES_REFUSED


def test_the_fence_of_a_failover_that_was_cut_off_is_named():
    fence = NodeConfig(FENCE_REPLICAS, 10, 100)
    on_master = diagnose(with_node(with_view(healthy(), 1, config=fence), 1, good_replicas=2)).verdict
    on_replica = diagnose(with_view(healthy(), 3, config=fence)).verdict

    assert "failover that was cut off" in on_master.summary
    assert (on_replica.id, on_replica.severity) == (FindingId.WRITES_REFUSED, Severity.WARNING)
    for number in (1, 3):
        off = diagnose(with_view(healthy(), number, config=NodeConfig(FENCE_REPLICAS, 0, 100))).verdict
        assert (off.id, off.severity) == (FindingId.WRITES_REFUSED, Severity.WARNING), number
        assert "only because its min-replicas-max-lag is 0, which switches min-replicas-to-write off" in off.summary


def test_writes_refused_where_every_node_is_a_replica():
    snapshot = healthy(sentinels=0)
    link = replace(snapshot.nodes[1].info.link, master=node_at(2))
    assert said(with_node(snapshot, 1, role=Role.REPLICA, link=link)) == (FindingId.WRITES_REFUSED, CERTAIN)


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"last_bgsave_ok": False}, FindingId.PERSISTENCE_FAILING),
        ({"aof_enabled": True, "last_aof_write_ok": False}, FindingId.PERSISTENCE_FAILING),
        ({"used_memory": 100, "max_memory": 100, "max_memory_policy": "noeviction"}, FindingId.OUT_OF_MEMORY),
        ({"used_memory": 90, "max_memory": 100, "max_memory_policy": "noeviction"}, FindingId.MEMORY_PRESSURE),
        ({"connected_clients": 9_000, "max_clients": 10_000}, FindingId.CLIENTS_NEAR_LIMIT),
    ],
)
def test_what_info_says_of_the_service(fields, finding):
    assert said(with_node(healthy(), 1, **fields)) == (finding, CERTAIN)


def test_a_memory_limit_of_zero_is_none():
    unlimited = {"used_memory": 100, "max_memory": 0, "max_memory_policy": "noeviction"}
    assert said(with_node(healthy(), 1, **unlimited))[0] == FindingId.HEALTHY


def test_evicting_is_information():
    before, after = with_node(healthy(), 1, evicted_keys=5), with_node(healthy(), 1, evicted_keys=6)
    assert [one.id for one in diagnose(after, before).findings] == [FindingId.HEALTHY, FindingId.EVICTING]


def test_the_worst_stands_first():
    snapshot = without_sentinel(with_link(dead_master(), 3, up=False), 3)
    severities = [one.severity for one in diagnose(snapshot).findings]

    assert severities == sorted(severities, reverse=True)


def test_without_sentinels_a_dead_master_and_a_circle_of_replicas_suggest_whom_to_promote():
    dead = dead_master(0)
    ahead = with_node(dead, 3, offset=OFFSET + 10)
    circle = with_node(healthy(sentinels=0), 1, role=Role.REPLICA, link=healthy().nodes[1].info.link)

    assert diagnose(dead).verdict.suggests == (f"promote orders --to {node_at(2)}", "diagnose orders", "events orders")
    assert diagnose(ahead).verdict.suggests[0] == f"promote orders --to {node_at(3)}"
    assert diagnose(circle).verdict.suggests[0].startswith("promote orders --to ")
    assert diagnose(dead_master(3)).verdict.suggests == ("diagnose orders", "events orders")


def test_who_follows_a_replica_does_not_hide_whom_that_one_follows():
    chained = with_link(dead_master(0), 3, master=node_at(2))

    assert said(chained) == (FindingId.MASTER_DOWN, CERTAIN)
    assert diagnose(chained).verdict.nodes == (node_at(1),)
