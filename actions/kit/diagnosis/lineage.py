"""What two masters share of their history, told from their replication ids. No I/O here.

A promoted replica keeps its old master's replid as replid2, and in second_repl_offset the first byte that is its own.
Offsets of different histories are never compared. Bytes past the fork are an upper bound: the PUBLISH of the Sentinels
moves the offset of an idle master too, and counts as none of the application's data.
"""

from __future__ import annotations

from actions.kit.snapshot import NodeInfo, NodeView

NO_ID = "0" * 40


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
