"""What the masters hold in which database, whether anybody writes, whether it could be copied and flushed.

No I/O here but through Hands.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from actions.kit.errors import ActionError
from actions.kit.ports import Hands, Keyspace
from actions.kit.rescue import RescueRoom
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Kind

DATABASES = "databases"
"""The setting that says how many there are; with 16 they are 0 to 15."""
WATCHED_S = 1.0
"""For so long it is counted what is written."""


@dataclass(frozen=True, slots=True)
class Flushable:
    """What one master may be flushed from. Source: INFO, CONFIG GET. ``why_not``: why it cannot be, or not be asked.

    ``databases``: the number of each that has keys, and how many. ``dataset``: the bytes of all of them together.
    ``changes``: how many there were within a second, ``None`` where it does not say.
    """

    databases: tuple[tuple[int, int], ...] = ()
    dataset: int = 0
    changes: int | None = None
    highest: int | None = None
    """The highest number of a database; ``None`` where it does not say."""
    why_not: str = ""
    room: RescueRoom | None = None
    """For its copy; ``None`` where copies have no place at all."""

    @property
    def keys(self) -> int:
        """Of all databases."""
        return sum(keys for _, keys in self.databases)


async def look(hands: Hands) -> Snapshot:
    """The usual picture, and what every master holds; AWS gives no copy of a node, so there it is not asked."""
    snapshot = await hands.observe()
    if snapshot.kind is Kind.ELASTICACHE:
        return snapshot
    copied = bool(snapshot.rescues_to)
    nodes = await asyncio.gather(*(_asked(node, hands, copied=copied) for node in snapshot.nodes))
    return replace(snapshot, nodes=tuple(nodes))


async def _asked(node: NodeView, hands: Hands, *, copied: bool) -> NodeView:
    if not node.is_master or (node.info and node.info.loading):
        return node
    try:
        return replace(node, flushable=await _flushable(node, hands, copied=copied))
    except ActionError as error:
        return replace(node, flushable=Flushable(why_not=f"What it holds cannot be asked: {error}"))


async def _flushable(node: NodeView, hands: Hands, *, copied: bool) -> Flushable:
    why_not = await hands.why_not_flush(node.address)
    before = await hands.keyspace(node.address)
    await hands.sleep(WATCHED_S)
    after = await hands.keyspace(node.address)
    holds = await hands.holdings(node.address)
    count = (await hands.settings(node.address, (DATABASES,))).get(DATABASES, "")
    highest = int(count) - 1 if count.isdecimal() else None
    room = await hands.rescue_room(node.address) if copied else None
    return Flushable(after.databases, holds.dataset, _changes(before, after), highest, why_not, room)


def _changes(before: Keyspace, after: Keyspace) -> int | None:
    """A dump in between sets the count back."""
    if before.changes is None or after.changes is None:
        return None
    return after.changes - before.changes if after.changes >= before.changes else after.changes
