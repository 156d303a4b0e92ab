"""Which setting is suggested, with a value that follows from what was seen; and where none is."""

from dataclasses import replace

import pytest

from actions import tune
from actions.kit.closer import Closer
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Finding, FindingId
from actions.kit.plan import Plan
from actions.kit.snapshot import Snapshot
from actions.kit.stats import NodeStats
from actions.kit.topology import Address, Kind
from actions.registry import ACTIONS
from bot.grammar import parse
from tests.actions.kit.cluster.test_cluster_rules import address
from tests.builders import OFFSET, healthy, node_at, with_link, with_node, with_opinion, with_view, without_node
from tests.clusters import cluster

MIB = 2**20
GIB = 2**30


def sized(
    snapshot: Snapshot, number: int, limit: int, *, machine: int | None = 8 * GIB, held: int = 120 * MIB
) -> Snapshot:
    stats = NodeStats(resident=held, system_memory=machine, last_cow=10 * MIB)
    memory = {"used_memory": 101 * MIB, "max_memory": limit, "max_memory_policy": "noeviction"}
    return with_node(snapshot, number, stats=stats, **memory)


def full(*, machine: int | None = 8 * GIB, held: int = 120 * MIB, replicas: int = 100 * MIB) -> Snapshot:
    snapshot = sized(healthy(), 1, 100 * MIB, machine=machine, held=held)
    for number in (2, 3):
        snapshot = sized(snapshot, number, replicas, machine=machine, held=held)
    return snapshot


def found(snapshot: Snapshot, wanted: FindingId, before: Snapshot | None = None) -> Finding:
    return next(one for one in diagnose(snapshot, before).findings if one.id is wanted)


def tunings(snapshot: Snapshot, wanted: FindingId, before: Snapshot | None = None) -> list[str]:
    """The lines that set something, each of which can be typed and has a plan."""
    lines = [line for line in found(snapshot, wanted, before).suggests if line.startswith("tune ")]
    for line in lines:
        assert isinstance(tune.plan(snapshot, parse(line, ACTIONS, (snapshot.target,)).options), Plan)
    return lines


def test_a_full_master_is_given_a_quarter_more_where_its_machine_has_that() -> None:
    assert tunings(full(), FindingId.OUT_OF_MEMORY) == ["tune orders maxmemory=127mb"]
    said = found(full(), FindingId.OUT_OF_MEMORY).evidence[-1].observation
    assert f"maxmemory 127mb is a quarter more than {101 * MIB:,}" in said
    assert f"{node_at(1)} would leave 98 % of its machine free, whatever else runs there not counted" in said


def test_a_replica_that_may_hold_more_already_keeps_that() -> None:
    only = f"tune orders maxmemory@{node_at(1)}=127mb"
    assert tunings(full(replicas=0), FindingId.OUT_OF_MEMORY) == [only]
    assert tunings(full(replicas=GIB), FindingId.OUT_OF_MEMORY) == [only]


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(full(machine=160 * MIB), id="its machine has no room for it"),
        pytest.param(full(machine=None), id="nobody says how much its machine has"),
        pytest.param(sized(full(), 2, 100 * MIB, machine=160 * MIB), id="a replica's has not"),
        pytest.param(
            with_opinion(full(), 1, flags=frozenset({"failover_in_progress"})), id="tune would be refused now"
        ),
    ],
)
def test_nothing_is_suggested_that_does_not_follow(snapshot: Snapshot) -> None:
    assert tunings(snapshot, FindingId.OUT_OF_MEMORY) == []


def on_one_machine(snapshot: Snapshot) -> Snapshot:
    """The same nodes on one host, each on a port of its own."""
    places = {node.address: Address("10.0.0.9", 7000 + number) for number, node in enumerate(snapshot.nodes)}
    nodes = []
    for node in snapshot.nodes:
        assert node.info is not None
        link = node.info.link and replace(node.info.link, master=places[node.info.link.master])
        nodes.append(replace(node, address=places[node.address], info=replace(node.info, link=link)))
    return replace(snapshot, nodes=tuple(nodes))


def test_nodes_of_one_machine_share_it() -> None:
    """Each alone would have room."""
    apart = replace(full(machine=450 * MIB), sentinels=())
    apart = replace(apart, kind=Kind.REPLICATION)
    assert tunings(apart, FindingId.OUT_OF_MEMORY) == ["tune orders maxmemory=127mb"]
    assert tunings(on_one_machine(apart), FindingId.OUT_OF_MEMORY) == []
    roomy = replace(full(machine=GIB), sentinels=(), kind=Kind.REPLICATION)
    assert tunings(on_one_machine(roomy), FindingId.OUT_OF_MEMORY) == ["tune orders maxmemory=127mb"]


def test_of_a_cluster_the_full_shard_alone_is_set() -> None:
    snapshot = cluster(3, 1).snapshot()
    numbers = [number for number, node in enumerate(snapshot.nodes, 1)]
    for number in numbers:
        limit = 100 * MIB if snapshot.nodes[number - 1].address in (address(1), address(4)) else 4 * GIB
        snapshot = sized(snapshot, number, limit)
    assert tunings(snapshot, FindingId.OUT_OF_MEMORY) == [f"tune carts maxmemory@{address(1)},{address(4)}=127mb"]


def test_one_that_does_not_answer_is_not_counted_on() -> None:
    assert tunings(without_node(full(), 3), FindingId.OUT_OF_MEMORY) == [
        f"tune orders maxmemory@{node_at(1)},{node_at(2)}=127mb"
    ]


def told(snapshot: Snapshot, *, backlog: int = MIB, machine: int | None = 8 * GIB) -> Snapshot:
    """Every node says how much it holds, of how much, and how long its backlog is."""
    for number, node in enumerate(snapshot.nodes, 1):
        assert node.info is not None
        stats = replace(node.info.stats, resident=100 * MIB, system_memory=machine)
        snapshot = with_node(snapshot, number, stats=stats, backlog_bytes=backlog)
    return snapshot


def cut_off(times: int, begun: int, *, soft: tuple[int, int] | None = (64 * MIB, 60), **more: int | None) -> Snapshot:
    """Replica 2 is in a full sync, as so often; the master has cut so many off."""
    snapshot = with_link(healthy(), 2, up=False, sync_in_progress=True)
    snapshot = with_node(snapshot, 1, stats=NodeStats(full_syncs=begun, cut_by_output_limit=times))
    snapshot = with_view(snapshot, 1, closer=Closer(replica_buffer=256 * MIB, replica_soft=soft))
    return told(snapshot, **more)  # type: ignore[arg-type]


def test_a_replica_that_is_cut_off_again_and_again_is_given_twice_the_buffer() -> None:
    (line,) = tunings(cut_off(3, 9), FindingId.REPLICATION_BROKEN, cut_off(1, 6))
    assert line == f'tune orders client-output-buffer-limit@{node_at(1)}="replica 512mb 128mb 60"'
    said = found(cut_off(3, 9), FindingId.REPLICATION_BROKEN, cut_off(1, 6)).evidence[-1].observation
    assert "replica 512mb 128mb 60 is twice that at which it is cut off; all full, " in said


@pytest.mark.parametrize(
    ("now", "before"),
    [
        pytest.param(cut_off(1, 9), cut_off(1, 6), id="nobody was cut off meanwhile"),
        pytest.param(cut_off(3, 9, soft=None), cut_off(1, 6), id="its limits were not told"),
        pytest.param(cut_off(3, 9, machine=GIB), cut_off(1, 6), id="its machine has no room for what two may fill"),
    ],
)
def test_no_buffer_is_suggested_that_does_not_follow(now: Snapshot, before: Snapshot) -> None:
    assert tunings(now, FindingId.REPLICATION_BROKEN, before) == []


def fell_back(lacked: int, *, backlog: int = MIB, link_up: bool = False) -> tuple[Snapshot, Snapshot]:
    """Replica 2 lacked so much when it came back, and is in a full sync now."""
    stats = NodeStats(refused_partial_syncs=4)
    then = with_node(with_link(healthy(), 2, up=link_up), 2, offset=OFFSET)
    then = with_node(then, 1, offset=OFFSET + lacked, stats=stats)
    now = with_link(then, 2, up=False, sync_in_progress=True)
    now = with_node(with_node(now, 1, stats=replace(stats, refused_partial_syncs=5)), 2, offset=1)
    return told(now, backlog=backlog), told(then, backlog=backlog)


def test_a_backlog_that_was_too_short_is_made_twice_as_long_as_it_had_to_be() -> None:
    now, then = fell_back(5 * MIB)
    assert tunings(now, FindingId.REPLICA_SYNCING, then) == ["tune orders repl-backlog-size=10mb"]
    said = found(now, FindingId.REPLICA_SYNCING, then).evidence[-1].observation
    assert f"twice the {5 * MIB:,} bytes that {node_at(2)} lacked, it has {MIB:,}; " in said


def test_no_backlog_is_suggested_that_does_not_follow() -> None:
    enough, had_a_link = fell_back(5 * MIB, backlog=6 * MIB), fell_back(5 * MIB, link_up=True)
    now, then = fell_back(5 * MIB)
    other = with_node(then, 2, replid="f" * 40)
    not_refused = with_node(now, 1, stats=replace(now.nodes[0].info.stats, refused_partial_syncs=4))
    for one, before in (enough, had_a_link, (now, other), (not_refused, then)):
        assert tunings(one, FindingId.REPLICA_SYNCING, before) == []
