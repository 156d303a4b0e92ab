"""Draws a snapshot as an indented tree of plain lines: who follows whom, links, lag, Sentinels. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.snapshot import NodeView, SentinelView, Snapshot
from actions.kit.topology import Address
from bot.render.group import group_lines
from bot.render.kubernetes import kubernetes_lines
from bot.render.node_lines import node_line, silence
from bot.render.shards import shard_lines
from bot.render.words import counted


def picture(snapshot: Snapshot) -> list[str]:
    """The tree, a line each node and each Sentinel; masters first, each replica under the node that it follows.

    A cluster is told by its shards.
    """
    nodes = shard_lines(snapshot) if snapshot.in_cluster else _nodes(snapshot)
    group = group_lines(snapshot.group) if snapshot.group else ()
    return [*nodes, *_sentinels(snapshot), *group, *kubernetes_lines(snapshot)]


def shortened(lines: list[str], most: int) -> list[str]:
    """At most so many lines; the last one says how many are left out."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"… {len(lines) - most + 1} more in the thread"]


def sentinel_summary(snapshot: Snapshot) -> str:
    """``3 of 3 Sentinels answer, 3 say quorum is reachable``; empty where there are none."""
    if not snapshot.sentinels:
        return ""
    answering = sum(view.unasked is None for view in snapshot.sentinels)
    with_quorum = sum(view.quorum_ok is True for view in snapshot.sentinels)
    return (
        f"{answering} of {counted(snapshot.electorate, 'Sentinel')} answer, "
        f"{with_quorum} can reach the quorum of {_quorum(snapshot)}"
    )


def _quorum(snapshot: Snapshot) -> str:
    known = sorted({view.master.quorum for view in snapshot.sentinels if view.master})
    return " or ".join(map(str, known)) or "?"


def _nodes(snapshot: Snapshot) -> Iterator[str]:
    followers: dict[Address | None, list[NodeView]] = {}
    for node in snapshot.nodes:
        followers.setdefault(_follows(node), []).append(node)
    shown: set[Address] = set()
    roots = [node for node in snapshot.nodes if node.is_master]
    for root in roots:
        yield from _branch(snapshot, root, followers, "", "", shown)
    for node in snapshot.nodes:  # Whoever follows an unknown master, follows in a circle or does not answer.
        if node.address not in shown and node.info is not None:
            yield from _branch(snapshot, node, followers, "", "", shown)
    for node in snapshot.nodes:
        if node.address not in shown:
            yield from _branch(snapshot, node, followers, "", "", shown)


def _follows(node: NodeView) -> Address | None:
    return node.info.link.master if node.is_replica and node.info and node.info.link else None


def _branch(
    snapshot: Snapshot,
    node: NodeView,
    followers: dict[Address | None, list[NodeView]],
    lead: str,
    below: str,
    shown: set[Address],
) -> Iterator[str]:
    if node.address in shown:
        return
    shown.add(node.address)
    yield lead + node_line(snapshot, node)
    children = [child for child in followers.get(node.address, []) if child.address not in shown]
    for index, child in enumerate(children):
        last = index == len(children) - 1
        mark, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _branch(snapshot, child, followers, below + mark, below + under, shown)


def _sentinels(snapshot: Snapshot) -> Iterator[str]:
    if not snapshot.sentinels:
        return
    yield f"Sentinels of {snapshot.master_name}: {sentinel_summary(snapshot)}"
    for index, view in enumerate(snapshot.sentinels):
        mark = "└─" if index == len(snapshot.sentinels) - 1 else "├─"
        yield f"{mark} {_sentinel_line(view)}"


def _sentinel_line(view: SentinelView) -> str:
    if view.master is None:
        known = f"; it knows {', '.join(view.knows)}" if view.knows else ""
        return f"✗ {view.address}  {silence(view.unasked)}{known}"
    facts = [f"names {view.master.address}", f"epoch {view.master.config_epoch}"]
    if view.quorum_ok is not None:
        facts.append("quorum ok" if view.quorum_ok else f"no quorum: {view.quorum_text}")
    facts += sorted(view.master.flags - {"master"})
    if view.tilt:
        facts.append("TILT")
    return f"◇ {view.address}  " + "  ".join(facts)
