"""What a node's settings are now, and how many of its keys may be evicted. No I/O here but through Hands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from actions.kit.errors import ActionError
from actions.kit.ports import Hands, Holdings
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Kind
from actions.kit.tuning.wanted import BUFFERS, NAMES, parse_limits

IGNORES = "replica-ignore-maxmemory"
"""With no a replica evicts by itself, and holds less than its master then."""

NOTHING = Holdings(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Tunable:
    """What one node may be tuned from. Source: CONFIG GET, INFO. ``why_not``: why it could not be asked."""

    settings: tuple[tuple[str, str], ...] = ()
    holds: Holdings = NOTHING
    why_not: str = ""

    def value(self, name: str) -> str:
        """What this setting is now."""
        return dict(self.settings)[name]


async def look(hands: Hands) -> Snapshot:
    """The usual picture, and of every node that answers its settings; AWS has no CONFIG to be asked."""
    snapshot = await hands.observe()
    if snapshot.kind is Kind.ELASTICACHE:
        return snapshot
    nodes = await asyncio.gather(*(_asked(node, hands) for node in snapshot.nodes))
    return replace(snapshot, nodes=tuple(nodes))


async def _asked(node: NodeView, hands: Hands) -> NodeView:
    return node if node.info is None else replace(node, tunable=await _tunable(node, hands))


async def _tunable(node: NodeView, hands: Hands) -> Tunable:
    try:
        settings = await hands.settings(node.address, (*NAMES, IGNORES))
        holds = await hands.holdings(node.address)
        parse_limits(settings.get(BUFFERS, ""))
    except ActionError as error:
        return Tunable(why_not=str(error))
    except ValueError:
        return Tunable(why_not=f"its {BUFFERS} cannot be read")
    missing = [name for name in NAMES if name not in settings]
    if missing:
        return Tunable(why_not=f"it does not tell {', '.join(missing)}")
    return Tunable(tuple(settings.items()), holds)
