"""What the tables of all nodes add up to: who owns which slots, the shards, who tells it otherwise. No I/O here.

Of two owners of a slot the one with the higher config-epoch is right, as the nodes themselves judge. So a node that was
cut off and takes itself for the owner still is told from the one that was promoted meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from actions.kit.cluster.view import SLOTS, ClusterView, Member, SlotRange
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Shard:
    """A master that owns slots, and its replicas, in the order of their addresses."""

    master_id: str
    master: Address | None
    """``None`` where nobody knows its address any more."""
    config_epoch: int
    slots: tuple[SlotRange, ...]
    replicas: tuple[Address, ...] = ()

    @property
    def slot_count(self) -> int:
        """How many slots it owns."""
        return sum(one.last - one.first + 1 for one in self.slots)


@dataclass(frozen=True, slots=True)
class Claim:
    """That a node owns these slots, at this config-epoch, as ``told_by`` say."""

    owner_id: str
    config_epoch: int
    slots: SlotRange
    told_by: tuple[Address, ...]


class Shards:
    """The cluster of one snapshot, each part of it worked out when it is first wanted.

    Nodes of another cluster, and nodes of none, are left out; see ``strangers``.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def views(self) -> tuple[tuple[NodeView, ClusterView], ...]:
        """The nodes of this cluster that told how they see it."""
        return tuple((node, view) for node, view in self._told if view.my_id in self._own)

    @cached_property
    def strangers(self) -> tuple[NodeView, ...]:
        """Nodes that belong to another cluster, or to none."""
        off = (node for node in self._snapshot.nodes if node.info is not None and node.info.cluster_enabled is False)
        apart = (node for node, view in self._told if view.my_id not in self._own)
        return tuple(sorted((*off, *apart), key=lambda node: node.address))

    @cached_property
    def tables(self) -> tuple[tuple[tuple[Member, ...], tuple[Address, ...]], ...]:
        """Each table that differs from the others, and who tells it; that of most first."""
        told: dict[int, tuple[tuple[Member, ...], list[Address]]] = {}
        for node, view in self.views:
            told.setdefault(id(view.members), (view.members, []))[1].append(node.address)
        ranked = sorted(told.values(), key=lambda one: (-len(one[1]), one[1]))
        return tuple((members, tuple(who)) for members, who in ranked)

    @cached_property
    def rows(self) -> tuple[tuple[Mapping[str, Member], tuple[Address, ...]], ...]:
        """``tables`` by the ids of the nodes in them."""
        return tuple(({one.id: one for one in members}, who) for members, who in self.tables)

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """Each node by its id, those left out that have not shaken hands: as it tells itself, else as most tell it."""
        found = {one.id: one for members, _ in reversed(self.tables) for one in members if not one.joining}
        found |= {view.my_id: view.me for _, view in self.views if view.me is not None}
        return found

    @cached_property
    def addresses(self) -> Mapping[str, Address]:
        """Where each node is, by its id: where it answered us, else where the others have it.

        One at whose address another one answers is there no more: it was set up anew, under a new id.
        """
        found = {
            one.id: one.address
            for members, _ in reversed(self.tables)
            for one in members
            if one.address is not None and not one.joining
        }
        known = {address: node.address for node in self._snapshot.nodes for address in node.also}
        answering = {view.my_id: node.address for node, view in self.views}
        taken = set(answering.values())
        there = {node_id: known.get(address, address) for node_id, address in found.items()}
        return {node_id: address for node_id, address in there.items() if address not in taken} | answering

    @cached_property
    def ids(self) -> Mapping[Address, str]:
        """The id of each node, by its address."""
        return {address: node_id for node_id, address in self.addresses.items()}

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Every statement that some node owns some slots, each once, with who says so.

        One that has not shaken hands owns none: its id is a stand-in.
        """
        told: dict[tuple[str, int, SlotRange], list[int]] = {}
        for number, (members, _) in enumerate(self.tables):
            for one in members:
                for slots in () if one.joining else one.slots:
                    told.setdefault((one.id, one.config_epoch, slots), []).append(number)
        return tuple(Claim(*claim, self._tellers_of(tuple(numbers))) for claim, numbers in told.items())

    @cached_property
    def owners(self) -> tuple[str | None, ...]:
        """Who owns each slot, from 0: of all claims that with the highest config-epoch; ``None`` where there is none.

        At equal config-epochs the smaller id: that is the node whose epoch the cluster itself moves on.
        """
        owners: list[str | None] = [None] * SLOTS
        by_id = sorted(self.claims, key=lambda one: one.owner_id, reverse=True)
        for claim in sorted(by_id, key=lambda one: one.config_epoch):
            first, last = claim.slots
            owners[first : last + 1] = [claim.owner_id] * (last + 1 - first)
        return tuple(owners)

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """Every owner of slots with its replicas, in the order of their slots."""
        owned: dict[str, list[SlotRange]] = {}
        for owner, slots in self.runs:
            if owner is not None:
                owned.setdefault(owner, []).append(slots)
        return tuple(
            Shard(
                master_id=owner,
                master=self.addresses.get(owner),
                config_epoch=max(claim.config_epoch for claim in self._claims_of[owner]),
                slots=tuple(slots),
                replicas=tuple(sorted(self.addresses[one] for one in self._replicas.get(owner, ()))),
            )
            for owner, slots in owned.items()
        )

    @cached_property
    def unassigned(self) -> tuple[SlotRange, ...]:
        """The slots that nobody owns."""
        return tuple(slots for owner, slots in self.runs if owner is None)

    @cached_property
    def spares(self) -> tuple[Address, ...]:
        """The nodes in no shard: masters without slots, and those who replicate them."""
        placed = {address for shard in self.shards for address in (shard.master, *shard.replicas)}
        return tuple(sorted({address for address in self.addresses.values() if address not in placed}))

    def shard_of(self, node: Address) -> Shard | None:
        """The shard of this node; ``None`` where it is in none."""
        return self._by_address.get(node)

    def owned_in(self, slots: SlotRange) -> Iterator[tuple[str | None, SlotRange]]:
        """Who owns these slots, run by run."""
        start = bisect_right(self._firsts, slots.first) - 1
        for owner, owned in islice(self.runs, max(0, start), None):
            if owned.first > slots.last:
                return
            if owned.last >= slots.first:
                yield owner, SlotRange(max(owned.first, slots.first), min(owned.last, slots.last))

    def said_of(
        self, node_id: str, among: frozenset[Address] | None = None
    ) -> Iterator[tuple[Member, tuple[Address, ...]]]:
        """What the others, or those of them that are ``among``, have in their tables for this node.

        Each version comes with those who have it so, in the order of their addresses.
        """
        told: dict[int, tuple[Member, list[int]]] = {}
        for number, (rows, _) in enumerate(self.rows):
            member = rows.get(node_id)
            if member is not None:
                told.setdefault(id(member), (member, []))[1].append(number)
        itself = self.addresses.get(node_id)
        for member, numbers in told.values():
            others = _without(self._tellers_of(tuple(numbers), among), itself)
            if others:
                yield member, others

    def _tellers_of(self, tables: tuple[int, ...], among: frozenset[Address] | None = None) -> tuple[Address, ...]:
        """Who tells one of these tables; of most nodes the same do, so that it is worked out once for all of them."""
        if (tables, among) not in self._tellers:
            who = sorted([one for number in tables for one in self.tables[number][1]])
            self._tellers[tables, among] = tuple(who if among is None else [one for one in who if one in among])
        return self._tellers[tables, among]

    @cached_property
    def _tellers(self) -> dict[tuple[tuple[int, ...], frozenset[Address] | None], tuple[Address, ...]]:
        return {}

    @cached_property
    def _firsts(self) -> tuple[int, ...]:
        return tuple(slots.first for _, slots in self.runs)

    @cached_property
    def _told(self) -> tuple[tuple[NodeView, ClusterView], ...]:
        return tuple((node, node.cluster) for node in self._snapshot.nodes if node.cluster is not None)

    @cached_property
    def _own(self) -> frozenset[str]:
        """The ids of this cluster's nodes: of groups that know nothing of each other the one with most answers."""
        groups: list[tuple[set[str], int]] = []
        tables = {id(view.members): view.members for _, view in self._told}
        counts = Counter(id(view.members) for _, view in self._told)
        for key, members in tables.items():
            ids, answers = {one.id for one in members if not one.joining}, counts[key]
            apart = []
            for group in groups:
                if group[0].isdisjoint(ids):
                    apart.append(group)
                else:
                    ids, answers = ids | group[0], answers + group[1]
            groups = [*apart, (ids, answers)]
        return frozenset(max(groups, key=lambda group: (group[1], len(group[0])), default=(set(), 0))[0])

    def last_heard(self, node_id: str) -> int | None:
        """The offset of a node that gave us nothing, as it last told the others: it may have come further since."""
        return max((one.offset for _, view in self.views for one in view.heard if one.node_id == node_id), default=None)

    @cached_property
    def runs(self) -> tuple[tuple[str | None, SlotRange], ...]:
        """Neighbouring slots of one owner. Where none of the claims begins or ends the owner stays the same."""
        edges = {0, *(edge for claim in self.claims for edge in (claim.slots.first, claim.slots.last + 1))} - {SLOTS}
        firsts = [edge for edge in sorted(edges) if edge == 0 or self.owners[edge] != self.owners[edge - 1]]
        return tuple(
            (self.owners[first], SlotRange(first, after - 1))
            for first, after in zip(firsts, [*firsts[1:], SLOTS], strict=True)
        )

    @cached_property
    def _claims_of(self) -> Mapping[str, tuple[Claim, ...]]:
        by_owner: dict[str, list[Claim]] = {}
        for claim in self.claims:
            by_owner.setdefault(claim.owner_id, []).append(claim)
        return {owner: tuple(claims) for owner, claims in by_owner.items()}

    @cached_property
    def _replicas(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the replicas by that of the owner of slots that they replicate, be it past others."""
        owners = set(self.owners)
        found: dict[str, list[str]] = {}
        for one in self.members.values():
            head = self._head(one)
            if one.id not in owners and head != one.id and one.id in self.addresses:
                found.setdefault(head, []).append(one.id)
        return {head: tuple(ids) for head, ids in found.items()}

    def _head(self, member: Member) -> str:
        seen = {member.id}
        while member.master_id and member.master_id not in seen:
            seen.add(member.master_id)
            master = self.members.get(member.master_id)
            if master is None:
                return member.master_id
            member = master
        return member.id

    @cached_property
    def _by_address(self) -> Mapping[Address, Shard]:
        return {
            address: shard
            for shard in self.shards
            for address in (shard.master, *shard.replicas)
            if address is not None
        }


def _without(who: tuple[Address, ...], one: Address | None) -> tuple[Address, ...]:
    """``who``, which are in order, but one."""
    at = bisect_left(who, one) if one is not None else len(who)
    return (*who[:at], *who[at + 1 :]) if at < len(who) and who[at] == one else who


def slots_text(slots: Iterable[SlotRange], most: int = 8) -> str:
    """Ranges of slots in words: ``0-5460, 7000``; those beyond ``most`` are counted."""
    ranges = tuple(slots)
    more = f" and {len(ranges) - most} more ranges" if len(ranges) > most else ""
    return ", ".join(map(str, ranges[:most])) + more
