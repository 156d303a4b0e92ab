"""Tells of a cluster shard by shard, those in trouble first; of many, each that is well in a line. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actions.kit.cluster.shards import Shard, Shards, slots_text
from actions.kit.cluster.view import SLOTS
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address
from bot.render.node_lines import node_line
from bot.render.words import counted, size

FEW = 8
"""So many shards are told node by node; of more, those that are well in a line each."""

Views = Mapping[Address, NodeView]


def shard_lines(snapshot: Snapshot) -> Iterator[str]:
    """A headline, then each shard as a tree or a line, then the nodes in no shard."""
    shards = Shards(snapshot)
    views = {node.address: node for node in snapshot.nodes}
    yield _headline(snapshot, shards)
    in_trouble = {shard.master_id for shard in shards.shards if not _is_well(shard, views)}
    for shard in sorted(shards.shards, key=lambda one: one.master_id not in in_trouble):
        if len(shards.shards) > FEW and shard.master_id not in in_trouble:
            yield _line(snapshot, shard, views)
        else:
            yield from _tree(snapshot, shard, views)
    if shards.unassigned:
        yield f"✗ slots {slots_text(shards.unassigned)}  owned by nobody"
    placed = {address for shard in shards.shards for address in (shard.master, *shard.replicas)}
    others = [node for node in snapshot.nodes if node.address not in placed]
    if others and shards.shards:
        yield "In no shard:"
    yield from (node_line(snapshot, node) for node in others)


def shard_summary(snapshot: Snapshot) -> str:
    """``3 shards, 6 of 6 nodes answer``."""
    shards, answering = Shards(snapshot).shards, sum(node.info is not None for node in snapshot.nodes)
    return f"{counted(len(shards), 'shard')}, {answering} of {counted(len(snapshot.nodes), 'node')} answer"


def shards_json(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The shards for programs, in the order of their slots."""
    return [
        {
            "id": shard.master_id,
            "slots": [[slots.first, slots.last] for slots in shard.slots],
            "slot_count": shard.slot_count,
            "config_epoch": shard.config_epoch,
            "master": str(shard.master) if shard.master else None,
            "replicas": list(map(str, shard.replicas)),
        }
        for shard in Shards(snapshot).shards
    ]


def _headline(snapshot: Snapshot, shards: Shards) -> str:
    owned = SLOTS - sum(last - first + 1 for first, last in shards.unassigned)
    epoch = max((view.current_epoch for _, view in shards.views), default=0)
    failing = sum(not view.ok for _, view in shards.views)
    state = f", cluster_state:fail on {counted(failing, 'node')}" if failing else ""
    return f"Cluster: {shard_summary(snapshot)}, {owned:,} of {SLOTS:,} slots owned, epoch {epoch}{state}"


def _is_well(shard: Shard, views: Views) -> bool:
    """Its master answers as one, and at least one replica, and each of them has its link."""
    master = views.get(shard.master) if shard.master else None
    replicas = [views.get(replica) for replica in shard.replicas]
    return (
        master is not None
        and master.is_master
        and bool(replicas)
        and all(one is not None and one.info is not None and one.info.link is not None for one in replicas)
        and all(one.info.link.up for one in replicas if one and one.info and one.info.link)
    )


def _line(snapshot: Snapshot, shard: Shard, views: Views) -> str:
    behind = (f"{replica} lag {_lag(snapshot, views[replica])}" for replica in shard.replicas)
    return f"● {slots_text(shard.slots, 3)}  {shard.master}  ○ {', '.join(behind)}"


def _lag(snapshot: Snapshot, replica: NodeView) -> str:
    return size(snapshot.lag_bytes(replica))


def _tree(snapshot: Snapshot, shard: Shard, views: Views) -> Iterator[str]:
    slots = f"slots {slots_text(shard.slots, 3)}"
    master = views.get(shard.master) if shard.master else None
    told = node_line(snapshot, master) if master else f"✗ {shard.master or 'a master without an address'}"
    yield f"{told}  {slots}"
    if not shard.replicas:
        yield "└─ no replica"
    for index, replica in enumerate(shard.replicas):
        mark = "└─" if index == len(shard.replicas) - 1 else "├─"
        view = views.get(replica)
        yield f"{mark} {node_line(snapshot, view) if view else f'✗ {replica}'}"
