"""ModifyReplicationGroup: automatic failover, Multi-AZ, another primary, and what is only noted down.

Another primary can be chosen only while automatic failover and Multi-AZ are off, and never with cluster mode enabled.
Without ApplyImmediately a change of the nodes waits for the maintenance window.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.elasticache.describe import replication_group
from sandbox.elasticache.errors import cluster_not_found, fault, invalid_combination, invalid_value
from sandbox.elasticache.failover import lead, tell_failover
from sandbox.elasticache.faults import Mishap
from sandbox.elasticache.state import Group, Member, NodeGroup
from sandbox.elasticache.telling import Teller
from sandbox.elasticache.world import World

_NODES = ("PrimaryClusterId", "AutomaticFailoverEnabled", "MultiAZEnabled")
_NOTED = {
    "ReplicationGroupDescription": "description",
    "SnapshotRetentionLimit": "snapshot_retention",
    "SnapshotWindow": "snapshot_window",
    "PreferredMaintenanceWindow": "maintenance_window",
    "SnapshottingClusterId": "snapshotting_cluster",
}
_SAYS_WHAT_OR_WHEN = ("ReplicationGroupId", "ApplyImmediately", "NodeGroupId")


def modify_replication_group(world: World, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Begin the change, or note it for the maintenance window, or refuse as AWS does."""
    group = world.group(asked["ReplicationGroupId"])
    changes = {name: value for name, value in asked.items() if name not in _SAYS_WHAT_OR_WHEN}
    _check(world, group, changes)
    for name, attribute in _NOTED.items():
        if name in changes:
            setattr(group, attribute, changes[name])
    wanted = {name: changes[name] for name in _NODES if name in changes}
    if asked.get("ApplyImmediately"):
        apply(world, group, {**group.waiting, **wanted})
    else:
        group.waiting.update(wanted)
    return {"ReplicationGroup": replication_group(group)}


def apply(world: World, group: Group, wanted: Mapping[str, Any]) -> None:
    """Begin what was asked for, now or when the maintenance window comes."""
    group.waiting.clear()
    changed = {name: value for name, value in wanted.items() if not _holds(group, name, value)}
    if not changed:
        return
    group.waiting.update(changed)
    group.status = "modifying"
    if "AutomaticFailoverEnabled" in changed:
        group.automatic_failover = "enabling" if changed["AutomaticFailoverEnabled"] else "disabling"
    world.start(_carry_out(world, group, changed, world.faults.takes_mishap()))


def _check(world: World, group: Group, changes: Mapping[str, Any]) -> None:
    strange = sorted(set(changes) - {*_NODES, *_NOTED})
    if strange:
        raise invalid_value(f"The local ElastiCache does not change {', '.join(strange)}.")
    if not changes:
        raise invalid_combination("No modifications were requested.")
    group.must_be_available("modify")
    if "AutomaticFailoverEnabled" in changes or "MultiAZEnabled" in changes:
        _check_failover(group, changes)
    if "PrimaryClusterId" in changes:
        _check_primary(world, group, changes["PrimaryClusterId"])


def _check_failover(group: Group, changes: Mapping[str, Any]) -> None:
    on = changes.get("AutomaticFailoverEnabled", group.automatic_failover == "enabled")
    if not on and group.cluster_enabled:
        raise invalid_combination(
            "Turning off automatic failover for replication group with cluster mode enabled is not supported."
        )
    if on and not all(node_group.replicas for node_group in group.node_groups):
        raise invalid_combination("Replication group must have at least one read replica to enable autofailover.")
    if not on and changes.get("MultiAZEnabled", group.multi_az == "enabled"):
        raise invalid_combination("Multi-AZ can not be enabled while automatic failover is disabled.")


def _check_primary(world: World, group: Group, cluster_id: str) -> None:
    if group.cluster_enabled:
        raise invalid_combination("PrimaryClusterId can not be set for replication groups with cluster mode enabled.")
    if group.automatic_failover != "disabled" or group.multi_az == "enabled":
        raise invalid_combination(
            "A read replica can not be promoted to primary while Multi-AZ or automatic failover is enabled."
        )
    known = {member.id: member for _, member in group.members}
    if cluster_id.lower() not in known:
        everywhere = {member.id for one in world.groups.values() for _, member in one.members}
        if cluster_id.lower() not in everywhere:
            raise cluster_not_found(cluster_id)
        raise invalid_value(f"CacheCluster {cluster_id} is not a member of ReplicationGroup {group.id}.")
    member = known[cluster_id.lower()]
    if member.role == "primary":
        raise invalid_value(f"CacheCluster {cluster_id} is already the primary of ReplicationGroup {group.id}.")
    if member.status != "available":
        raise fault("InvalidCacheClusterStateFault", f"CacheCluster {cluster_id} is not in available state.")


def _holds(group: Group, name: str, value: Any) -> bool:
    match name:
        case "AutomaticFailoverEnabled":
            return (group.automatic_failover == "enabled") is value
        case "MultiAZEnabled":
            return (group.multi_az == "enabled") is value
    return group.member(value).role == "primary"


async def _carry_out(world: World, group: Group, changed: Mapping[str, Any], mishap: Mishap) -> None:
    if mishap is Mishap.NEVER_COMPLETES:
        return
    if mishap is Mishap.AVAILABLE_FIRST:
        group.status = "available"
        await world.passes(world.timing.late)
    await world.passes(world.timing.change)
    tell = Teller(world, mishap)
    if "AutomaticFailoverEnabled" in changed:
        on = changed["AutomaticFailoverEnabled"] != (mishap is Mishap.ROLLED_BACK)
        group.automatic_failover = "enabled" if on else "disabled"
    if mishap is not Mishap.ROLLED_BACK:
        await _done(world, group, changed, tell)
    tell.rest()
    group.waiting.clear()
    group.status = "available"


async def _done(world: World, group: Group, changed: Mapping[str, Any], tell: Teller) -> None:
    if "AutomaticFailoverEnabled" in changed:
        turned = "on" if changed["AutomaticFailoverEnabled"] else "off"
        message = f"Automatic failover has been turned {turned} for replication group {group.id}"
        tell.completed(group.id, "replication-group", message)
    if "MultiAZEnabled" in changed:
        group.multi_az = "enabled" if changed["MultiAZEnabled"] else "disabled"
    if "PrimaryClusterId" in changed:
        await _promote(world, group, group.node_groups[0], group.member(changed["PrimaryClusterId"]), tell)


async def _promote(world: World, group: Group, node_group: NodeGroup, new: Member, tell: Teller) -> None:
    """The old primary takes writes until the endpoint has moved: AWS promises no more than that it will be replica."""
    old = node_group.primary
    await node_group.nodes.promote(new.index)
    node_group.to_primary(new)
    await world.passes(world.timing.dns)
    await lead(node_group)
    await node_group.nodes.follow(old.index, new.index)
    tell_failover(tell, group, old, new)
