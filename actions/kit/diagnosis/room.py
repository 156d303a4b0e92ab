"""How much memory a node's container or machine has, and whether more of it may be used. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from actions.kit.diagnosis.facts import Facts
from actions.kit.snapshot import NodeView
from actions.kit.topology import Address

NEARLY = 0.9
"""The share of a limit from which it is worth a warning."""
CONTAINER = "container"


class Room(NamedTuple):
    """What a node may use of memory, and whose that is, in a word."""

    size: int
    whose: str


def room_of(facts: Facts, node: NodeView) -> Room | None:
    """The limit of its container, where Kubernetes tells one, else the machine's memory."""
    view = facts.snapshot.kubernetes
    pod = view.pod_of(node.address.host) if view else None
    limit = pod.memory_limit(node.address.port) if pod else None
    if limit:
        return Room(limit, CONTAINER)
    total = node.info.stats.system_memory if node.info else None
    return Room(total, "machine") if total else None


def room_left(facts: Facts, more: Mapping[Address, int]) -> str | None:
    """That nodes may take so many bytes more, and a dump as their last beside it, in words; ``None`` where not.

    Nodes of one machine share it, as far as they are known here. Nothing is promised of what was not told.
    """
    words = []
    for address in more:
        node = facts.nodes[address]
        room = room_of(facts, node)
        if room is None:
            return None
        sharing = [node] if room.whose == CONTAINER else _on_host(facts, address.host)
        held = [_held(one) for one in sharing]
        if None in held:
            return None
        most = sum(one for one in held if one is not None) + sum(more.get(one.address, 0) for one in sharing)
        if most > room.size * NEARLY:
            return None
        beside = "" if room.whose == CONTAINER else ", whatever else runs there not counted"
        words.append(
            f"{address} would leave {(room.size - most) * 100 // room.size} % of its {room.whose} free{beside}"
        )
    return "; ".join(words)


def _on_host(facts: Facts, host: str) -> list[NodeView]:
    return [node for node in facts.whole.snapshot.nodes if node.address.host == host]


def _held(node: NodeView) -> int | None:
    """What it holds, and takes for a dump like its last; ``None`` where it does not say."""
    stats = node.info.stats if node.info else None
    if stats is None or stats.resident is None:
        return None
    return stats.resident + max(stats.last_cow or 0, stats.last_aof_cow or 0)
