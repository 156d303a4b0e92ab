"""Why a replica has no link: each reason proven or pointed to on a hand-made snapshot, and what holds a server up."""

from dataclasses import replace

import pytest

from actions.kit.closer import Closer, Refused, SlowCommand
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeConfig, Reason, Snapshot
from actions.kit.stats import Errors, NodeStats
from tests.builders import healthy, node_at, with_link, with_node, with_view, without_node

BROKEN = FindingId.REPLICATION_BROKEN
NO_TLS, TLS = NodeConfig(0, 10, 100, tls_replication=False), NodeConfig(0, 10, 100, tls_replication=True)
NO_AUTH = NodeConfig(0, 10, 100, masterauth=False)


def lost(sentinels: int = 0) -> Snapshot:
    """Replica 2 has lost its link; replica 3 has not."""
    return with_link(healthy(sentinels=sentinels), 2, up=False, down_since_s=5)


def broken(snapshot: Snapshot, earlier: Snapshot | None = None) -> Finding:
    (one,) = [one for one in diagnose(snapshot, earlier).findings if one.id is BROKEN]
    return one


def asked(snapshot: Snapshot, number: int = 1, **closer: object) -> Snapshot:
    return with_view(snapshot, number, closer=Closer(**closer))


def shut_out(why: str, command: str, host: str, age_s: float = 1) -> Snapshot:
    return asked(lost(), refused=(Refused(why, command, host, 3, age_s),))


@pytest.mark.parametrize(
    ("snapshot", "words", "proven"),
    [
        (asked(with_view(lost(), 2, config=NO_TLS), port=0, tls_port=6379), "it speaks no TLS", True),
        (asked(with_view(lost(), 2, config=TLS), port=6379, tls_port=0), "it speaks TLS", True),
        (asked(with_view(lost(), 2, config=NO_AUTH), has_password=True), "it has no masterauth", True),
        (shut_out("command", "psync", node_at(2).host), "may not replicate", True),
        (shut_out("command", "psync", "192.0.2.1"), "may not replicate", False),
        (shut_out("auth", "auth", node_at(2).host), "refuses its password", False),
        (asked(lost(), protected_mode=True, has_password=False), "protected mode", False),
        (asked(with_node(lost(), 1, last_bgsave_ok=False), diskless=False), "cannot write the dump", False),
        (
            asked(with_node(lost(), 1, stats=NodeStats(longest_output_bytes=60)), replica_buffer=100),
            "client-output-buffer-limit",
            False,
        ),
        (with_node(lost(), 1, stats=NodeStats(full_syncs=40)), "at both logs", False),
        (with_link(with_link(lost(), 3, up=False), 2, master=node_at(3)), "is a replica without a link itself", True),
    ],
)
def test_a_reason(snapshot, words, proven):
    finding = next(one for one in diagnose(snapshot).findings if one.id is BROKEN and node_at(2) in one.nodes)

    assert words in finding.summary
    assert ("most likely" not in finding.summary) is proven
    assert finding.confidence is Confidence.CERTAIN
    assert len(finding.evidence) > 2


@pytest.mark.parametrize(
    "snapshot",
    [
        lost(),
        asked(with_view(lost(), 2, config=TLS), port=0, tls_port=6379),
        asked(with_view(lost(), 2, config=NO_TLS), port=6379, tls_port=6380),
        asked(with_view(lost(), 2, config=NO_TLS), port=7000, tls_port=7001),
        asked(with_view(lost(), 2, config=NO_AUTH), has_password=False),
        shut_out("auth", "auth", node_at(3).host),
        shut_out("auth", "auth", node_at(2).host, age_s=500),
        shut_out("command", "get", node_at(2).host),
        asked(shut_out("command", "psync", "192.0.2.1"), 2, has_master_user=False),
        asked(lost(), protected_mode=True, has_password=True),
        asked(lost(), diskless=False),
        with_node(lost(), 1, stats=NodeStats(full_syncs=9)),
    ],
)
def test_no_reason(snapshot):
    assert "others have theirs: look at the way" in broken(snapshot).summary


def test_errors_that_grow_meanwhile_point_to_a_refused_password():
    then, now = (with_node(lost(), 1, errors=Errors(wrongpass=count)) for count in (5, 6))

    assert "most likely the master refuses it (WRONGPASS)" in broken(now, then).summary
    assert "WRONGPASS" not in broken(now).summary


def test_an_address_where_nothing_listens():
    astray = with_link(healthy(sentinels=0), 2, up=False, master=node_at(9))
    gone = replace(astray, nodes=(*astray.nodes, without_node(healthy(9, 0), 9, Reason.REFUSED).nodes[8]))

    for snapshot in (gone, with_node(gone, 2, replid="f" * 40)):
        finding = broken(snapshot)
        assert "follows 10.0.0.9:6379, not the master 10.0.0.1:6379" in finding.summary
        assert "most likely nothing listens there" in finding.summary
        assert finding.confidence is Confidence.LIKELY, "the replica may see somebody else by that address"


def syncing(full_syncs: int, cut: int = 0, number: int = 2) -> Snapshot:
    snapshot = with_link(healthy(sentinels=0), number, up=False, sync_in_progress=True)
    return with_node(snapshot, 1, stats=NodeStats(full_syncs=full_syncs, cut_by_output_limit=cut))


def test_full_syncs_that_begin_again():
    by_limit = broken(syncing(8, 1), syncing(6, 0))

    assert "again and again: the master cuts it off" in by_limit.summary
    assert by_limit.confidence is Confidence.CERTAIN
    assert "at both logs" in broken(syncing(8), syncing(6)).summary
    assert broken(syncing(9), syncing(6)).confidence is Confidence.CERTAIN
    assert broken(syncing(8), syncing(6)).confidence is Confidence.LIKELY, "somebody may have taken a dump"
    assert broken(without_node(syncing(9, 1), 3), syncing(6)).confidence is Confidence.LIKELY, "it may have begun one"
    assert broken(syncing(60)).confidence is Confidence.LIKELY


def test_one_full_sync_that_another_replica_begins_is_in_order():
    """Replica 3 had its link in the earlier look, and may have begun its one; replica 2 waited for its own."""
    both = with_link(syncing(7), 3, up=False, sync_in_progress=True)
    waited = with_link(syncing(6), 2, sync_in_progress=False)

    for now, then in ((both, syncing(6)), (syncing(7), waited), (syncing(6), syncing(6)), (syncing(5), syncing(6))):
        assert BROKEN not in {one.id for one in diagnose(now, then).findings}


def test_a_replica_that_serves_nobody_meanwhile():
    then, now = (with_node(lost(), 2, errors=Errors(masterdown=times)) for times in (1, 4))

    assert "answers MASTERDOWN" in broken(asked(lost(), 2, serves_stale=False)).summary
    assert "as it has 3 times between two looks" in broken(now, then).summary
    assert "MASTERDOWN" not in broken(asked(now, 2, serves_stale=True)).summary


def slow(*took_ms: int, ago_s: int = 5) -> Snapshot:
    commands = tuple(SlowCommand(n, 10**9 - ago_s, took * 1_000, "KEYS") for n, took in enumerate(took_ms))
    return asked(with_node(healthy(), 1, stats=NodeStats(time_us=10**15)), slow=commands)


@pytest.mark.parametrize(
    ("snapshot", "severity"),
    [
        (slow(1_000), Severity.WARNING),
        (slow(*[700] * 9), Severity.WARNING),
        (slow(300, 300), Severity.INFO),
        (slow(300), None),
        (slow(5_000, ago_s=90), None),
        (slow(5_000, ago_s=-90), None),
    ],
)
def test_commands_that_hold_a_server_up(snapshot, severity):
    said = [one for one in diagnose(snapshot).findings if one.id is FindingId.SLOW_COMMANDS]

    assert [one.severity for one in said] == [severity] * (severity is not None)
    assert all("KEYS" in one.summary for one in said)


def test_a_replica_that_only_takes_itself_to_be_in_a_full_sync():
    """It may not PSYNC, tries SYNC, and is refused that too: its master never has it attached."""
    syncing = with_link(lost(), 2, sync_in_progress=True)
    refusal = (Refused("command", "psync", node_at(2).host, 3, 1),)
    refused = asked(with_node(syncing, 1, replicas=syncing.nodes[0].info.replicas[1:]), refused=refusal)

    assert "gets no full sync (its masteruser may not replicate" in broken(refused).summary
    assert not diagnose(refused).has(FindingId.REPLICA_SYNCING)
    for in_order in (asked(syncing, refused=refusal), asked(refused, refused=())):
        assert diagnose(in_order).verdict.id is FindingId.REPLICA_SYNCING


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("send_bulk", Reason.TIMED_OUT, FindingId.REPLICA_SYNCING),
        ("send_bulk", Reason.REFUSED, FindingId.REPLICA_DOWN),
        ("online", Reason.TIMED_OUT, FindingId.REPLICA_DOWN),
    ],
)
def test_a_replica_that_loads_what_it_is_sent_answers_nobody(state, reason, said):
    attached = tuple(replace(one, state=state, lag_s=9) for one in healthy().nodes[0].info.replicas)
    verdict = diagnose(without_node(with_node(healthy(), 1, replicas=attached), 2, reason)).verdict

    assert verdict.id is said
    assert verdict.confidence is not Confidence.CERTAIN


def test_whoever_follows_a_replica_that_is_silent_gets_nothing_either():
    chain = without_node(with_link(healthy(sentinels=0), 3, master=node_at(2), last_io_s=13), 2)
    said = {one.id: one for one in diagnose(chain).findings}

    assert said[FindingId.REPLICA_LAGGING].confidence is Confidence.LIKELY
    assert "13 s ago, which does not answer us either" in said[FindingId.REPLICA_LAGGING].summary
    assert not diagnose(with_link(chain, 3, last_io_s=12)).has(FindingId.REPLICA_LAGGING)


def test_a_replica_that_holds_what_its_master_has_lost():
    empty = with_view(with_view(with_node(lost(), 1, replid="c" * 40), 1, keys=0), 2, keys=3_000)

    assert "It holds 3,000 keys, and the master none" in broken(empty).summary
    assert "no provable common ancestor" in " ".join(one.observation for one in broken(empty).evidence)
    for other in (with_view(empty, 1, keys=1), with_view(empty, 2, keys=0), with_node(empty, 1, replid="a" * 40)):
        assert "It holds" not in broken(other).summary
