"""Tells in a few lines what AWS says of a replication group, shards that it is at work on first. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from actions.kit.elasticache.words import AVAILABLE
from bot.render.words import counted

if TYPE_CHECKING:
    from actions.kit.elasticache.views import Event, GroupView, NodeGroupView

SHARDS = 8
"""So many shards are told one by one; of more, those that are available are only counted."""


def group_lines(group: GroupView) -> Iterator[str]:
    """The group, its settings, then a line a shard."""
    if group.unasked is not None:
        yield f"ElastiCache {group.name} in {group.region}: no answer ({group.unasked.reason})"
        return
    mode = ", cluster mode" if group.cluster_mode else ""
    yield (
        f"ElastiCache {group.name} in {group.region}: {group.status}{mode}, automatic failover "
        f"{group.automatic_failover or 'not told'}, Multi-AZ {group.multi_az or 'not told'}"
    )
    if group.pending:
        yield f"  pending: {', '.join(group.pending)}"
    shards = sorted(group.node_groups, key=lambda shard: (_is_well(shard), shard.name))
    told = shards if len(shards) <= SHARDS else [shard for shard in shards if not _is_well(shard)][: SHARDS - 1]
    yield from (f"  {_shard(shard)}" for shard in told)
    if len(told) < len(shards):
        yield f"  … and {counted(len(shards) - len(told), 'shard')} more, available"


def group_json(group: GroupView) -> dict[str, Any]:
    """The same for programs; ``null`` where AWS did not say."""
    return {
        "region": group.region,
        "id": group.name,
        "error": group.unasked.why if group.unasked else None,
        "status": group.status or None,
        "automatic_failover": group.automatic_failover or None,
        "multi_az": group.multi_az or None,
        "cluster_mode": group.cluster_mode,
        "pending": list(group.pending),
        "test_failovers_24h": None if group.tests_in_region is None else len(group.tests_in_region),
        "node_groups": [_shard_json(shard) for shard in group.node_groups],
        "events": [event_json(event) for event in group.events],
    }


def event_json(event: Event) -> dict[str, str]:
    """One event."""
    at = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": at, "source": event.source, "kind": event.kind.value, "message": event.message}


def _shard_json(shard: NodeGroupView) -> dict[str, Any]:
    return {
        "id": shard.name,
        "status": shard.status or None,
        "slots": shard.slots or None,
        "primary_endpoint": str(shard.primary_endpoint) if shard.primary_endpoint else None,
        "members": [
            {
                "id": member.name,
                "primary": member.primary,
                "zone": member.zone or None,
                "status": member.status or None,
                "address": str(member.endpoint) if member.endpoint else None,
            }
            for member in shard.members
        ],
    }


def _is_well(shard: NodeGroupView) -> bool:
    return all(status in (AVAILABLE, "") for status in (shard.status, *(member.status for member in shard.members)))


def _shard(shard: NodeGroupView) -> str:
    slots = f" slots {shard.slots}" if shard.slots else ""
    status = "" if shard.status in (AVAILABLE, "") else f" {shard.status}"
    members = []
    for member in shard.members:
        role = {True: " primary", False: " replica", None: ""}[member.primary]
        trouble = "" if member.status in (AVAILABLE, "") else f" ({member.status})"
        members.append(f"{member.name}{role} {member.zone}{trouble}".strip())
    return f"{shard.name}{slots}{status}: {', '.join(members)}"
