"""Why a replication group may not be failed over now, and which shard and member are meant. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actions.kit.elasticache.views import GroupView, MemberView, NodeGroupView
from actions.kit.elasticache.words import AVAILABLE, DISABLED, ENABLED
from actions.kit.errors import UsageError
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address

BUDGET = 15
"""So many calls of TestFailover AWS takes from one account in 24 hours."""


def not_now(snapshot: Snapshot) -> Iterator[str]:
    """Why AWS would not do it at this moment, or why it could not be proven; every reason, as sentences."""
    group = snapshot.group
    if group is None or group.unasked is not None:
        yield group.unasked.why if group and group.unasked else "AWS was not asked."
        return
    if group.tests_in_region is None:
        why = " ".join(gap.why for gap in group.gaps)
        yield f"AWS's events cannot be read, and only they tell that a failover is complete: {why}"
    if group.status != AVAILABLE:
        yield f"AWS is at work on {group.name} (status {group.status}): it takes no other change until it is available."
    elif group.automatic_failover not in (ENABLED, DISABLED):
        yield f"Automatic failover of {group.name} is {group.automatic_failover}: wait until that has ended."
    if group.pending:
        yield f"AWS is going to change {', '.join(group.pending)} of {group.name}: it would be carried out on the way."


def shard_meant(group: GroupView, options: Mapping[str, str], wanted: MemberView | None) -> NodeGroupView | str:
    """The shard that is to fail over, or why it cannot be told which."""
    named = options.get("shard")
    known = ", ".join(f"{one.name} ({one.slots})" if one.slots else one.name for one in group.node_groups)
    if named:
        found = group.node_group(named) or group.node_group(named.zfill(4))
        if found is None:
            return f"{group.name} has no shard {named}; it has {known}."
        if wanted is not None and wanted.node_group != found.name:
            return f"{wanted.name} is of shard {wanted.node_group}, not of {found.name}."
        return found
    if wanted is not None:
        return group.node_group(wanted.node_group) or f"{group.name} has no shard {wanted.node_group}."
    if len(group.node_groups) == 1:
        return group.node_groups[0]
    return f"Which shard? Name it with --shard: {group.name} has {known}."


def member_meant(snapshot: Snapshot, group: GroupView, text: str) -> MemberView | str:
    """The member of this name, or at this address, or why there is none."""
    found = group.member(text.lower())
    if found is None:
        try:
            node = snapshot.node(address := Address.parse(text, 6379))
        except UsageError as error:
            return str(error)
        places = (address, *((node.address, *node.also) if node else ()))
        found = next((member for place in places if (member := group.member(place))), None)
    known = ", ".join(member.name for member in group.members)
    return found or f"{text} is no member of {group.name}; its members are {known}."


def primary_of(snapshot: Snapshot, shard: NodeGroupView) -> NodeView | None:
    """The node that AWS calls primary and that is master; in cluster mode the only master of the shard that answers."""
    nodes = nodes_of(snapshot, shard)
    if shard.primary is not None:
        return next((node for node in nodes if node.is_master and _is(node, shard.primary)), None)
    masters = [node for node in nodes if node.is_master]
    return masters[0] if len(masters) == 1 else None


def nodes_of(snapshot: Snapshot, shard: NodeGroupView) -> tuple[NodeView, ...]:
    """What the members of the shard say themselves."""
    found = (snapshot.node(member.endpoint) for member in shard.members if member.endpoint)
    return tuple(node for node in found if node is not None)


def member_of(shard: NodeGroupView, node: NodeView) -> MemberView | None:
    """Which member a node is."""
    return next((member for member in shard.members if _is(node, member)), None)


def against_shard(snapshot: Snapshot, shard: NodeGroupView) -> Iterator[str]:
    """Why this shard cannot fail over, whoever would take over."""
    if len(shard.members) < 2:
        yield f"Shard {shard.name} has no replica: nobody could take over."
    if shard.status not in (AVAILABLE, ""):
        yield f"Shard {shard.name} is {shard.status}: wait until it is available."
    primary = primary_of(snapshot, shard)
    if primary is None:
        named = f"{shard.primary.name}, which AWS calls the primary," if shard.primary else "its primary"
        yield (
            f"Shard {shard.name}: {named} does not answer us as a master, so writes cannot be held and the result not "
            "be proven. AWS replaces a primary that is lost by itself."
        )
    elif primary.info is not None and primary.info.loading:
        yield f"The primary {primary.address} is loading its data."


def against_candidate(snapshot: Snapshot, member: MemberView) -> Iterator[str]:
    """Why this member cannot take over; every reason, a few words each."""
    if member.status not in (AVAILABLE, ""):
        yield f"AWS has it {member.status}"
    node = snapshot.node(member.endpoint) if member.endpoint else None
    if node is None or node.info is None:
        yield f"it does not answer us ({node.unasked.why if node and node.unasked else 'it has no endpoint'})"
        return
    if node.is_master:
        yield "it is the primary already"
        return
    link, lag = node.info.link, snapshot.lag_bytes(node)
    if node.info.loading:
        yield "it is loading its data"
    if link is None or link.sync_in_progress or not link.up:
        yield "it is in a full sync" if link and link.sync_in_progress else "its link to the primary is down"
    if lag is None:
        yield "its lag cannot be told"
    elif lag > snapshot.limits.max_lag_bytes:
        yield f"it is {lag:,} bytes behind, more than the limit of {snapshot.limits.max_lag_bytes:,}"


def _is(node: NodeView, member: MemberView) -> bool:
    return member.endpoint is not None and member.endpoint in (node.address, *node.also)
