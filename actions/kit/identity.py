"""One view a process: a server that is known by several addresses is told by its run id. No I/O here.

targets.yaml may name a server otherwise than the others do, by a name or past a proxy. What counts is how Sentinels and
nodes call it: that is where they can be sent. AWS sends them itself, and gives the next server of a member the same
name; but in cluster mode the nodes' tables tell addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from actions.kit.snapshot import NodeInfo, NodeView, SentinelView
from actions.kit.topology import Address

_WHO = ("AWS", "sentinel ", "node ")
"""Whose name for a server counts most."""


def one_view_each(views: Iterable[NodeView]) -> tuple[NodeView, ...]:
    """The views, those of one process made one, and every address in them that by which it is then known."""
    groups: dict[str, list[NodeView]] = {}
    views = tuple(views)
    for view in views:
        groups.setdefault(view.info.run_id if view.info else str(view.address), []).append(view)
    if len(groups) == len(views):
        return views
    known_as = {view.address: _name(group) for group in groups.values() for view in group}
    merged = (_one(group, known_as[group[0].address]) for group in groups.values())
    return tuple(sorted((_with(view, known_as) for view in merged), key=lambda view: view.address))


def one_sentinel_each(views: Iterable[SentinelView]) -> tuple[SentinelView, ...]:
    """The views in the order of their addresses, those of one Sentinel made one: the first."""
    groups: dict[str, list[SentinelView]] = {}
    for view in sorted(views, key=lambda view: view.address):
        groups.setdefault(view.run_id or str(view.address), []).append(view)
    return tuple(
        replace(first, also=tuple(other.address for other in others)) if others else first
        for first, *others in groups.values()
    )


def _name(group: list[NodeView]) -> Address:
    if len(group) == 1:
        return group[0].address
    in_cluster = any(view.info and view.info.cluster_enabled for view in group)
    counts = _WHO[1:] if in_cluster else _WHO
    return min(group, key=lambda view: (*(not _named_by(view, who) for who in counts), view.address)).address


def _named_by(view: NodeView, who: str) -> bool:
    return any(source.startswith(who) for source in view.known_from)


def _one(group: list[NodeView], name: Address) -> NodeView:
    view = next(view for view in group if view.address == name)
    others = tuple(other.address for other in group if other.address != name)
    known_from = tuple(sorted({who for one in group for who in one.known_from}))
    closer = next((one.closer for one in group if one.closer), None)
    return replace(view, also=others, known_from=known_from, closer=closer)


def _with(view: NodeView, known_as: dict[Address, Address]) -> NodeView:
    info = view.info
    if info is None:
        return view
    return replace(view, info=_renamed(info, known_as))


def _renamed(info: NodeInfo, known_as: dict[Address, Address]) -> NodeInfo:
    link = info.link and replace(info.link, master=known_as.get(info.link.master, info.link.master))
    replicas = tuple(replace(one, address=known_as.get(one.address, one.address)) for one in info.replicas)
    return replace(info, link=link, replicas=replicas)
