"""TestFailover and what follows: the primary is lost, a replica promoted, the endpoint moves, the node is replaced.

AWS's own words say when it may be called, how often, and which events follow one another. Replication is asynchronous:
what the lost primary had acknowledged and no replica had received is gone.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.elasticache.describe import replication_group
from sandbox.elasticache.errors import fault
from sandbox.elasticache.faults import Mishap
from sandbox.elasticache.state import NODE_ID, Group, Member, NodeGroup, not_now
from sandbox.elasticache.telling import Teller
from sandbox.elasticache.world import World

BUDGET = 15
BUDGET_WINDOW = timedelta(hours=24)
CALLED = "Test Failover API called for node group "


def test_failover(world: World, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Begin a failover of one node group, or refuse as AWS does."""
    group = world.group(asked["ReplicationGroupId"])
    node_group = group.node_group(asked["NodeGroupId"])
    _check(world, group, node_group)
    world.events.of_group(group.id, f"{CALLED}{node_group.id}")
    group.status = node_group.status = "modifying"
    world.start(_carry_out(world, group, node_group, world.faults.takes_mishap()))
    return {"ReplicationGroup": replication_group(group)}


def tell_failover(tell: Teller, group: Group, old: Member, new: Member) -> None:
    """The events that say that another node is primary; with cluster mode enabled AWS names only the new one."""
    message = f"Failover from primary node {old.id} to replica node {new.id} completed"
    tell.completed(old.id, "cache-cluster", message)
    if group.cluster_enabled:
        message = f"Failover to replica node {new.id} completed"
    tell.completed(group.id, "replication-group", message)


async def lead(node_group: NodeGroup) -> None:
    """Let the endpoints lead to the primary and to the replicas that are available."""
    readers = [member.index for member in node_group.replicas if member.status == "available"]
    await node_group.nodes.lead(node_group.primary.index, readers)


def _check(world: World, group: Group, node_group: NodeGroup) -> None:
    if world.faults.test_failover_blocked:
        raise fault("TestFailoverNotAvailableFault", "The TestFailover action is not available.")
    group.must_be_available("test failover")
    if group.automatic_failover != "enabled":
        raise not_now("Automatic failover must be enabled on the replication group to test failover.")
    if not any(member.status == "available" for member in node_group.replicas):
        raise not_now(f"NodeGroup {node_group.id} must have at least one read replica to test failover.")
    since = world.clock.now() - BUDGET_WINDOW
    if sum(event.at > since and event.message.startswith(CALLED) for event in world.events.events) >= BUDGET:
        raise fault("APICallRateForCustomerExceededFault", "The customer has exceeded the allowed rate of API calls.")


async def _carry_out(world: World, group: Group, node_group: NodeGroup, mishap: Mishap) -> None:
    if mishap is Mishap.NEVER_COMPLETES:
        return
    if mishap is Mishap.AVAILABLE_FIRST:
        group.status = node_group.status = "available"
        await world.passes(world.timing.late)
    if mishap is not Mishap.ROLLED_BACK:
        await node_group.nodes.kill(node_group.primary.index)
        await world.passes(world.timing.detection)
        await replace_primary(world, group, node_group, Teller(world, mishap))
    group.status = node_group.status = "available"


async def replace_primary(world: World, group: Group, node_group: NodeGroup, tell: Teller) -> None:
    """Promote the replica that has received most, and begin the lost primary anew as a replica of it."""
    old = node_group.primary
    old.status = "modifying"
    able = [member for member in node_group.replicas if member.status == "available"]
    chosen = await node_group.nodes.freshest([member.index for member in able])
    new = next(member for member in node_group.members if member.index == chosen)
    await node_group.nodes.promote(new.index)
    node_group.to_primary(new)
    await world.passes(world.timing.dns)
    await lead(node_group)
    tell_failover(tell, group, old, new)
    await recover(world, node_group, old, tell)
    tell.rest()


async def recover(world: World, node_group: NodeGroup, lost: Member, tell: Teller) -> None:
    """Begin a node anew, as a replica of the primary."""
    tell.recovery(lost.id, f"Recovering cache nodes {NODE_ID}")
    await world.passes(world.timing.replacement)
    await node_group.nodes.follow(lost.index, node_group.primary.index)
    lost.status, lost.created = "available", world.clock.now()
    await lead(node_group)
    tell.recovery(lost.id, f"Finished recovery for cache nodes {NODE_ID}")
