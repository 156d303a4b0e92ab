"""What happens to nodes without anybody having asked for it, and what AWS does when it notices.

A lost replica is replaced. A lost primary is replaced by a failover where automatic failover is on; where it is off AWS
would begin it anew after a time for which nobody wants to wait here, so that a person has to choose another primary.
"""

from sandbox.elasticache.failover import recover, replace_primary
from sandbox.elasticache.faults import Mishap
from sandbox.elasticache.state import Group, Member, NodeGroup
from sandbox.elasticache.telling import Teller
from sandbox.elasticache.world import World


async def lose(world: World, group: Group, member: Member) -> None:
    """Let a node vanish with its data; AWS notices after its time of detection."""
    node_group = group.node_group_of(member)
    await node_group.nodes.kill(member.index)
    if member.role == "replica":
        world.start(_replica_lost(world, node_group, member))
    elif group.automatic_failover == "enabled":
        world.start(_primary_lost(world, group, node_group))


async def _replica_lost(world: World, node_group: NodeGroup, member: Member) -> None:
    await world.passes(world.timing.detection)
    member.status = "modifying"
    await recover(world, node_group, member, Teller(world, Mishap.NONE))


async def _primary_lost(world: World, group: Group, node_group: NodeGroup) -> None:
    await world.passes(world.timing.detection)
    group.status = node_group.status = "modifying"
    await replace_primary(world, group, node_group, Teller(world, world.faults.takes_mishap()))
    group.status = node_group.status = "available"
