"""Traps in the Sentinels' set-up, each made true on a hand-made snapshot, and untrue again."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.findings import Finding, FindingId, Severity
from actions.kit.identity import one_sentinel_each
from actions.kit.snapshot import MonitoredMaster, Role, Snapshot
from actions.kit.stats import NO_ERRORS
from actions.kit.topology import Address
from tests.builders import healthy, node_at, sentinel_at, with_node, with_opinion, with_sentinel, with_view

TRAP = FindingId.SENTINEL_MISCONFIGURED


def traps(snapshot: Snapshot) -> list[Finding]:
    return [one for one in diagnose(snapshot).findings if one.id is TRAP]


def all_opinions(snapshot: Snapshot, **fields: object) -> Snapshot:
    for number in range(1, len(snapshot.sentinels) + 1):
        snapshot = with_opinion(snapshot, number, **fields)
    return snapshot


def opinion(snapshot: Snapshot, number: int) -> MonitoredMaster:
    return snapshot.sentinels[number - 1].master


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"down_after_ms": 100}, "a master that is busy for so long"),
        ({"down_after_ms": 3_600_000}, "a lost master is not noticed"),
        ({"failover_timeout_ms": 1}, "no failover ends within that"),
        ({"failover_timeout_ms": 86_400_000}, "the next one is tried after twice that"),
        ({"down_after_ms": 30_000, "failover_timeout_ms": 180_000}, ""),
        ({"down_after_ms": 500, "failover_timeout_ms": 1_000}, ""),
    ],
)
def test_times(fields, words):
    said = traps(all_opinions(healthy(), **fields))

    assert [one.severity for one in said] == [Severity.WARNING] * bool(words)
    assert all(words in one.summary for one in said)


def test_a_failover_that_is_stopped_by_its_time_out_is_no_trap():
    moving = frozenset({"master", "failover_in_progress"})
    assert not traps(all_opinions(healthy(), failover_timeout_ms=1, flags=moving))


def test_different_times_are_information():
    (said,) = traps(with_opinion(healthy(), 1, down_after_ms=5_000))
    assert said.severity is Severity.INFO


def test_one_master_by_two_names_is_not_two_masters():
    name = Address("redis-0.redis", 6379)
    snapshot = with_view(with_opinion(healthy(), 1, address=name), 1, also=(name,))
    findings = {one.id: one for one in diagnose(snapshot).findings}

    assert "resolve-hostnames" in findings[TRAP].summary
    assert FindingId.SENTINEL_DISAGREEMENT not in findings
    assert FindingId.SENTINEL_DISAGREEMENT in {
        one.id for one in diagnose(with_opinion(healthy(), 1, address=node_at(2))).findings
    }


def test_a_sentinel_that_is_listed_twice_has_one_vote():
    views = tuple(replace(view, run_id=f"{n}" * 40) for n, view in enumerate(healthy().sentinels))
    twice = (*views, replace(views[0], address=Address("sentinel-0", 26379)))
    merged = one_sentinel_each(twice)
    snapshot = replace(healthy(), sentinels=merged)

    assert [view.address for view in merged] == [sentinel_at(number) for number in (1, 2, 3)]
    assert merged[0].also == (Address("sentinel-0", 26379),)
    assert snapshot.electorate == 3
    assert "list it once" in traps(snapshot)[0].summary
    assert one_sentinel_each(healthy().sentinels) == healthy().sentinels


def test_a_dead_sentinel_that_nobody_lists_still_counts():
    snapshot, stranger = healthy(), sentinel_at(9)
    for number in (1, 2, 3):
        peers = (*opinion(snapshot, number).peers, stranger)
        snapshot = with_opinion(snapshot, number, peers=peers, other_sentinels=3, peers_down=(stranger,))
    words = [one.summary for one in traps(snapshot)]

    assert any("1 dead Sentinel that the settings do not list still counts: 3 of 4" in one for one in words)
    assert not any("list them, or reset the dead" in one for one in words)
    alive = [one.summary for one in traps(with_opinion(snapshot, 1, peers_down=()))]
    assert not any("dead Sentinel that" in one for one in alive)
    assert any("list them, or reset the dead" in one for one in alive)


def test_one_name_for_two_deployments():
    apart = with_opinion(healthy(), 3, address=node_at(2), peers=(), other_sentinels=0)
    for number in (1, 2):
        apart = with_opinion(apart, number, peers=(sentinel_at(3 - number),), other_sentinels=1)
    acquainted = with_opinion(healthy(), 3, address=node_at(2))
    untold = with_opinion(apart, 1, other_sentinels=2)

    assert any("stands for 2 deployments" in one.summary for one in traps(apart))
    masters = with_node(apart, 2, role=Role.MASTER, link=None, replid="b" * 40)
    assert not diagnose(masters).has(FindingId.SPLIT_BRAIN)
    related = with_node(masters, 2, replid2=masters.nodes[0].info.replid, second_repl_offset=5_000)
    assert diagnose(related).verdict.id is FindingId.SPLIT_BRAIN
    for snapshot in (acquainted, untold, healthy()):
        assert not any("deployments" in one.summary for one in traps(snapshot))


def test_sentinels_that_their_master_may_refuse():
    down = all_opinions(healthy(), flags=frozenset({"master", "s_down"}))
    refusing = with_node(down, 1, errors=replace(NO_ERRORS, wrongpass=12))

    assert "perhaps it refuses them, NOAUTH 0, WRONGPASS 12" in diagnose(refusing).verdict.summary
    assert "perhaps" not in diagnose(down).verdict.summary


def test_a_name_that_would_be_markup_is_only_a_name():
    snapshot = replace(with_sentinel(healthy(), 1, run_id="<!channel>"), master_name="<!channel>`\n\u202e\0")
    assert diagnose(snapshot).verdict.id is FindingId.HEALTHY
