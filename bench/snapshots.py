"""Snapshots of any size to measure the rules by: one master with replicas, and a cluster; well, or with a loss."""

from __future__ import annotations

from dataclasses import replace

from actions.kit.snapshot import NodeView, Reason, Snapshot
from actions.kit.topology import Address
from tests import clusters
from tests.builders import healthy, with_link, without_node


def one_master(nodes: int, sentinels: int = 3) -> Snapshot:
    """A master, whose replicas all others are, and Sentinels in charge; nobody where there are none."""
    return healthy(nodes - 1, sentinels)


def cluster(shards: int, replicas: int) -> Snapshot:
    """Masters with neighbouring slots, and their replicas, all of one opinion."""
    return clusters.cluster(shards, replicas).snapshot()


def without_master(snapshot: Snapshot) -> Snapshot:
    """The first node is dead: nothing listens there, and every replica of it has lost its link."""
    first = snapshot.nodes[0].address
    for number, node in enumerate(snapshot.nodes, 1):
        if _follows(node, first):
            snapshot = with_link(snapshot, number, up=False, last_io_s=None, down_since_s=3)
    return without_node(snapshot, 1, Reason.REFUSED)


def without_replicas(snapshot: Snapshot) -> Snapshot:
    """All nodes but the first hang."""
    silent = (without_node(snapshot, number).nodes[number - 1] for number in range(2, len(snapshot.nodes) + 1))
    return replace(snapshot, nodes=(snapshot.nodes[0], *silent))


def _follows(node: NodeView, master: Address) -> bool:
    return node.info is not None and node.info.link is not None and node.info.link.master == master
