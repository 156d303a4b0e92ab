"""What one node says of its cluster: its state, its table of all nodes, its open slots. No I/O here.

The tables of nodes that agree are one object: ``actions.kit.cluster.replies`` parses what is equal once.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from actions.kit.topology import Address

SLOTS = 16_384
"""How many hash slots every cluster has."""


class SlotRange(NamedTuple):
    """Slots from ``first`` to ``last``, both included, 0 to 16383."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class OpenSlot(NamedTuple):
    """A slot on its way between two nodes; ``peer_id`` is the node at the other end."""

    slot: int
    peer_id: str


class Heard(NamedTuple):
    """The replication offset, in bytes, that a node last told on the cluster bus."""

    node_id: str
    offset: int


@dataclass(frozen=True, slots=True)
class Member:
    """One node as another, or itself, has it in its table: a line of CLUSTER NODES."""

    id: str
    """40 hexadecimal digits, for as long as it is not reset; a random one while in handshake."""
    address: Address | None
    """As announced; ``None`` where whoever tells does not know it."""
    bus_port: int | None
    hostname: str
    """``cluster-announce-hostname`` (7.0 and later), else empty."""
    flags: frozenset[str]
    """``master`` or ``slave``, ``fail?``, ``fail``, ``handshake``, ``noaddr``, ``nofailover``; never ``myself``."""
    master_id: str
    """Whom it replicates; empty of a master."""
    config_epoch: int
    """Of a replica that of its master."""
    link_up: bool
    """The cluster bus between whoever tells and this node is connected."""
    slots: tuple[SlotRange, ...] = ()

    @property
    def is_master(self) -> bool:
        """It is flagged as a master, with or without slots."""
        return "master" in self.flags

    @property
    def is_replica(self) -> bool:
        """It is flagged as a replica."""
        return "slave" in self.flags

    @property
    def failed(self) -> bool:
        """FAIL: a majority of the masters does not reach it, as whoever tells has heard."""
        return "fail" in self.flags

    @property
    def suspected(self) -> bool:
        """PFAIL: whoever tells does not reach it; the majority has not agreed so far."""
        return "fail?" in self.flags

    @property
    def joining(self) -> bool:
        """It was to be met and has not shaken hands: its id is a stand-in."""
        return "handshake" in self.flags


_BY_ID = attrgetter("id")


@dataclass(frozen=True, slots=True)
class ClusterView:
    """The cluster as one node sees it. Source: CLUSTER INFO and CLUSTER NODES."""

    my_id: str
    ok: bool
    """``cluster_state:ok``: it serves its slots."""
    slots_assigned: int
    slots_ok: int
    slots_pfail: int
    """Assigned to nodes that it flags ``fail?``."""
    slots_fail: int
    """Assigned to nodes that it flags ``fail``."""
    known_nodes: int
    size: int
    """How many masters with slots it knows: they are who votes."""
    current_epoch: int
    my_epoch: int
    """Its config-epoch; on a replica that of its master."""
    members: tuple[Member, ...]
    """All nodes that it knows, itself among them, in the order of their ids."""
    migrating: tuple[OpenSlot, ...] = ()
    """Slots of its own that are on their way to another node."""
    importing: tuple[OpenSlot, ...] = ()
    """Slots that are on their way to it."""
    heard: tuple[Heard, ...] = ()
    """Of nodes that gave us nothing. Source: CLUSTER SHARDS, asked of a few nodes, and only then."""

    @property
    def me(self) -> Member | None:
        """What it says of itself."""
        return self.member(self.my_id)

    def member(self, node_id: str) -> Member | None:
        """What it says of this node; ``None`` where it does not know it."""
        at = bisect_left(self.members, node_id, key=_BY_ID)
        return self.members[at] if at < len(self.members) and self.members[at].id == node_id else None
