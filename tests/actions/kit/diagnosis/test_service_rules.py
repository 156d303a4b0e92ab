"""What INFO says of memory, disk, writes and clients: each rule made true on a hand-made snapshot, and untrue again."""

from dataclasses import replace

import pytest

from actions.kit.clients import Clients
from actions.kit.diagnosis import diagnose
from actions.kit.diagnosis.second_look import open_questions
from actions.kit.findings import Confidence, Finding, FindingId, Severity
from actions.kit.kubernetes.view import ContainerView, KubernetesView, PodView
from actions.kit.snapshot import NodeConfig, Reason, Role, Snapshot
from actions.kit.stats import Errors, NodeStats
from actions.kit.topology import Kind
from tests.builders import (
    healthy,
    node_at,
    sentinel_at,
    with_node,
    with_opinion,
    with_view,
    without_node,
    without_sentinel,
)

MIB = 2**20
SAVES = NodeConfig(0, 10, 100, save_points=((3_600, 1), (60, 10_000)), stops_on_bgsave_error=True)


def found(snapshot: Snapshot, finding: FindingId, earlier: Snapshot | None = None) -> list[Finding]:
    return [one for one in diagnose(snapshot, earlier).findings if one.id is finding]


def only(snapshot: Snapshot, finding: FindingId, earlier: Snapshot | None = None) -> Finding:
    (one,) = found(snapshot, finding, earlier)
    return one


def stats(number: int = 1, **fields: int) -> Snapshot:
    return with_node(healthy(), number, stats=NodeStats(**fields))


def test_a_master_whose_aof_cannot_be_written_refuses_writes():
    snapshot = with_node(healthy(), 1, aof_enabled=True, last_aof_write_ok=False)
    verdict = diagnose(snapshot).verdict

    assert (verdict.id, verdict.severity) == (FindingId.PERSISTENCE_FAILING, Severity.CRITICAL)
    assert "refuses writes" in verdict.summary
    assert verdict.suggests == ("failover orders", "verify orders", "diagnose orders")
    assert "MISCONF" in only(snapshot, FindingId.WRITES_REFUSED).summary
    assert not found(with_node(healthy(), 1, aof_enabled=False, last_aof_write_ok=False), FindingId.WRITES_REFUSED)
    assert not found(with_node(healthy(), 2, aof_enabled=True, last_aof_write_ok=False), FindingId.WRITES_REFUSED)


@pytest.mark.parametrize(
    ("config", "refuses", "severity"),
    [
        (SAVES, True, Severity.CRITICAL),
        (replace(SAVES, save_points=()), False, Severity.WARNING),
        (replace(SAVES, stops_on_bgsave_error=False), False, Severity.WARNING),
        (None, False, Severity.WARNING),
    ],
)
def test_a_failed_dump_stops_writes_only_where_the_settings_say_so(config, refuses, severity):
    snapshot = with_view(with_node(healthy(), 1, last_bgsave_ok=False), 1, config=config)

    assert only(snapshot, FindingId.PERSISTENCE_FAILING).severity is severity
    assert bool(found(snapshot, FindingId.WRITES_REFUSED)) is refuses


def test_writes_refused_between_two_looks_are_counted_where_the_settings_may_not_be_read():
    then = with_view(with_node(healthy(), 1, last_bgsave_ok=False, errors=Errors(misconf=3)), 1, config=None)
    now = with_node(then, 1, errors=Errors(misconf=5))

    assert [one.observation for one in only(now, FindingId.WRITES_REFUSED, then).evidence] == [
        "rdb_last_bgsave_status:err",
        "errorstat_MISCONF 3, then 5",
    ]
    assert not found(then, FindingId.WRITES_REFUSED, then)


def test_writes_refused_for_replicas_that_are_back_are_a_warning():
    then, now = (with_node(healthy(), 1, good_replicas=2, errors=Errors(noreplicas=count)) for count in (0, 7))
    finding = only(now, FindingId.WRITES_REFUSED, then)

    assert finding.severity is Severity.WARNING
    assert not found(now, FindingId.WRITES_REFUSED)


def test_a_failed_rewrite_of_the_aof_does_not_stop_writes():
    finding = only(with_node(healthy(), 1, aof_enabled=True, last_aof_rewrite_ok=False), FindingId.PERSISTENCE_FAILING)

    assert finding.severity is Severity.WARNING
    assert "refuses" not in finding.summary


@pytest.mark.parametrize(
    ("saved_ago", "changes", "points", "overdue"),
    [
        (20_000, 5, SAVES.save_points, True),
        (20_000, 0, SAVES.save_points, False),
        (10_000, 5, SAVES.save_points, False),
        (20_000, 5, (), False),
        (20_000, 5, None, False),
        (90_000, 5, SAVES.save_points, False),
    ],
)
def test_a_save_point_that_is_long_overdue(saved_ago, changes, points, overdue):
    """The last: it saved long before it was started, so that a clock is wrong."""
    snapshot = with_view(healthy(), 1, config=replace(SAVES, save_points=points))
    seen = NodeStats(time_us=10**15, last_save_at=10**9 - saved_ago)
    snapshot = with_node(snapshot, 1, stats=seen, changes_since_save=changes, uptime_s=50_000)

    assert [one.confidence for one in found(snapshot, FindingId.PERSISTENCE_FAILING)] == [Confidence.LIKELY] * overdue


def test_a_clock_of_a_node_that_is_behind_its_last_dump_makes_nothing_overdue():
    snapshot = with_view(stats(time_us=1, last_save_at=10**9), 1, config=SAVES)
    assert not found(with_node(snapshot, 1, changes_since_save=9), FindingId.PERSISTENCE_FAILING)


def test_clients_that_write_to_a_replica():
    then, now = (with_node(healthy(), 2, errors=Errors(readonly=count)) for count in (4, 6))
    finding = only(now, FindingId.APP_ON_REPLICA, then)

    assert (finding.confidence, finding.nodes) == (Confidence.CERTAIN, (node_at(2),))
    assert "2 writes (READONLY)" in finding.summary
    assert not found(now, FindingId.APP_ON_REPLICA)
    assert not found(now, FindingId.APP_ON_REPLICA, now)


def test_nobody_is_blamed_for_writing_to_a_master_that_has_just_become_a_replica():
    now = with_node(healthy(), 2, errors=Errors(readonly=6))
    was_master = with_node(healthy(), 2, role=Role.MASTER, link=None)
    failing_over = frozenset({"master", "failover_in_progress"})
    moving = with_opinion(with_opinion(now, 1, flags=failing_over), 2, flags=failing_over)

    assert not found(now, FindingId.APP_ON_REPLICA, was_master)
    assert not found(moving, FindingId.APP_ON_REPLICA, healthy())


def test_buffers_that_maxmemory_does_not_count_do_not_fill_it():
    full = with_node(healthy(), 1, used_memory=100, max_memory=100, max_memory_policy="noeviction")

    assert found(full, FindingId.OUT_OF_MEMORY)
    less = with_node(full, 1, stats=NodeStats(not_evictable=5))
    assert not found(less, FindingId.OUT_OF_MEMORY)
    assert found(less, FindingId.MEMORY_PRESSURE)


def test_a_cache_that_has_nothing_left_to_evict_refuses_writes():
    then = with_node(healthy(), 1, used_memory=90, max_memory=100, max_memory_policy="volatile-lru")
    now = with_node(then, 1, errors=Errors(oom=3))
    finding = only(now, FindingId.OUT_OF_MEMORY, then)

    assert "volatile-lru finds too little to evict" in finding.summary
    full = with_node(then, 1, used_memory=100)
    assert only(full, FindingId.MEMORY_PRESSURE).confidence is Confidence.LIKELY
    assert not found(with_node(full, 1, evicted_keys=9), FindingId.MEMORY_PRESSURE)
    assert not found(with_node(full, 1, max_memory_policy="allkeys-lru"), FindingId.MEMORY_PRESSURE)


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"resident": 950 * MIB, "system_memory": 1_000 * MIB}, Severity.WARNING),
        ({"resident": 600 * MIB, "system_memory": 1_000 * MIB, "last_cow": 350 * MIB}, Severity.WARNING),
        ({"resident": 600 * MIB, "system_memory": 1_000 * MIB, "last_cow": 10 * MIB}, Severity.INFO),
        ({"resident": 100 * MIB, "system_memory": 1_000 * MIB}, None),
        ({"resident": 2_000 * MIB, "system_memory": 1_000 * MIB}, None),
    ],
)
def test_what_a_machine_has_left(fields, severity):
    """The last is absurd: nothing is made of it."""
    snapshot = with_view(stats(**fields), 1, config=SAVES)
    assert [one.severity for one in found(snapshot, FindingId.MEMORY_PRESSURE)] == [severity] * (severity is not None)


def test_a_dump_needs_no_room_where_there_is_none():
    snapshot = stats(resident=600 * MIB, system_memory=1_000 * MIB)
    assert not found(snapshot, FindingId.MEMORY_PRESSURE)


@pytest.mark.parametrize(
    ("resident", "max_memory", "severity", "words"),
    [
        (490 * MIB, 400 * MIB, Severity.WARNING, "of the memory of its container"),
        (10 * MIB, 0, Severity.INFO, "has no maxmemory"),
        (10 * MIB, 500 * MIB, Severity.INFO, "leave room for buffers"),
    ],
)
def test_the_limit_of_a_container_counts_before_the_memory_of_its_machine(resident, max_memory, severity, words):
    container = ContainerView("redis", ready=True, ports=(("redis", 6379),), memory_limit=512 * MIB)
    pods = tuple(
        PodView(f"redis-{n}", ip=node_at(n).host, phase="Running", ready=True, containers=(container,)) for n in (1,)
    )
    snapshot = with_node(stats(resident=resident, system_memory=64_000 * MIB), 1, max_memory=max_memory)
    finding = only(replace(snapshot, kubernetes=KubernetesView("ns", "redis", pods=pods)), FindingId.MEMORY_PRESSURE)

    assert finding.severity is severity
    assert words in finding.summary


def test_fragmentation_counts_from_a_size_on():
    small = with_node(stats(resident=40 * MIB), 1, used_memory=MIB)
    large = with_node(stats(resident=900 * MIB), 1, used_memory=500 * MIB)

    assert not found(small, FindingId.FRAGMENTATION)
    assert only(large, FindingId.FRAGMENTATION).severity is Severity.INFO
    assert diagnose(large).verdict.id is FindingId.HEALTHY


def test_data_that_is_swapped_out_is_likely():
    swapped = with_node(stats(resident=200 * MIB), 1, used_memory=1_000 * MIB)

    assert only(swapped, FindingId.MEMORY_PRESSURE).confidence is Confidence.LIKELY
    assert not found(with_node(swapped, 1, backlog_bytes=800 * MIB), FindingId.MEMORY_PRESSURE)


@pytest.mark.parametrize("field", ["replica_buffers", "client_buffers"])
def test_large_buffers(field):
    snapshot = with_node(stats(**{field: 100 * MIB}), 1, used_memory=400 * MIB)

    assert field.split("_")[0] in only(snapshot, FindingId.MEMORY_PRESSURE).summary
    assert not found(with_node(snapshot, 1, used_memory=4_000 * MIB), FindingId.MEMORY_PRESSURE)
    assert not found(with_node(snapshot, 1, used_memory=1), FindingId.MEMORY_PRESSURE)


def test_clients_that_are_turned_away():
    then, now = (
        with_node(healthy(), 1, rejected_connections=count, connected_clients=5, max_clients=10) for count in (2, 9)
    )
    near = with_node(stats(cluster_connections=5), 1, connected_clients=5, max_clients=10)

    assert "turns clients away" in only(now, FindingId.CLIENTS_NEAR_LIMIT, then).summary
    assert not found(now, FindingId.CLIENTS_NEAR_LIMIT)
    assert found(near, FindingId.CLIENTS_NEAR_LIMIT)


@pytest.mark.parametrize("kind", [Kind.SENTINEL, Kind.REPLICATION])
def test_a_master_that_turns_us_away_is_there(kind):
    snapshot = healthy(sentinels=3 if kind is Kind.SENTINEL else 0)
    verdict = diagnose(without_node(snapshot, 1, Reason.MAXCLIENTS)).verdict

    assert (verdict.id, verdict.severity) == (FindingId.CLIENTS_NEAR_LIMIT, Severity.CRITICAL)


def test_a_sentinel_that_turns_us_away_is_there():
    findings = diagnose(without_sentinel(healthy(), 2, Reason.MAXCLIENTS)).findings

    assert f"Sentinel {sentinel_at(2)} takes no more clients" in findings[0].summary
    assert FindingId.SENTINEL_DOWN not in {one.id for one in findings}


def test_a_dump_that_takes_long_is_not_overdue():
    seen = NodeStats(time_us=10**15, last_save_at=10**9 - 20_000, bgsave_in_progress=1)
    snapshot = with_node(with_view(healthy(), 1, config=SAVES), 1, stats=seen, changes_since_save=5, uptime_s=50_000)
    assert not found(snapshot, FindingId.PERSISTENCE_FAILING)


def test_protected_mode_is_told_with_what_to_do():
    finding = only(without_node(healthy(), 2, Reason.DENIED), FindingId.AUTH_FAILED)
    assert "protected mode" in finding.summary


def test_how_far_a_node_has_loaded():
    seen = NodeStats(loading_total=1_000, loading_done=250, loading_left_s=40)
    assert (
        "25 % done, about 40 s left"
        in only(with_node(healthy(), 2, loading=True, stats=seen), FindingId.LOADING).summary
    )


@pytest.mark.parametrize(
    ("number", "errors", "asked"),
    [
        (2, Errors(readonly=1), ("whether writes are refused",)),
        (1, Errors(misconf=1), ("whether writes are refused",)),
        (1, Errors(readonly=1), ()),
        (2, Errors(oom=1), ()),
    ],
)
def test_a_second_look_is_asked_for_where_writes_were_refused_at_some_time(number, errors, asked):
    snapshot = with_node(healthy(), number, errors=errors)
    assert open_questions(snapshot, diagnose(snapshot)) == asked


@pytest.mark.parametrize(("writing", "severity"), [(None, Severity.INFO), (0, Severity.INFO), (2, Severity.WARNING)])
def test_a_replica_that_takes_writes_of_its_own(writing, severity):
    snapshot = with_node(healthy(), 3, read_only=False)
    if writing is not None:
        snapshot = with_view(snapshot, 3, clients=Clients(application=2, writing=writing))
    finding = only(snapshot, FindingId.APP_ON_REPLICA)

    assert (finding.severity, finding.nodes) == (severity, (node_at(3),))
    assert "lost with its next full sync" in finding.summary
    assert not found(with_node(healthy(), 3, read_only=True), FindingId.APP_ON_REPLICA)
    assert not found(with_node(healthy(), 1, read_only=False), FindingId.APP_ON_REPLICA)


def test_a_pause_that_somebody_left_behind_holds_writes_up():
    said = only(with_node(healthy(), 1, paused_ms=65_000), FindingId.WRITES_REFUSED)
    older = only(with_view(healthy(), 1, clients=Clients(application=9, waiting=2)), FindingId.WRITES_REFUSED)

    assert (said.severity, said.confidence) == (Severity.CRITICAL, Confidence.CERTAIN)
    assert "for 65 s more: somebody gave it CLIENT PAUSE" in said.summary
    assert "2 clients blocked in a write" in older.evidence[0].observation
    for other in (
        with_node(healthy(), 1, paused_ms=0),
        with_node(healthy(), 2, paused_ms=65_000),
        with_node(healthy(), 1, paused_ms=65_000, failover_state="waiting-for-sync"),
    ):
        assert not found(other, FindingId.WRITES_REFUSED)


@pytest.mark.parametrize(
    ("of_replica", "of_master", "policy", "warns"),
    [
        (50, 100, "allkeys-lru", True),
        (50, 0, "allkeys-lru", True),
        (100, 100, "allkeys-lru", False),
        (90, 80, "allkeys-lru", False),
        (95, 100, "allkeys-lru", False),
        (0, 100, "allkeys-lru", False),
    ],
)
def test_a_replica_that_would_evict_as_soon_as_it_is_a_master(of_replica, of_master, policy, warns):
    snapshot = with_node(healthy(), 1, max_memory=of_master * MIB, max_memory_policy=policy, used_memory=70 * MIB)
    snapshot = with_node(snapshot, 2, max_memory=of_replica * MIB, max_memory_policy=policy, used_memory=92 * MIB)
    assert any("smaller maxmemory" in one.summary for one in found(snapshot, FindingId.MEMORY_PRESSURE)) is warns


def test_a_master_that_keeps_nothing_and_came_back_with_nothing():
    keeps_nothing = replace(SAVES, save_points=())
    master = with_node(healthy(), 1, uptime_s=5, aof_enabled=False)
    empty = with_view(master, 1, config=keeps_nothing, keys=0)

    (said,) = found(empty, FindingId.PERSISTENCE_FAILING)
    assert (said.severity, said.confidence) == (Severity.INFO, Confidence.LIKELY)
    assert "keeps nothing on disk, and holds no keys" in said.summary
    assert diagnose(empty).verdict.id is FindingId.HEALTHY
    for other in (
        with_view(master, 1, config=keeps_nothing, keys=1),
        with_view(master, 1, config=SAVES, keys=0),
        with_node(empty, 1, aof_enabled=True),
        with_node(empty, 1, uptime_s=999),
    ):
        assert not found(other, FindingId.PERSISTENCE_FAILING)
