"""Asks a few nodes of a cluster how far those had come that do not answer us: what a lost master had, they have heard.

CLUSTER SHARDS tells nothing else that CLUSTER NODES does not, and of 150 nodes each would send 20 kB; so it is asked
only then, and of a few. Redis 6.2 does not have it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from actions.adapters.redis.connection import ExchangeError, Node
from actions.kit.cluster.replies import parse_offsets
from actions.kit.cluster.view import Heard, Member
from actions.kit.errors import Garbled
from actions.kit.snapshot import NodeView
from actions.kit.topology import Address

ASKED = 5
"""So many nodes are asked, those of the silent ones' own shards first: each hears of all others every few seconds."""


async def heard_of_silent(
    views: Mapping[Address, NodeView], node_at: Callable[[Address], Node]
) -> dict[Address, NodeView]:
    """The views that change: with the offsets of those nodes that gave us nothing."""
    members = {one.id: one for view in views.values() if view.cluster for one in view.cluster.members}
    silent = frozenset(one.id for one in members.values() if _is_silent(one, views))
    if not silent:
        return {}
    near = silent | {members[one].master_id for one in silent}
    able = [view for view in views.values() if view.cluster is not None and _has_shards(view)]
    able.sort(key=lambda view: (_shard(view) not in near, view.address))
    asked = able[:ASKED]
    told = await asyncio.gather(*(_offsets(node_at(view.address)) for view in asked))
    return {
        view.address: replace(
            view, cluster=replace(view.cluster, heard=tuple(one for one in offsets if one.node_id in silent))
        )
        for view, offsets in zip(asked, told, strict=True)
        if view.cluster is not None
    }


async def _offsets(node: Node) -> tuple[Heard, ...]:
    """What it has heard of everybody; nothing where it does not tell."""
    try:
        (answer,) = await node.ask(("CLUSTER", "SHARDS"), repeatable=True)
        return parse_offsets(answer)
    except (ExchangeError, Garbled):
        return ()


def _is_silent(member: Member, views: Mapping[Address, NodeView]) -> bool:
    view = views.get(member.address) if member.address else None
    return view is not None and view.info is None and not member.joining


def _shard(view: NodeView) -> str:
    """The id of the master of its shard."""
    me = view.cluster.me if view.cluster else None
    return (me.master_id or me.id) if me else ""


def _has_shards(view: NodeView) -> bool:
    return view.info is not None and (view.info.flavour == "valkey" or view.info.version >= (7,))
