"""What two masters share of their history, told from their replication ids. No I/O here.

A promoted replica keeps its old master's replid as replid2, and in second_repl_offset the first byte that is its own.
Offsets of different histories are never compared. Bytes past the fork are an upper bound: the PUBLISH of the Sentinels
moves the offset of an idle master too, and counts as none of the application's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from actions.kit.snapshot import NodeInfo, NodeView
from actions.kit.topology import Address

NO_ID = "0" * 40

_UNPROVEN = (
    "no provable common ancestor: only a comparison of keys can tell what they share. A node forgets its history when "
    "it loads an AOF, and when it has had no replica for repl-backlog-ttl"
)


class History(Protocol):
    """The place of one node in its history, as INFO tells it."""

    @property
    def replid(self) -> str:
        """Its own history."""

    @property
    def replid2(self) -> str:
        """The one that it was promoted from."""

    @property
    def offset(self) -> int:
        """In bytes."""

    @property
    def second_repl_offset(self) -> int:
        """The first byte that is its own."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """What two nodes share of their history, and how much each has had for itself since.

    ``shared_until``: the last byte that both have; ``None`` where nothing proves a common ancestor. The bytes past it
    are an upper bound, and ``None`` where they cannot be counted: the PUBLISH of the Sentinels counts among them, and
    without a backlog nothing is counted.
    """

    first: Address
    second: Address
    shared_until: int | None = None
    first_bytes: int | None = None
    second_bytes: int | None = None
    why: str = ""
    """How they are related, or why nothing proves it, in words."""

    @property
    def provable(self) -> bool:
        """They descend from one ancestor for certain."""
        return self.shared_until is not None

    @property
    def words(self) -> str:
        """All of it in a sentence; it never says which is right."""
        if self.shared_until is None:
            return self.why
        sides = ((self.first, self.first_bytes), (self.second, self.second_bytes))
        since = " and ".join(_since(node, count) for node, count in sides)
        return f"{self.why}; shared before byte {self.shared_until + 1:,}; since then {since}"


def lineage(first: NodeView, second: NodeView) -> str:
    """What the two have in common, in a sentence; it never says which is right."""
    return divergence(first, second).words


Births = Mapping[str, tuple[str, int]]
"""By replication id: the one that it came from, and the first byte of its own."""


def births(nodes: Iterable[NodeView]) -> Births:
    """Who descends from whom, as all nodes together tell it: a replica has the ids of its master."""
    told = (node.info for node in nodes if node.info is not None)
    forks = (one for one in told if _known(one.replid2) and one.second_repl_offset > 0)
    return {one.replid: (one.replid2, one.second_repl_offset) for one in forks}


def divergence(first: NodeView, second: NodeView, born: Births | None = None) -> Divergence:
    """What the two have in common, and what each has for itself.

    A promoted node tells of one ancestor only; ``born``: what others tell of who that one descended from.
    """
    ends = (first.address, second.address)
    one, two = first.info, second.info
    if one is None or two is None:
        return Divergence(*ends, why="unknown: one of them did not answer")
    if one.replid == two.replid:
        return Divergence(*ends, why="both bear the same replication id, so that nothing tells where they parted")
    known = {**(born or {}), **births((first, second))}
    ours, theirs = _ancestry(one, known), _ancestry(two, known)
    ancestor = next((replid for replid in ours if replid in theirs), None)
    if ancestor is None:
        return Divergence(*ends, why=_UNPROVEN)
    # One that did not come as far as the fork lacks what the other has of their common history too.
    ends_of = (info.offset + 1 for info in (one, two) if info.backlog_active is not False)
    fork = min(place for place in (ours[ancestor], theirs[ancestor], *ends_of) if place is not None)
    counts = (_own_bytes(fork, one), _own_bytes(fork, two))
    return Divergence(*ends, fork - 1, *counts, why=_related(ends, (one, two), ancestor))


def _ancestry(info: History, born: Births) -> dict[str, int | None]:
    """The histories that a node's data went through, the newest first, and where it left each; ``None``: it has not."""
    found: dict[str, int | None] = {info.replid: None}
    replid, left = info.replid, None
    while replid in born and born[replid][0] not in found:
        replid, fork = born[replid]
        left = fork if left is None else min(left, fork)
        found[replid] = left
    return found


def _own_bytes(fork: int, info: NodeInfo) -> int | None:
    """At most; ``None`` where its offset does not count them."""
    return None if info.backlog_active is False else max(0, info.offset - fork + 1)


def _related(ends: tuple[Address, Address], infos: tuple[NodeInfo, NodeInfo], ancestor: str) -> str:
    for (child, parent), (young, old) in ((ends, infos), (ends[::-1], infos[::-1])):
        if old.replid == ancestor:
            further = "" if young.replid2 == ancestor else ", over others"
            return f"{child} descends from {parent}{further}"
    return f"both descend from one ancestor {ancestor[:12]}"


def _since(node: Address, count: int | None) -> str:
    if count is None:
        return f"nobody counted what only {node} has, which has no backlog"
    return f"at most {count:,} bytes only on {node}"


def only_on_old(old: History, new: History) -> int | None:
    """How many bytes at most only the old master has, of whom the new one descends; ``None`` where nothing proves it.

    An old master that was restarted tells by replid2 where its history ended; what it took since counts too.
    """
    if _known(new.replid2) and old.replid == new.replid2:
        return max(0, old.offset - new.second_repl_offset + 1)
    if _known(new.replid2) and old.replid2 == new.replid2 and old.second_repl_offset <= new.second_repl_offset:
        return max(0, old.offset - old.second_repl_offset + 1)
    return None


def _known(replid: str) -> bool:
    return bool(replid) and replid != NO_ID
