"""Which nodes belong to another deployment: a replica that was told to follow one of them leads there. No I/O here.

A node is asked because another one names it. So one wrong REPLICAOF brings in a foreign master with all its replicas:
not a second master of this target, which could be given up, but none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from actions.kit.diagnosis.lineage import NO_ID
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address, Kind

_NODE = "node "


def without_strangers(snapshot: Snapshot, seen_before: Collection[Address] = ()) -> Snapshot:
    """The same without nodes of another deployment.

    Such are a master that only nodes name, which follow it, that was not seen before, and that shares no history with
    any node that does not follow it; and who is named by it and its replicas alone. As long as the target has no other
    master that answers, or is agreed on, nobody is left out: then it may have become the master.

    Args:
        snapshot: as seen now, of whatever kind; those that are no plain replication stay as they are.
        seen_before: the nodes that were part of this target before.
    """
    if snapshot.kind not in {Kind.REPLICATION, Kind.SENTINEL} or all(map(_is_listed, snapshot.masters)):
        return snapshot
    own = _own(snapshot, seen_before)
    heads = {node.address: _head(snapshot, node) for node in snapshot.nodes}
    strange = _strange_masters(snapshot, own, heads)
    if not strange:
        return snapshot
    foreign = strange | {address for address, head in heads.items() if head in strange and address not in own}
    foreign |= {node.address for node in snapshot.nodes if node.address not in own and _only_by(node, foreign)}
    return replace(snapshot, nodes=tuple(node for node in snapshot.nodes if node.address not in foreign))


def _is_listed(node: NodeView) -> bool:
    """The settings, a Sentinel, AWS or Kubernetes name it."""
    return not all(who.startswith(_NODE) for who in node.known_from)


def _own(snapshot: Snapshot, seen_before: Collection[Address]) -> frozenset[Address]:
    """The nodes of this target for certain: listed, seen before, or attached to one of these."""
    own = {node.address for node in snapshot.nodes if _is_listed(node) or node.address in seen_before}
    waiting = [node for node in snapshot.nodes if node.address in own]
    while waiting:
        node = waiting.pop()
        attached = (snapshot.node(one.address) for one in (node.info.replicas if node.info else ()))
        new = [one for one in attached if one is not None and one.address not in own]
        own |= {one.address for one in new}
        waiting += new
    return frozenset(own)


def _head(snapshot: Snapshot, node: NodeView) -> Address:
    """The end of the chain that it is in, which follows nobody or does not say whom."""
    seen = {node.address}
    while node.info is not None and node.info.link is not None:
        followed = snapshot.node(node.info.link.master)
        if followed is None or followed.address in seen:
            return node.info.link.master
        seen.add(followed.address)
        node = followed
    return node.address


def _strange_masters(
    snapshot: Snapshot, own: Collection[Address], heads: Mapping[Address, Address]
) -> frozenset[Address]:
    suspects = {node.address: node for node in snapshot.masters if node.address not in own}
    others = [node for node in snapshot.nodes if node.address in own and heads[node.address] not in suspects]
    led = any(node.is_master or node.address == snapshot.agreed_master for node in others)
    known = _histories(others)
    if not led or not known:
        return frozenset()
    return frozenset(address for address, node in suspects.items() if not known & _histories([node]))


def _histories(nodes: Iterable[NodeView]) -> frozenset[str]:
    told = (node.info for node in nodes if node.info is not None)
    return frozenset(replid for info in told for replid in (info.replid, info.replid2)) - {NO_ID, ""}


def _only_by(node: NodeView, foreign: Collection[Address]) -> bool:
    """Nobody but these names it."""
    return set(node.known_from) <= {f"{_NODE}{address}" for address in foreign}
