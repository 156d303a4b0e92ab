"""Who is the master of a shard by the word of all nodes, and whether those who vote are there. No I/O here.

Masters that own slots vote, and a majority of *all* of them decides: a failover needs it, and so does its proof.
"""

from __future__ import annotations

from actions.kit.cluster.shards import Shard, Shards
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address


def voters(shards: Shards) -> tuple[Address, ...]:
    """The masters that own slots and told us how they see the cluster."""
    owners = {shard.master_id for shard in shards.shards}
    return tuple(node.address for node, view in shards.views if view.my_id in owners and node.is_master)


def has_majority(shards: Shards) -> bool:
    """More than half of all masters with slots answer us, so that they can vote."""
    return len(voters(shards)) * 2 > len(shards.shards)


def dissenters(shards: Shards, shard: Shard) -> tuple[Address, ...]:
    """The nodes whose table gives a slot of this shard to somebody else than its master."""
    wrong: set[Address] = set()
    for members, who in shards.tables:
        own = {one.id: one.slots for one in members}.get(shard.master_id, ())
        if not all(any(has.first <= slots.first and slots.last <= has.last for has in own) for slots in shard.slots):
            wrong.update(who)
    return tuple(sorted(wrong))


def backing(shards: Shards, shard: Shard) -> int:
    """How many of those who vote name this shard's master as the owner of all its slots."""
    return len(set(voters(shards)) - set(dissenters(shards, shard)))


def doubters(shards: Shards, node_id: str) -> tuple[Address, ...]:
    """Who of the others does not reach this node, or has heard from a majority that it is lost."""
    said = shards.said_of(node_id)
    return tuple(sorted({one for member, who in said if member.failed or member.suspected for one in who}))


def is_agreed(shards: Shards, node: Address) -> bool:
    """Whether a majority of all masters with slots says that this node is the master of its shard."""
    shard = shards.shard_of(node)
    return shard is not None and shard.master == node and backing(shards, shard) * 2 > len(shards.shards)


def successor_of(snapshot: Snapshot, node: Address) -> str | None:
    """Who owns the slots of this node by now, in words; ``None`` where it is the master of its shard itself."""
    shard = Shards(snapshot).shard_of(node)
    if shard is None:
        return f"{node} owns no slots"
    return None if shard.master == node else f"the cluster names {shard.master or shard.master_id}"
