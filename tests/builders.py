"""Hand-made snapshots: a healthy target of any size, and small changes to it."""

from dataclasses import replace
from datetime import UTC, datetime

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
REPLID = "a" * 40


def node_at(number: int) -> Address:
    """The address of node ``number``, from 1: 1 is the master."""
    return Address(f"10.0.{number // 250}.{number % 250}", 6379)


def sentinel_at(number: int) -> Address:
    """The address of Sentinel ``number``, from 1."""
    return Address(f"10.1.0.{number}", 26379)


def master_view(replicas: int) -> NodeView:
    attached = tuple(AttachedReplica(node_at(number), "online", OFFSET, 0) for number in range(2, replicas + 2))
    return NodeView(node_at(1), info=info_of(1, Role.MASTER, replicas=attached), config=NodeConfig(0, 10, 100))


def replica_view(number: int) -> NodeView:
    link = Link(node_at(1), up=True, sync_in_progress=False, last_io_s=0, down_since_s=None)
    info = info_of(number, Role.REPLICA, link=link, priority=100)
    return NodeView(node_at(number), info=info, config=NodeConfig(0, 10, 100))


def sentinel_view(number: int, replicas: int, sentinels: int) -> SentinelView:
    seen = tuple(
        SentinelReplica(node_at(one), frozenset({"slave"}), True, 100, OFFSET, node_at(1), "slave", 500)
        for one in range(2, replicas + 2)
    )
    peers = tuple(sentinel_at(one) for one in range(1, sentinels + 1) if one != number)
    master = MonitoredMaster(
        address=node_at(1),
        flags=frozenset({"master"}),
        config_epoch=0,
        quorum=sentinels // 2 + 1,
        other_sentinels=len(peers),
        down_after_ms=2_000,
        failover_timeout_ms=10_000,
        replicas=seen,
        peers=peers,
    )
    return SentinelView(sentinel_at(number), master=master, quorum_ok=True, quorum_text="OK")


def healthy(replicas: int = 2, sentinels: int = 3) -> Snapshot:
    """One master, its replicas and its Sentinels; of kind replication where there are none."""
    nodes = (master_view(replicas), *map(replica_view, range(2, replicas + 2)))
    return Snapshot(
        target="orders",
        kind=Kind.SENTINEL if sentinels else Kind.REPLICATION,
        observed_at=datetime(2025, 1, 1, tzinfo=UTC),
        nodes=nodes if sentinels else tuple(replace(node, watching_sentinels=0) for node in nodes),
        sentinels=tuple(sentinel_view(number, replicas, sentinels) for number in range(1, sentinels + 1)),
        master_name="mymaster",
    )


def with_node(snapshot: Snapshot, number: int, **info: object) -> Snapshot:
    """The same with fields of one node's INFO changed."""
    nodes = list(snapshot.nodes)
    nodes[number - 1] = replace(nodes[number - 1], info=replace(nodes[number - 1].info, **info))
    return replace(snapshot, nodes=tuple(nodes))


def with_view(snapshot: Snapshot, number: int, **view: object) -> Snapshot:
    """The same with fields of one node's view changed."""
    nodes = list(snapshot.nodes)
    nodes[number - 1] = replace(nodes[number - 1], **view)
    return replace(snapshot, nodes=tuple(nodes))


def with_link(snapshot: Snapshot, number: int, **link: object) -> Snapshot:
    """The same with fields of one replica's link changed."""
    return with_node(snapshot, number, link=replace(snapshot.nodes[number - 1].info.link, **link))


def with_opinion(snapshot: Snapshot, number: int, **master: object) -> Snapshot:
    """The same with fields of what one Sentinel says of the master changed."""
    return with_sentinel(snapshot, number, master=replace(snapshot.sentinels[number - 1].master, **master))


def with_sentinel(snapshot: Snapshot, number: int, **view: object) -> Snapshot:
    """The same with fields of one Sentinel's view changed."""
    sentinels = list(snapshot.sentinels)
    sentinels[number - 1] = replace(sentinels[number - 1], **view)
    return replace(snapshot, sentinels=tuple(sentinels))


def without_node(snapshot: Snapshot, number: int, reason: Reason = Reason.TIMED_OUT) -> Snapshot:
    """The same with one node that gives no answer."""
    address = snapshot.nodes[number - 1].address
    return with_view(snapshot, number, info=None, config=None, unasked=Unasked(f"node {address}", reason, "no answer"))


def without_sentinel(snapshot: Snapshot, number: int, reason: Reason = Reason.TIMED_OUT) -> Snapshot:
    """The same with one Sentinel that gives no answer."""
    unasked = Unasked(f"sentinel {sentinel_at(number)}", reason, "no answer")
    return with_sentinel(snapshot, number, master=None, quorum_ok=None, quorum_text="", unasked=unasked)


def info_of(number: int, role: Role, **fields: object) -> NodeInfo:
    plain = NodeInfo(
        role=role,
        flavour="valkey",
        version=(9, 1, 0),
        run_id=f"{number:040x}",
        uptime_s=1_000,
        loading=False,
        replid=REPLID,
        replid2="0" * 40,
        offset=OFFSET,
        second_repl_offset=-1,
        failover_state="no-failover",
    )
    return replace(plain, **fields)
