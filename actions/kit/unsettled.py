"""Why nothing that is about the data of a whole target may begin now: its roles are not settled. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.cluster.refusals import no_cluster, under_way
from actions.kit.cluster.shards import Shards
from actions.kit.fencing import fence_left
from actions.kit.replication_refusals import two_masters
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Kind


def unsettled(snapshot: Snapshot) -> Iterator[str]:
    """What shows that roles move, or that nobody knows whose data counts; every reason, as sentences."""
    if snapshot.kind is Kind.CLUSTER:
        yield from _cluster_unsettled(snapshot)
    else:
        yield from two_masters(snapshot)
        yield from _no_master(snapshot)
    for view in snapshot.sentinels:
        if view.master is not None and "failover_in_progress" in view.master.flags:
            yield f"A failover is in progress, says Sentinel {view.address}."
    for node in snapshot.nodes:
        yield from _node_unsettled(node)


def _cluster_unsettled(snapshot: Snapshot) -> Iterator[str]:
    shards = Shards(snapshot)
    if not shards.views:
        yield no_cluster(snapshot)
    for shard in shards.shards:
        yield from under_way(shards, shard)


def _no_master(snapshot: Snapshot) -> Iterator[str]:
    """Without one the others would be set and it would not, or somebody else is about to be promoted."""
    agreed = snapshot.agreed_master
    node = snapshot.node(agreed)
    if len(snapshot.masters) > 1:
        return
    if agreed is None and snapshot.kind is Kind.SENTINEL:
        yield "No majority of all Sentinels names one master."
    elif node is None or node.info is None:
        yield f"The master {agreed or f'of {snapshot.target}'} does not answer: see to that first."
    elif not node.is_master:
        yield f"The Sentinels name {agreed}, but it says that it is a {node.info.role}: a failover may be under way."


def _node_unsettled(node: NodeView) -> Iterator[str]:
    if node.info is not None and node.info.loading:
        yield f"{node.address} is loading its data; wait until it is through."
    if node.info is not None and node.info.failover_state not in {None, "no-failover"}:
        yield f"The master {node.address} is in a FAILOVER of its own: {node.info.failover_state}."
    if left := fence_left(node):
        yield f"{node.address} {left}: an earlier run was cut off and has to be settled first."
