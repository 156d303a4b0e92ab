"""Where a rule changes its mind: each bound from both sides, so that a rule that was moved by one is noticed."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.diagnosis.hidden import FRESH_INFO_MS
from actions.kit.diagnosis.lineage import births, divergence
from actions.kit.diagnosis.second_look import open_questions
from actions.kit.diagnosis.voice import Reach
from actions.kit.diagnosis.voices import heard, link_text
from actions.kit.findings import Confidence, Finding, FindingId
from actions.kit.snapshot import Link, Reason, Role, Snapshot
from tests import clusters
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
LINK = Link(node_at(1), up=True, sync_in_progress=False, last_io_s=0, down_since_s=None)


def found(snapshot: Snapshot, wanted: FindingId) -> Finding | None:
    return next((one for one in diagnose(snapshot).findings if one.id is wanted), None)


def confidence(snapshot: Snapshot, wanted: FindingId) -> Confidence | None:
    finding = found(snapshot, wanted)
    return finding.confidence if finding else None


@pytest.mark.parametrize(
    ("link", "reach"),
    [
        ({"up": False}, Reach.NO),
        ({"up": False, "sync_in_progress": True}, Reach.YES),
        ({"last_io_s": None}, Reach.UNSAID),
        ({"last_io_s": 2}, Reach.YES),
        ({"last_io_s": 3}, Reach.UNSAID),
        ({"last_io_s": 12}, Reach.UNSAID),
        ({"last_io_s": 13}, Reach.NO),
    ],
)
def test_whether_a_replica_hears_its_master(link, reach):
    assert heard(replace(LINK, **link)) is reach


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({}, "link to 10.0.0.1:6379 up, last heard 0 s ago"),
        ({"last_io_s": None}, "link to 10.0.0.1:6379 up"),
        ({"up": False, "down_since_s": 0}, "link to 10.0.0.1:6379 down for 0 s"),
        ({"up": False, "down_since_s": -1}, "link to 10.0.0.1:6379 down"),
        ({"up": False, "down_since_s": None}, "link to 10.0.0.1:6379 down"),
    ],
)
def test_a_link_in_words(link, words):
    assert link_text(replace(LINK, **link)) == words


def test_no_majority_of_sentinels_is_half_of_them_or_fewer():
    """With nobody's CKQUORUM known: of four two are too few, of five three are enough."""
    silent = {4: (3, 4), 5: (4, 5)}
    for number, gone in silent.items():
        snapshot = healthy(sentinels=number)
        for one in range(1, number + 1):
            snapshot = with_sentinel(snapshot, one, quorum_ok=None)
        for one in gone:
            snapshot = without_sentinel(snapshot, one)
        assert confidence(snapshot, FindingId.SENTINEL_QUORUM_LOST) is (LIKELY if number == 4 else None)


def test_sentinels_that_do_not_let_us_in_are_not_missing():
    snapshot = healthy(sentinels=3)
    for one in (1, 2, 3):
        snapshot = without_sentinel(snapshot, one, Reason.WRONGPASS)
    assert found(snapshot, FindingId.SENTINEL_QUORUM_LOST) is None
    assert found(snapshot, FindingId.AUTH_FAILED)


def test_a_silent_sentinel_is_down_for_certain_only_where_all_others_say_so():
    flagged = {"peers_down": (sentinel_at(3),)}
    snapshot = without_sentinel(healthy(), 3)
    assert confidence(snapshot, FindingId.SENTINEL_DOWN) is UNDETERMINED
    snapshot = with_opinion(snapshot, 1, **flagged)
    assert confidence(snapshot, FindingId.SENTINEL_DOWN) is UNDETERMINED
    assert "is reached by another Sentinel" in found(snapshot, FindingId.SENTINEL_DOWN).summary
    snapshot = with_opinion(snapshot, 2, **flagged)
    assert confidence(snapshot, FindingId.SENTINEL_DOWN) is CERTAIN
    assert confidence(without_sentinel(snapshot, 2), FindingId.SENTINEL_DOWN) is LIKELY


def test_of_two_sentinels_the_word_of_the_other_is_enough():
    snapshot = with_opinion(without_sentinel(healthy(sentinels=2), 2), 1, peers_down=(sentinel_at(2),))
    assert confidence(snapshot, FindingId.SENTINEL_DOWN) is CERTAIN


def test_a_sentinel_that_no_other_knows_is_told_so():
    snapshot = without_sentinel(healthy(), 3)
    for one in (1, 2):
        snapshot = with_opinion(snapshot, one, peers=(), other_sentinels=2)
    finding = found(snapshot, FindingId.SENTINEL_DOWN)
    assert finding.confidence is CERTAIN
    assert [one.observation for one in finding.evidence[1:]] == [f"{sentinel_at(3)} is not known as a Sentinel"] * 2


def test_how_many_sentinels_would_decide():
    snapshot = healthy(sentinels=5)
    for one in range(1, 6):
        snapshot = without_sentinel(snapshot, one, Reason.WRONGPASS)
    for one in (1, 2, 3):
        snapshot = without_node(snapshot, one, Reason.WRONGPASS)
    assert "the same answer of 3 of 5 Sentinels would decide it" in found(snapshot, FindingId.UNDETERMINED).summary


@pytest.mark.parametrize(("age_ms", "sees"), [(FRESH_INFO_MS, True), (FRESH_INFO_MS + 1, False), (None, False)])
def test_what_a_sentinel_heard_of_a_role_counts_for_a_while(age_ms, sees):
    """Node 2 does not answer us, and a Sentinel has heard that it calls itself a master."""
    snapshot = without_node(healthy(), 2)
    seen = snapshot.sentinels[0].master.replicas
    told = replace(seen[0], role_reported="master", info_age_ms=age_ms)
    snapshot = with_opinion(snapshot, 1, replicas=(told, *seen[1:]))
    assert (found(snapshot, FindingId.SPLIT_BRAIN) is not None) is sees


@pytest.mark.parametrize(("offset", "shared", "only_there"), [(8_000, 8_000, 0), (8_001, 8_000, 1), (7_000, 7_000, 0)])
def test_the_bytes_past_a_fork(offset, shared, only_there):
    """Node 2 was promoted at byte 8,001, the first of its own; node 1 has come as far as ``offset``."""
    snapshot = with_node(healthy(), 1, offset=offset, backlog_active=True)
    own = {"replid": "b" * 40, "replid2": REPLID, "second_repl_offset": 8_001, "offset": 9_000, "backlog_active": True}
    snapshot = with_node(snapshot, 2, role=Role.MASTER, link=None, **own)
    told = divergence(snapshot.nodes[0], snapshot.nodes[1])
    assert (told.shared_until, told.first_bytes, told.second_bytes) == (shared, only_there, 9_000 - shared)


@pytest.mark.parametrize(("fork", "known"), [(-1, False), (0, False), (1, True)])
def test_a_node_that_was_never_promoted_descends_from_nobody(fork, known):
    nodes = with_node(healthy(), 2, replid="b" * 40, replid2=REPLID, second_repl_offset=fork).nodes
    assert (births(nodes) == {"b" * 40: (REPLID, fork)}) is known


@pytest.mark.parametrize(("used", "asked"), [(899, False), (900, True)])
def test_a_cache_is_asked_twice_from_nine_tenths_on(used, asked):
    fields = {"max_memory": 1_000, "used_memory": used, "evicted_keys": 1, "max_memory_policy": "allkeys-lru"}
    snapshot = with_node(healthy(), 1, **fields)
    assert ("whether keys are evicted" in open_questions(snapshot, diagnose(snapshot))) is asked


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.TIMED_OUT])
def test_whom_a_lost_replica_follows_might_be_the_true_master_while_it_is_silent(reason):
    """Node 3 follows node 4, with a link that is down."""
    snapshot = with_link(healthy(3, 0), 3, master=node_at(4), up=False, down_since_s=9)
    assert confidence(snapshot, FindingId.REPLICATION_BROKEN) is CERTAIN
    silent = with_view(without_node(snapshot, 4, reason), 4, known_from=("settings",))
    assert confidence(silent, FindingId.REPLICATION_BROKEN) is LIKELY


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_node_says_of_itself_is_certain_and_about_that_node(number):
    for reason, wanted in ((Reason.LOADING, FindingId.LOADING), (Reason.BUSY, FindingId.BUSY_SCRIPT)):
        finding = found(without_node(healthy(), number, reason), wanted)
        assert (finding.confidence, finding.nodes) == (CERTAIN, (node_at(number),))
        assert "diagnose orders" in finding.suggests
    finding = found(with_node(healthy(), number, loading=True), FindingId.LOADING)
    assert (finding.confidence, finding.nodes) == (CERTAIN, (node_at(number),))


def test_the_votes_of_those_who_lost_the_master_are_counted():
    snapshot = without_node(healthy(replicas=3), 1, Reason.REFUSED)
    for one in (2, 3):
        snapshot = with_link(snapshot, one, up=False, down_since_s=3)
    snapshot = with_link(snapshot, 4, last_io_s=None)
    for one in (1, 2):
        snapshot = with_opinion(snapshot, one, flags=frozenset({"master", "s_down"}))
    summary = found(snapshot, FindingId.MASTER_DOWN).summary
    assert "2 of 3 Sentinels do not reach it" in summary
    assert "2 of 3 replicas have lost it" in summary


def test_in_a_cluster_the_replica_that_has_most_is_suggested():
    """A dump that fails on a master suggests to move its slots, to whoever has most of them."""

    def told(view):
        number = next(one for one in range(1, 10) if clusters.address(one) == view.address)
        fields = {"last_bgsave_ok": False} if number == 1 else {"offset": OFFSET + {4: 5, 7: 9}.get(number, 0)}
        return replace(view, info=replace(view.info, **fields))

    snapshot = clusters.cluster(3, 2).snapshot(told)
    failing = found(snapshot, FindingId.PERSISTENCE_FAILING)
    assert f"failover carts --to {clusters.address(7)}" in failing.suggests
