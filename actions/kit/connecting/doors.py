"""Where an application comes in: at Sentinels, at one address, or at the nodes of a cluster. No I/O here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.kit.snapshot import Snapshot
    from actions.kit.topology import Address, Target

ELECTION_S = 15
"""What an election, a promotion and the clients' finding out take at most, once a master is given up."""
BY_HAND_S = 5
"""Where nobody fails over by himself: a restart of the network is waited for, not a person."""


class Entry(StrEnum):
    """Who tells a client where to write."""

    SENTINEL = "sentinel"
    """The Sentinels name the master: kind sentinel."""
    DIRECT = "direct"
    """Nobody: there is one address for writes. Kind replication, and ElastiCache without cluster mode."""
    CLUSTER = "cluster"
    """Any node: kind cluster, and ElastiCache with cluster mode."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where an application comes in, as the servers call themselves.

    ``addresses``: the Sentinels, the one address for writes, or the nodes to begin with; empty where none is known.
    ``patience_s``: after so long a new master is there, where somebody sees to it; ``because`` says of what it is made.
    ``believed_from``: how many other Sentinels one has to know of to be believed.
    """

    entry: Entry
    addresses: tuple[Address, ...]
    patience_s: int
    because: str
    believed_from: int = 0


def doors(snapshot: Snapshot, target: Target) -> Doors:
    """Where to come in, of what was seen."""
    return _sentinels(snapshot, target)


def _sentinels(snapshot: Snapshot, target: Target) -> Doors:
    """All that there are: those in the settings, and those that another Sentinel knows and does not call down."""
    views = snapshot.sentinels
    known = {address for view in views for address in (view.address, *view.also)}
    opinions = [view.master for view in views if view.master is not None]
    named = {peer for one in opinions for peer in one.peers} - {peer for one in opinions for peer in one.peers_down}
    addresses = tuple(sorted({*(view.address for view in views or ()), *(named - known)} or set(target.sentinels)))
    down_after_s = math.ceil(max((one.down_after_ms for one in opinions), default=30_000) / 1_000)
    because = f"Sentinel is sure after {down_after_s} s that a master is down, and then one is elected"
    return Doors(Entry.SENTINEL, addresses, down_after_s + ELECTION_S, because, len(addresses) // 2)
