"""Which replica has the most of a lost master's history, provably, and why not each other one. No I/O here.

Offsets count only within one history. A replica whose history is not that of the others is neither ahead nor behind:
nothing but a comparison of keys could tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actions.kit.candidates import priority_of
from actions.kit.fencing import fence_left
from actions.kit.snapshot import NodeInfo, NodeView, Snapshot
from actions.kit.topology import Address


def best_heir(snapshot: Snapshot) -> NodeView | None:
    """The replica to promote: nobody has more; of equal ones that with the lowest replica-priority, 0 last."""
    rivals = _furthest_first(snapshot)
    heirs = [
        node
        for node in snapshot.nodes
        if node.info is not None and not any(unfit(node)) and not any(_behind(rivals, node, node.info))
    ]
    return min(heirs, key=lambda node: (priority_of(node) or 1_000_000, node.address), default=None)


def why_no_heir(snapshot: Snapshot, node: NodeView) -> tuple[str, ...]:
    """Every reason why this node cannot, or should not, be promoted; empty where it can."""
    own = tuple(unfit(node))
    if own or node.info is None:
        return own
    return tuple(_behind(snapshot.nodes, node, node.info))


def unfit(node: NodeView) -> Iterator[str]:
    """What the node itself says against it, whatever others have."""
    info, config = node.info, node.config
    if info is None:
        yield f"it does not answer ({node.unasked.why if node.unasked else 'no reason known'})"
        return
    if node.is_master:
        yield "it says that it is a master"
    if info.loading:
        yield "it is loading its data"
    if info.link is not None and info.link.sync_in_progress:
        yield "it is in a full sync, and has only a part of the data"
    if never_synced(node):
        yield "it holds nothing: it has never ended a sync with its master"
    if config is None or config.min_replicas_to_write is None:
        yield "CONFIG GET is not allowed on it, so it cannot be fenced while it is promoted"
    elif fence_left(node):
        yield "it holds the fence of an earlier failover, which has to be settled first"


def never_synced(node: NodeView) -> bool:
    """A replica that lost its master in its first sync: it had no link yet, nor an offset, nor keys as far as told.

    One that has followed an empty master says since when it does not any more.
    """
    link = node.info.link if node.info else None
    if node.info is None or link is None or link.up or link.down_since_s is not None:
        return False
    return node.info.offset <= 1 and not node.keys


def ahead_of(node: NodeInfo, other: NodeInfo) -> int | None:
    """How many bytes the other has beyond this one, below 0 where it has fewer; ``None`` where nothing proves it.

    One that follows a promoted node has its old history as replid2, up to second_repl_offset.
    """
    same = node.replid == other.replid
    other_is_younger = other.replid2 == node.replid and node.offset < other.second_repl_offset
    other_is_older = node.replid2 == other.replid and other.offset < node.second_repl_offset
    return other.offset - node.offset if same or other_is_younger or other_is_older else None


def certain_loss(snapshot: Snapshot, heir: NodeView) -> tuple[int, Address | None]:
    """The bytes that some replica is seen to have and the heir is not, and which replica has them."""
    others = _others(snapshot.nodes, heir)
    seen = [(0, None), *((more, other.address) for other, more in others if more is not None)]
    return max(seen, key=lambda one: one[0])


def waits_for_replicas(heir: NodeView, followers: tuple[Address, ...]) -> Iterator[str]:
    """What the approver has to know where the heir's own min-replicas-to-write counts more than will follow it.

    ``followers``: those that are sent after it; whoever follows it already counts too.
    """
    config = heir.config
    wanted = (config.min_replicas_to_write or 0) if config is not None and config.min_replicas_max_lag != 0 else 0
    attached = tuple(one.address for one in heir.info.replicas) if heir.info else ()
    count = len({*attached, *followers})
    if count < wanted:
        yield (
            f"{heir.address} takes writes only while {wanted} replicas follow it (min-replicas-to-write), and {count} "
            f"will: CONFIG SET min-replicas-to-write {count} on it first, or it takes none until more are back."
        )


def _furthest_first(snapshot: Snapshot) -> tuple[NodeView, ...]:
    """One node for each place in a history: whoever is outdone is so by one of them, and mostly by the first.

    Without them 500 replicas, each measured by all others, would take as long as all else together.
    """
    places = {
        (info.replid, info.offset, info.replid2, info.second_repl_offset, any(unfit(node))): node
        for node in snapshot.nodes
        if (info := node.info) is not None and _has_told(node)
    }
    return tuple(sorted(places.values(), key=lambda node: -(node.info.offset if node.info else 0)))


def _behind(rivals: Iterable[NodeView], node: NodeView, info: NodeInfo) -> Iterator[str]:
    for other, more in _others(rivals, node):
        if more is None:
            replids = f"{info.replid[:12]} and {other.info.replid[:12] if other.info else '?'}"
            yield (
                f"nothing proves whether it or {other.address} has more, for their histories differ ({replids}): "
                "only a comparison of keys can tell"
            )
        elif more > 0 and not any(unfit(other)):
            yield f"{other.address} has {more:,} bytes more and could take over"


def _others(rivals: Iterable[NodeView], node: NodeView) -> Iterator[tuple[NodeView, int | None]]:
    """The other replicas that tell how much they have, and how much more that is."""
    for other in rivals:
        if node.info is not None and other.info is not None and other.address != node.address and _has_told(other):
            yield other, ahead_of(node.info, other.info)


def _has_told(node: NodeView) -> bool:
    """A replica whose offset counts what it has: it is neither loading nor in a full sync."""
    info = node.info
    in_between = info is not None and (info.loading or (info.link is not None and info.link.sync_in_progress))
    return node.is_replica and not in_between
