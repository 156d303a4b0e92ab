"""What two masters share of their history, told from their replication ids. No I/O here.

A promoted replica keeps its old master's replid as replid2, and in second_repl_offset the first byte that is its own.
Offsets of different histories are never compared. Bytes past the fork are an upper bound: the PUBLISH of the Sentinels
moves the offset of an idle master too, and counts as none of the application's data.
"""

from __future__ import annotations

from typing import Protocol

from actions.kit.snapshot import NodeInfo, NodeView

NO_ID = "0" * 40


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


def lineage(first: NodeView, second: NodeView) -> str:
    """What the two have in common, in a sentence; it never says which is right."""
    one, two = first.info, second.info
    if one is None or two is None:
        return "unknown: one of them did not answer"
    if _known(two.replid2) and two.replid2 == one.replid:
        return _descent(str(second.address), two, str(first.address), one)
    if _known(one.replid2) and one.replid2 == two.replid:
        return _descent(str(first.address), one, str(second.address), two)
    if _known(one.replid2) and one.replid2 == two.replid2:
        shared = min(one.second_repl_offset, two.second_repl_offset)
        return f"both were promoted from one ancestor {one.replid2[:12]}; shared before byte {shared:,}"
    aof = " A node that loads an AOF loses its replication ids." if one.aof_enabled or two.aof_enabled else ""
    return f"no provable common ancestor: only a comparison of keys can tell what they share.{aof}"


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


def _descent(child: str, young: NodeInfo, parent: str, old: NodeInfo) -> str:
    fork = young.second_repl_offset
    return (
        f"{child} descends from {parent}; shared before byte {fork:,}; since then at most {_since(fork, old):,} bytes "
        f"only on {parent} and {_since(fork, young):,} only on {child}"
    )


def _since(fork: int, info: NodeInfo) -> int:
    return max(0, info.offset - fork + 1)
