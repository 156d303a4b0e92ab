"""What only two looks tell: who writes, where a lag goes, how a sync gets on; and when a second look is wanted."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.diagnosis.growth import Growth, about
from actions.kit.diagnosis.second_look import open_questions
from actions.kit.findings import Finding, FindingId
from actions.kit.snapshot import Role, Snapshot
from actions.kit.topology import Limits
from tests.builders import OFFSET, healthy, node_at, with_link, with_node, without_node


def found(now: Snapshot, finding: FindingId, before: Snapshot | None = None, seconds: float = 2.0) -> Finding:
    """The only finding of this id in a look that came so long after the one before."""
    earlier = replace(before, clock_s=100.0) if before else None
    findings = diagnose(replace(now, clock_s=100.0 + seconds), earlier).findings
    (one,) = [one for one in findings if one.id is finding]
    return one


def evidence(finding: Finding, source: str) -> str:
    (said,) = [one.observation for one in finding.evidence if source in one.source]
    return said


def behind(lag: int, offset: int = OFFSET * 1_000) -> Snapshot:
    snapshot = replace(healthy(replicas=1, sentinels=0), limits=Limits(max_lag_bytes=1_000))
    return with_node(with_node(snapshot, 1, offset=offset), 2, offset=offset - lag)


def syncing(**link: object) -> Snapshot:
    return with_link(healthy(replicas=1, sentinels=0), 2, up=False, sync_in_progress=True, **link)


def two_masters(first: int | None, second: int | None) -> Snapshot:
    snapshot = with_node(healthy(sentinels=0), 2, role=Role.MASTER, link=None, changes_since_save=second)
    return with_node(snapshot, 1, changes_since_save=first)


@pytest.mark.parametrize(
    ("then", "now", "summary", "said"),
    [
        (5_000, 9_000, "falls back further, by 2,000 bytes a second", "5,000, then 9,000 bytes: 2,000 bytes a second"),
        (9_000, 5_000, "catches up, by 2,000 bytes a second: about 2 s more", "is shrinking: 9,000, then 5,000 bytes"),
        (5_000, 5_000, "that stands still", "stands still: 5,000, then 5,000 bytes"),
    ],
)
def test_where_a_lag_is_going(then, now, summary, said):
    finding = found(behind(now, OFFSET * 2_000), FindingId.REPLICA_LAGGING, behind(then))

    assert summary in finding.summary
    assert said in evidence(finding, f"replica {node_at(2)}, two looks 2.0 s apart")


def test_one_look_at_a_lag_says_that_it_tells_no_direction():
    finding = found(behind(5_000), FindingId.REPLICA_LAGGING)

    assert finding.summary.endswith("lags: 5,000 bytes behind, the limit is 1,000.")
    assert evidence(finding, "one look") == "whether the lag grows or shrinks cannot be told from it"


def test_a_lag_of_another_history_is_not_compared():
    other = with_node(behind(9_000), 2, replid="c" * 40)
    restarted = with_node(behind(9_000), 2, run_id="f" * 40)

    for before in (other, restarted):
        assert evidence(found(behind(5_000), FindingId.REPLICA_LAGGING, before), "one look")


def test_without_a_time_between_there_is_no_rate():
    finding = found(behind(9_000), FindingId.REPLICA_LAGGING, behind(5_000), seconds=0)

    assert finding.summary.endswith("it falls back further, by 4,000 bytes.")
    assert "a second" not in evidence(finding, "two looks")


@pytest.mark.parametrize(
    ("then", "now", "summary"),
    [
        ({"sync_left_bytes": 9_000}, {"sync_left_bytes": 1_000}, "full sync: done in about 1 s."),
        ({"sync_left_bytes": 1_000}, {"sync_left_bytes": 9_000}, "full sync, which has begun anew."),
        ({"sync_read_bytes": 1_000}, {"sync_read_bytes": 9_000}, "which gets on by 4,000 bytes a second."),
        ({"sync_read_bytes": 9_000}, {"sync_read_bytes": 1_000}, "which has begun anew."),
        ({"sync_read_bytes": 9_000}, {"sync_read_bytes": 9_000}, "nothing came between two looks."),
        ({"sync_read_bytes": 9_000}, {"sync_read_bytes": None}, "is in a full sync."),
    ],
)
def test_how_a_full_sync_gets_on(then, now, summary):
    finding = found(syncing(**now), FindingId.REPLICA_SYNCING, syncing(**then))

    assert finding.summary.endswith(summary)
    assert evidence(finding, "one look" if summary == "is in a full sync." else "two looks 2.0 s apart")


def test_who_takes_writes_is_told_by_two_looks_only():
    both = found(two_masters(5, 25), FindingId.SPLIT_BRAIN, two_masters(5, 5))
    once = found(two_masters(5, 25), FindingId.SPLIT_BRAIN)
    nobody = found(two_masters(5, 5), FindingId.SPLIT_BRAIN, two_masters(5, 5))

    assert "10.0.0.2:6379 took writes between two looks" in both.summary
    assert "5, then 25: 10 writes a second" in evidence(both, "10.0.0.2:6379 INFO, two looks")
    assert "None of them took writes" in nobody.summary
    assert "took writes" not in once.summary
    assert evidence(once, "10.0.0.2:6379 INFO, one look")


def test_a_save_in_between_proves_no_write():
    finding = found(two_masters(5, 3), FindingId.SPLIT_BRAIN, two_masters(5, 90))

    assert "saved in between" in evidence(finding, "10.0.0.2:6379 INFO, two looks")
    assert "took writes" not in finding.summary


def test_a_second_look_is_wanted_only_where_growth_tells():
    cache = with_node(healthy(), 1, used_memory=95, max_memory=100, max_memory_policy="allkeys-lru", evicted_keys=9)
    roomy = with_node(cache, 1, used_memory=50)
    cases = {
        (): [healthy(), without_node(healthy(), 2), roomy],
        ("who takes writes now",): [two_masters(0, 0)],
        ("whether the lag grows",): [behind(5_000)],
        ("how fast the full sync goes",): [syncing()],
        ("whether keys are evicted",): [cache],
    }
    for questions, snapshots in cases.items():
        for snapshot in snapshots:
            assert open_questions(snapshot, diagnose(snapshot)) == questions


def test_times_and_rates_are_said_as_people_say_them():
    assert [about(s) for s in (0.2, 59.6, 130, 9_000, 200_000)] == [
        *("about 1 s", "about 60 s", "about 2 min", "about 2 h"),
        "more than a day",
    ]
    assert Growth(0, 3, 2.0).rate("keys") == "1.5 keys a second"
    assert Growth(0, 3, None).rate("keys") == "3 keys"


def test_a_lag_is_told_in_seconds_of_writes_and_against_the_backlog():
    then, now = (with_node(behind(5_000, offset), 1, backlog_bytes=4_000) for offset in (10_000_000, 10_002_000))
    finding = found(now, FindingId.REPLICA_LAGGING, then)

    assert "1,000 bytes a second written: the lag is about 5 s of them" in evidence(
        finding, f"master {node_at(1)}, two looks"
    )
    assert any("needs a full sync" in one.observation for one in finding.evidence)
    roomy = found(with_node(now, 1, backlog_bytes=5_000), FindingId.REPLICA_LAGGING)
    assert not any("full sync" in one.observation or "written" in one.observation for one in roomy.evidence)
