"""Whether AWS has moved a primary: by the status, by its events in their order, and by what the nodes say themselves.

An answer of AWS's API means that it was accepted, no more. No I/O here but through Hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from actions.kit.elasticache.events import calls_for, moved
from actions.kit.elasticache.views import GroupView
from actions.kit.elasticache.words import AVAILABLE
from actions.kit.errors import NotYet
from actions.kit.plan import Held
from actions.kit.ports import Hands
from actions.kit.snapshot import Role
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Move:
    """Which primary is to be moved. ``members``: those of its shard, each with where it listens.

    ``wanted``: the member that shall be primary; ``None`` where AWS chooses. ``endpoint`` follows the primary; there is
    none in cluster mode. ``since``: the newest event when this was planned, by AWS's own clock: what counts came later.
    """

    group: str
    region: str
    shard: str
    old: str
    members: tuple[tuple[str, Address], ...]
    endpoint: Address | None
    wanted: str | None = None
    since: datetime | None = None

    def address(self, member: str) -> Address | None:
        """Where a member listens."""
        return next((where for name, where in self.members if name == member), None)

    @property
    def primary(self) -> Address:
        """Where the old primary listens."""
        return dict(self.members)[self.old]

    @property
    def others(self) -> tuple[Address, ...]:
        """Where the others listen."""
        return tuple(where for name, where in self.members if name != self.old)


async def asked_aws(hands: Hands) -> GroupView:
    """What AWS says now, its events among it.

    Raises:
        NotYet: it does not say all of it.
    """
    group = await hands.elasticache.look()
    if group.unasked is not None:
        raise NotYet(f"AWS does not say how {group.name} is: {group.unasked.why}")
    if group.tests_in_region is None:
        raise NotYet(f"AWS does not tell its events: {' '.join(gap.why for gap in group.gaps)}")
    return group


async def judged(hands: Hands, move: Move) -> Held:
    """Whether the move has come about; the observation says what is missing, or all that proves it.

    Raises:
        NotYet: AWS does not say.
    """
    group = await asked_aws(hands)
    new = _new_primary(group, move)
    missing = "; ".join(_missing(group, move, new))
    against = missing if new is None or missing else await _nodes_against(hands, move, new)
    if against or new is None:
        return Held(yes=False, observation=against or missing)
    where = move.endpoint or move.address(new)
    said = f"{new} is primary: AWS says so, its events tell that it is complete, and {where} answers as master"
    return Held(yes=True, observation=said)


def under_way(group: GroupView, move: Move) -> str | None:
    """What shows that AWS was asked to move it, or has; ``None`` where nothing does."""
    calls = calls_for(group.events, move.shard, move.since)
    if calls:
        return f"TestFailover was called at {calls[-1].at:%H:%M:%S} (AWS's clock)"
    if moved(group.events, move.since):
        return "AWS's events tell of a failover since"
    if group.status != AVAILABLE:
        return f"{group.name} is {group.status}"
    pending = next((one for one in group.pending if one.startswith("PrimaryClusterId")), None)
    if pending:
        return f"{pending} is pending"
    shard = group.node_group(move.shard)
    primary = shard.primary if shard else None
    return f"AWS calls {primary.name} the primary" if primary and primary.name != move.old else None


def _new_primary(group: GroupView, move: Move) -> str | None:
    """Who the last event since says that it is."""
    ends = [one for one in moved(group.events, move.since) if move.address(one.new) is not None]
    return ends[-1].new if ends else None


def _missing(group: GroupView, move: Move, new: str | None) -> Iterator[str]:
    if group.status != AVAILABLE:
        yield f"{group.name} is {group.status}"
    shard = group.node_group(move.shard)
    primary = shard.primary if shard else None
    if not group.cluster_mode and (primary is None or primary.name == move.old):
        yield f"AWS still calls {move.old} the primary"
    if new is None:
        yield "no event says that a failover is complete"
    elif new == move.old or (move.wanted is not None and new != move.wanted):
        yield f"the events say that {new} is the primary"
    elif primary is not None and primary.name not in (new, move.old):
        yield f"the events say that {new} is the primary, AWS calls {primary.name} so"


async def _nodes_against(hands: Hands, move: Move, new: str) -> str | None:
    """What the new primary, or whoever is behind the endpoint, says against it.

    Raises:
        ActionError: one of them does not answer.
    """
    where = move.address(new)
    if where is None:
        return f"{new} listens nowhere"
    mine = await hands.standing(where)
    if mine.role is not Role.MASTER:
        return f"{where} says that it is a {mine.role}"
    if move.endpoint is None:
        return None
    await hands.renew(move.endpoint)
    behind = await hands.standing(move.endpoint)
    if behind.role is not Role.MASTER or behind.replid != mine.replid:
        return f"{move.endpoint} leads to another node than {new}"
    return None
