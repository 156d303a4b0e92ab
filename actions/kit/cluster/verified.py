"""Puts a cluster to the proof: every shard, by every node's word, a write in each. No I/O here but through Hands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from actions.kit.cluster.keys import tag_in
from actions.kit.cluster.proof import prove_shards
from actions.kit.cluster.shards import Shard, Shards, slots_text
from actions.kit.cluster.view import SLOTS, SlotRange
from actions.kit.ports import Hands
from actions.kit.proof import Check, prove_write
from actions.kit.snapshot import NodeView, Snapshot


async def prove_cluster(hands: Hands, snapshot: Snapshot) -> tuple[Check, ...]:
    """Check that all slots have owners on whom all nodes agree, and that each shard takes a write of its own."""
    shards = Shards(snapshot)
    masters = {shard.master for shard in shards.shards if shard.master is not None}
    checks = (_all_owned(shards), *prove_shards(snapshot, masters), *_spares(snapshot, shards))
    writes = [_write(hands, snapshot, shards, shard) for shard in shards.shards if shard.master in masters]
    return (*checks, *await asyncio.gather(*writes))


def _all_owned(shards: Shards) -> Check:
    """A node that owns slots and has no address is not there for anybody."""
    lost = [slots for shard in shards.shards if shard.master is None for slots in shard.slots]
    open_to_nobody = sorted([*shards.unassigned, *lost])
    seen = f"{len(shards.shards)} shards, as {len(shards.views)} nodes tell"
    if open_to_nobody:
        seen = f"nobody owns {slots_text(open_to_nobody)}"
    return Check(f"all {SLOTS:,} slots have an owner", ok=not open_to_nobody, observation=seen)


def _spares(snapshot: Snapshot, shards: Shards) -> Iterator[Check]:
    """Those in no shard, such as a master that was replaced and has not come back as a replica."""
    for node in snapshot.nodes:
        if shards.shard_of(node.address) is None:
            why = _why_in_no_shard(node, shards)
            if why:
                yield Check(f"{node.address} is in a shard, or a spare that answers", ok=False, observation=why)


def _why_in_no_shard(node: NodeView, shards: Shards) -> str:
    if node.unasked is not None:
        return f"it did not answer: {node.unasked.why}"
    return "it is no node of this cluster" if node in shards.strangers else ""


async def _write(hands: Hands, snapshot: Snapshot, shards: Shards, shard: Shard) -> Check:
    """To a slot of the shard that is not on its way to another one; its replicas that do not answer have failed."""
    closed = tuple(_without(shard.slots, _open(shards)))
    where = f" of slots {slots_text(shard.slots, 3)}"
    if shard.master is None or not closed:
        return Check(f"slots {slots_text(shard.slots, 3)} take a write", ok=False, observation="all of them are open")
    known = {node.address: node for node in snapshot.nodes}
    replicas = tuple(one for one in shard.replicas if one in known and known[one].is_replica)
    return await prove_write(hands, shard.master, replicas, where, tag_in(closed))


def _open(shards: Shards) -> frozenset[int]:
    return frozenset(slot for _, view in shards.views for slot, _ in (*view.migrating, *view.importing))


def _without(ranges: tuple[SlotRange, ...], left_out: frozenset[int]) -> Iterator[SlotRange]:
    for first, last in ranges:
        start = first
        for slot in sorted(slot for slot in left_out if first <= slot <= last):
            if start < slot:
                yield SlotRange(start, slot - 1)
            start = slot + 1
        if start <= last:
            yield SlotRange(start, last)
