"""Snapshots of any size to measure the rules by: one master with replicas, and a cluster; well, or with a loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from actions.kit.cluster.replies import parse_cluster
from actions.kit.cluster.view import SLOTS
from actions.kit.snapshot import (
    AttachedReplica,
    Link,
    MonitoredMaster,
    NodeConfig,
    NodeInfo,
    NodeView,
    Reason,
    Role,
    SentinelReplica,
    SentinelView,
    Snapshot,
    Unasked,
)
from actions.kit.topology import Address, Kind

OFFSET = 10_000
_CONFIG = NodeConfig(min_replicas_to_write=0, min_replicas_max_lag=10, replica_priority=100)


def one_master(nodes: int, sentinels: int = 3) -> Snapshot:
    """A master, whose replicas all others are, and Sentinels in charge; nobody where there are none."""
    replicas = tuple(map(_place, range(1, nodes)))
    watching = tuple(Address(f"10.255.0.{number}", 26379) for number in range(sentinels))
    return Snapshot(
        target="orders",
        kind=Kind.SENTINEL if sentinels else Kind.REPLICATION,
        observed_at=datetime(2025, 1, 1, tzinfo=UTC),
        nodes=(_master(0, replicas), *(_replica(number, _place(0)) for number in range(1, nodes))),
        sentinels=tuple(_sentinel(one, watching, replicas) for one in watching),
        master_name="mymaster",
    )


def cluster(shards: int, replicas: int) -> Snapshot:
    """Masters with neighbouring slots, and their replicas, all of one opinion."""
    return Snapshot(
        target="carts",
        kind=Kind.CLUSTER,
        observed_at=datetime(2025, 1, 1, tzinfo=UTC),
        nodes=tuple(_of_cluster(number, shards, replicas) for number in range(shards * (replicas + 1))),
    )


def without_master(snapshot: Snapshot) -> Snapshot:
    """The first node is dead: nothing listens there, and every replica of it has lost its link."""
    first = snapshot.nodes[0].address
    silent = NodeView(first, Unasked(f"node {first}", Reason.REFUSED, "the connection was refused"))
    return replace(snapshot, nodes=(silent, *(_cut(node, first) for node in snapshot.nodes[1:])))


def without_replicas(snapshot: Snapshot) -> Snapshot:
    """All nodes but the first hang."""
    silent = (
        NodeView(node.address, Unasked(f"node {node.address}", Reason.TIMED_OUT, "no answer within 2000 ms"))
        for node in snapshot.nodes[1:]
    )
    return replace(snapshot, nodes=(snapshot.nodes[0], *silent))


def _place(number: int) -> Address:
    return Address(f"10.0.{number // 250}.{number % 250}", 6379)


def _info(number: int, role: Role, *, history: int = 0) -> NodeInfo:
    return NodeInfo(
        role=role,
        flavour="valkey",
        version=(9, 1, 0),
        run_id=f"{number:040x}",
        uptime_s=1_000,
        loading=False,
        replid=f"{history + 1:040x}",
        replid2="0" * 40,
        offset=OFFSET,
        second_repl_offset=-1,
        priority=100,
        failover_state="no-failover",
    )


def _master(number: int, replicas: Sequence[Address]) -> NodeView:
    attached = tuple(AttachedReplica(one, "online", OFFSET, 0) for one in replicas)
    return NodeView(
        _place(number), info=replace(_info(number, Role.MASTER, history=number), replicas=attached), config=_CONFIG
    )


def _replica(number: int, master: Address, history: int = 0) -> NodeView:
    link = Link(master, up=True, sync_in_progress=False, last_io_s=0, down_since_s=None)
    return NodeView(
        _place(number), info=replace(_info(number, Role.REPLICA, history=history), link=link), config=_CONFIG
    )


def _cut(node: NodeView, master: Address) -> NodeView:
    info = node.info
    if info is None or info.link is None or info.link.master != master:
        return node
    return replace(node, info=replace(info, link=replace(info.link, up=False, last_io_s=None, down_since_s=3)))


def _sentinel(place: Address, watching: Sequence[Address], replicas: Sequence[Address]) -> SentinelView:
    peers = tuple(one for one in watching if one != place)
    master = MonitoredMaster(
        address=_place(0),
        flags=frozenset({"master"}),
        config_epoch=0,
        quorum=len(watching) // 2 + 1,
        other_sentinels=len(peers),
        down_after_ms=2_000,
        failover_timeout_ms=10_000,
        replicas=tuple(
            SentinelReplica(one, frozenset({"slave"}), True, 100, OFFSET, _place(0), "slave", 500) for one in replicas
        ),
        peers=peers,
    )
    return SentinelView(place, master=master, quorum_ok=True, quorum_text="OK")


def _of_cluster(number: int, shards: int, replicas: int) -> NodeView:
    shard = number % shards
    if number < shards:
        view = _master(number, [_place(shard + shards * turn) for turn in range(1, replicas + 1)])
    else:
        view = _replica(number, _place(shard), history=shard)
    count = shards * (replicas + 1)
    fields = {
        "cluster_state": "ok",
        "cluster_slots_assigned": SLOTS,
        "cluster_slots_ok": SLOTS,
        "cluster_slots_pfail": 0,
        "cluster_slots_fail": 0,
        "cluster_known_nodes": count,
        "cluster_size": shards,
        "cluster_current_epoch": shards,
        "cluster_my_epoch": shard + 1,
    }
    told = "".join(f"{name}:{value}\r\n" for name, value in fields.items())
    table = "".join(_row(one, shards, myself=one == number) for one in range(count))
    itself = replace(view.info, cluster_enabled=True) if view.info else None
    return replace(view, info=itself, cluster=parse_cluster(told.encode(), table.encode()))


def _row(number: int, shards: int, *, myself: bool) -> str:
    """A line of CLUSTER NODES."""
    shard, place = number % shards, _place(number)
    is_master = number < shards
    flags = f"{'myself,' if myself else ''}{'master' if is_master else 'slave'}"
    first, last = SLOTS * shard // shards, SLOTS * (shard + 1) // shards - 1
    slots = f" {first}-{last}" if is_master else ""
    head = "-" if is_master else f"{shard:040x}"
    return f"{number:040x} {place.host}:6379@16379 {flags} {head} 0 {0 if myself else 1} {shard + 1} connected{slots}\n"
