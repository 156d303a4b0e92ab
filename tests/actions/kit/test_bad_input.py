"""INFO of three real servers, and what could become of it: nothing raises but Garbled, and nothing wrong is certain.

The texts in ``info/`` are what a master with one replica, and that replica, answered. What other servers would answer
is made of them by rule.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.kit import node_info
from actions.kit.closer import Closer, Refused, SlowCommand
from actions.kit.diagnosis import diagnose
from actions.kit.errors import Garbled
from actions.kit.findings import Confidence, FindingId, Severity
from actions.kit.identity import one_view_each
from actions.kit.info import INFO_FIELDS, InfoReader, info_fields
from actions.kit.snapshot import NodeConfig, NodeView, Reason, Snapshot, Unasked
from actions.kit.stats import Errors, NodeStats
from actions.kit.topology import Kind
from tests.builders import healthy, node_at, with_link, with_node, with_sentinel, with_view

TEXTS = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "info").glob("*.txt"))}
SERVERS = sorted({name.rpartition("-")[0] for name in TEXTS})
BOTH = [(TEXTS[f"{name}-master"], TEXTS[f"{name}-replica"]) for name in SERVERS]
MARKUP = ("<!channel>", "`*_~`", "\u202egnp.exe", "a\0b", "\x1b[31m", "@here", "é\udcff")
ABSURD = ("", "-1", "0", str(2**63 - 1), str(2**64), "9" * 40, "1e9", "nan", "up", "٣", *MARKUP)

Change = Callable[[str], str]


def view(number: int, text: str | bytes) -> NodeView:
    """As the adapter makes it."""
    try:
        fields = info_fields(text)
        info = node_info.parse_info(fields)
    except Garbled as error:
        return NodeView(node_at(number), Unasked(f"node {node_at(number)} INFO", Reason.GARBAGE, str(error)))
    return NodeView(node_at(number), info=info, config=NodeConfig(0, 10, 100), watching_sentinels=0)


def pair(master: str | bytes, replica: str | bytes) -> Snapshot:
    nodes = one_view_each((view(1, master), view(2, replica)))
    return replace(healthy(0, 0), kind=Kind.REPLICATION, nodes=nodes)


def said(snapshot: Snapshot) -> list[tuple[FindingId, Confidence]]:
    return [(one.id, one.confidence) for one in diagnose(snapshot).findings]


HEALTHY = [(FindingId.HEALTHY, Confidence.CERTAIN)]


def lines_without(*starts: str) -> Change:
    return lambda text: "\n".join(line for line in text.split("\n") if not line.startswith(starts))


def with_line(line: str) -> Change:
    name = line.partition(":")[0]
    return lambda text: "\n".join(line if old.startswith(f"{name}:") else old for old in text.split("\n"))


@pytest.mark.parametrize(("master", "replica"), BOTH, ids=SERVERS)
def test_real_servers_are_healthy(master, replica):
    assert said(pair(master, replica)) == HEALTHY


HARMLESS = {
    "lines end as they should": lambda text: text.replace("\n", "\r\n"),
    "each line twice": lambda text: "\n".join(line for line in text.split("\n") for _ in range(2)),
    "unknown sections": lambda text: f"# Keydb\nmulti_master:no\n{text}\n# Later\nnobody_knows:1\nno colon\n:\n::\n",
    "a module that prints as it likes": lambda text: text + "\r\n# ft\r\nft_role:<!channel>\r\n\0\r\n",
    "an older server": lines_without(
        "errorstat_", "cluster_connections", "maxclients", "server_time_usec", "io_threads"
    ),
    "no memory section": lines_without("used_memory", "mem_", "allocator", "maxmemory", "total_system"),
    "no persistence but loading": lines_without("rdb_", "aof_", "async_"),
    "no counts": lines_without("total_", "sync_", "evicted", "rejected", "client_", "keyspace"),
    "a cloud that hides its file": lines_without("config_file", "executable"),
    "Redis of the future": lambda text: text.replace("redis_version:", "redis_version:99."),
    "a version of our own": with_line("redis_version:7.4.1-rc2-custom"),
    "a thousand modules": lambda text: text + "".join(f"module:name=m{n},ver=1\n" for n in range(1_000)),
}


@pytest.mark.parametrize(("master", "replica"), BOTH, ids=SERVERS)
@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_other_servers_say_beside_makes_nothing_ill(master, replica, change):
    assert said(pair(change(master), change(replica))) == HEALTHY


GARBLED = {
    "KeyDB's active replica": with_line("role:active-replica"),
    "a server without a run id": lines_without("run_id"),
    "a server that counts no offset": lines_without("master_repl_offset", "slave_repl_offset"),
    "no section on replication": lines_without("role", "master_", "slave"),
    "a Sentinel": lambda text: text + "sentinel_tilt:0\n",
    "nothing": lambda _text: "",
    "zero bytes": lambda _text: "\0" * 100,
    "another protocol": lambda _text: "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n",
}


@pytest.mark.parametrize(("master", "replica"), BOTH, ids=SERVERS)
@pytest.mark.parametrize("change", GARBLED.values(), ids=GARBLED)
def test_who_cannot_be_understood_is_never_certainly_anything(master, replica, change):
    for snapshot in (pair(master, change(replica)), pair(change(master), replica)):
        silent = next(node for node in snapshot.nodes if node.info is None)
        findings = diagnose(snapshot).findings

        assert findings[0].id is not FindingId.HEALTHY
        assert not [one for one in findings if silent.address in one.nodes and one.confidence is Confidence.CERTAIN]


def test_the_role_that_is_not_known_is_named():
    master, replica = BOTH[0]
    said_of_it = diagnose(pair(master, GARBLED["KeyDB's active replica"](replica))).verdict
    assert "INFO says role:active-replica, neither master nor slave" in said_of_it.summary


def fields_of(text: str) -> list[str]:
    return [line.partition(":")[0] for line in text.split("\n") if ":" in line]


@given(st.data())
def test_no_value_raises_anything_but_garbled_nor_gets_through_to_a_screen(data):
    texts = list(BOTH[data.draw(st.integers(0, len(BOTH) - 1))])
    for _ in range(data.draw(st.integers(1, 6))):
        which = data.draw(st.integers(0, 1))
        name = data.draw(st.sampled_from(fields_of(texts[which])))
        texts[which] = with_line(f"{name}:{data.draw(st.sampled_from(ABSURD))}")(texts[which])
    for finding in diagnose(pair(*texts)).findings:
        words = [finding.summary, *(word for one in finding.evidence for word in (one.source, one.observation))]
        assert all(word.isprintable() for word in words)


def certainly_ill(snapshot: Snapshot) -> list[str]:
    sure = [one for one in diagnose(snapshot).findings if one.confidence is Confidence.CERTAIN]
    return [one.summary for one in sure if one.severity > Severity.INFO]


@given(st.data())
def test_lines_that_are_lost_never_make_a_healthy_pair_certainly_ill(data):
    texts = list(BOTH[data.draw(st.integers(0, len(BOTH) - 1))])
    which = data.draw(st.integers(0, 1))
    gone = data.draw(st.sets(st.sampled_from(fields_of(texts[which])), min_size=1, max_size=20))
    texts[which] = lines_without(*(f"{name}:" for name in gone))(texts[which])
    assert not certainly_ill(pair(*texts))


@pytest.mark.parametrize(("master", "replica"), BOTH, ids=SERVERS)
def test_one_line_that_is_lost_never_makes_a_healthy_pair_certainly_ill(master, replica):
    for name in INFO_FIELDS:
        without = lines_without(f"{name}:")
        assert not certainly_ill(pair(without(master), replica)), name
        assert not certainly_ill(pair(master, without(replica))), name


@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 7_000), st.binary(max_size=20))
def test_a_text_that_is_cut_short_or_goes_on_in_bytes_parses_or_is_garbled(name, length, rest):
    text = TEXTS[name].encode()[:length] + rest
    reader = InfoReader()
    for reply in (TEXTS[name].encode(), TEXTS[name].encode(), text, TEXTS[name].encode()):
        fields = reader.fields(reply)
        assert fields == info_fields(reply)
        with suppress(Garbled):
            node_info.parse_info(fields)


@pytest.mark.parametrize("field", ["master_host", "slave0", "role", "master_replid", "maxmemory_policy"])
@pytest.mark.parametrize("value", MARKUP)
def test_names_that_try_to_be_markup(field, value):
    value = f"ip={value},port=6379,state={value},offset=1,lag=0" if field == "slave0" else value
    for master, replica in BOTH:
        snapshot = pair(with_line(f"{field}:{value}")(master), with_line(f"{field}:{value}")(replica))
        hosts = {link.master.host for node in snapshot.nodes if node.info and (link := node.info.link)}
        hosts |= {one.address.host for node in snapshot.nodes if node.info for one in node.info.replicas}

        assert not hosts & {value, *MARKUP}
        diagnose(snapshot)


def test_a_sentinel_that_names_itself_by_markup_is_shown_in_one_line():
    snapshot = with_sentinel(healthy(), 1, quorum_ok=False, quorum_text="NOQUORUM \n\u202e<!channel>\0")
    texts = [one.observation for finding in diagnose(snapshot).findings for one in finding.evidence]
    assert any("<!channel>" in text for text in texts)
    assert all(text.isprintable() for text in texts)


def test_clocks_that_jump():
    """A node's clock went back: it is up for less than before, and its replica has acknowledged in the future."""
    master, replica = BOTH[0]
    odd = with_line("slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=-3600")(master)
    then = pair(master, replica)
    now = pair(with_line("uptime_in_seconds:1")(odd), with_line("uptime_in_seconds:-5")(replica))

    assert [(one.id, one.confidence) for one in diagnose(now, then).findings] == HEALTHY
    gone = replace(now, nodes=(now.nodes[0], replace(now.nodes[1], info=None, unasked=_timed_out())))
    assert "its master" not in diagnose(gone).verdict.summary


def _timed_out() -> Unasked:
    return Unasked(f"node {node_at(2)}", Reason.TIMED_OUT, "no answer")


def test_two_addresses_of_one_process_are_one_node():
    master, replica = BOTH[0]
    snapshot = replace(healthy(0, 0), nodes=one_view_each((view(1, master), view(2, replica), view(9, master))))

    assert [node.address for node in snapshot.nodes] == [node_at(1), node_at(2)]
    assert said(snapshot) == HEALTHY


def test_an_address_whose_node_is_another_one_than_a_moment_ago():
    """Its counters are not the other's: nothing grew."""
    then, now = (
        with_node(healthy(), 2, run_id=run_id * 40, errors=replace(healthy().nodes[1].info.errors, readonly=times))
        for run_id, times in (("a", 1), ("b", 900))
    )
    assert [one.id for one in diagnose(now, then).findings] == [FindingId.HEALTHY]


def test_500_replicas():
    snapshot = healthy(500, 3)
    lagging = with_view(snapshot, 400, unasked=_timed_out(), info=None)

    assert diagnose(snapshot).verdict.id is FindingId.HEALTHY
    assert [one.id for one in diagnose(lagging).findings if one.severity is Severity.WARNING] == [
        FindingId.REPLICA_DOWN
    ]


numbers = st.none() | st.sampled_from((0, 1, 2**20, 2**31, 2**63)) | st.integers(0, 10**19)
measured = st.builds(NodeStats, **dict.fromkeys(NodeStats.__dataclass_fields__, numbers))
errors = st.builds(Errors, **{name: st.integers(0, 3) for name in Errors.__dataclass_fields__})
flags = st.none() | st.booleans()
closer = st.none() | st.builds(
    Closer,
    **dict.fromkeys(("protected_mode", "has_password", "has_master_user", "diskless", "serves_stale"), flags),
    **dict.fromkeys(("port", "tls_port", "replica_buffer"), numbers),
    refused=st.tuples(
        st.builds(
            Refused,
            st.sampled_from(("auth", "command", "key")),
            st.sampled_from(("psync", "get", "")),
            st.sampled_from((node_at(1).host, node_at(2).host, "", "x")),
            st.integers(0, 5),
            st.sampled_from((0.0, 59.0, 1e9)),
        )
    ),
    slow=st.tuples(st.builds(SlowCommand, numbers, st.integers(-5, 10**19), st.integers(0, 10**19), st.just("KEYS"))),
)


@settings(max_examples=40)
@given(st.data())
def test_whatever_is_counted_and_measured_nothing_raises_and_who_is_master_is_not_in_doubt(data):
    snapshots = []
    for _ in range(2):
        snapshot = healthy(2, data.draw(st.sampled_from((0, 3))))
        for number in (1, 2, 3):
            fields = {
                name: data.draw(numbers) for name in ("used_memory", "max_memory", "max_clients", "connected_clients")
            }
            snapshot = with_node(snapshot, number, stats=data.draw(measured), errors=data.draw(errors), **fields)
            snapshot = with_view(snapshot, number, closer=data.draw(closer))
        if data.draw(st.booleans()):
            snapshot = with_link(snapshot, 2, up=False, sync_in_progress=data.draw(st.booleans()))
        snapshots.append(snapshot)
    diagnosis = diagnose(snapshots[1], snapshots[0])

    assert diagnosis.master == node_at(1)
    assert not {one.id for one in diagnosis.findings} & ABOUT_MASTER


ABOUT_MASTER = {
    *(FindingId.MASTER_DOWN, FindingId.MASTER_UNREACHABLE, FindingId.SPLIT_BRAIN, FindingId.UNDETERMINED),
    *(FindingId.FAILOVER_IN_PROGRESS, FindingId.SENTINEL_DISAGREEMENT),
}
