"""The masters of a target that are flushed together: the one, or that of every shard. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from actions.kit.cluster.keys import tag_in
from actions.kit.cluster.shards import Shards
from actions.kit.flushing.look import Flushable
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Flushed:
    """One master, what of it is flushed, and the replicas that lose it too.

    ``tag``: what a key has to have in its name to be in one of its slots; empty outside of a cluster.
    """

    node: NodeView
    holds: Flushable
    databases: tuple[int, ...]
    replicas: tuple[Address, ...]
    tag: str = ""

    @property
    def address(self) -> Address:
        """Where it is."""
        return self.node.address

    @property
    def keys(self) -> int:
        """How many keys go."""
        return sum(keys for number, keys in self.holds.databases if number in self.databases)

    @property
    def loss_bytes(self) -> int | None:
        """How many bytes they take; ``None`` where others stay, since nobody counts the bytes of one database."""
        return self.holds.dataset if self.keys == self.holds.keys else None


def all_masters(snapshot: Snapshot) -> tuple[tuple[Address | None, tuple[Address, ...], str], ...]:
    """Each master that there has to be, those who follow it, and the tag of its keys."""
    if snapshot.in_cluster:
        shards = Shards(snapshot).shards
        return tuple((shard.master, shard.replicas, tag_in(shard.slots)) for shard in shards)
    agreed = snapshot.node(snapshot.agreed_master)
    if agreed is None:
        return ()
    others = tuple(node.address for node in snapshot.nodes if node.address != agreed.address)
    return ((agreed.address, others, ""),)


def flushed(snapshot: Snapshot, database: int | None) -> tuple[Flushed, ...]:
    """Those on which something is flushed: this database, or without one each that has keys."""
    found = []
    for address, replicas, tag in all_masters(snapshot):
        node = snapshot.node(address)
        if node is None or node.flushable is None or node.flushable.why_not:
            continue
        there = (number for number, keys in node.flushable.databases if keys)
        meant = tuple(number for number in there if database in {None, number})
        if meant:
            found.append(Flushed(node, node.flushable, meant, replicas, tag))
    return tuple(found)
