"""Creates replication groups: on paper, or with real servers underneath."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from sandbox.elasticache.cluster_nodes import RealCluster, ShardNodes
from sandbox.elasticache.nodes import Nodes, PaperNodes, RealNodes
from sandbox.elasticache.state import Group, Member, NodeGroup
from sandbox.elasticache.world import World
from sandbox.redis.builds import Build
from sandbox.redis.cluster_config import Shape, slots_of
from sandbox.redis.cluster_topology import Cluster
from sandbox.redis.config import Settings as ServerSettings
from sandbox.redis.topology import Topology


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a replication group is asked to be; without a build it exists on paper only.

    `node_groups` above 0 enables cluster mode with so many shards. `zones` are given to the members in turn.
    """

    build: Build | None = None
    replicas: int = 2
    node_groups: int = 0
    automatic_failover: bool = True
    multi_az: bool = True
    zones: Sequence[str] = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    port: int = 6379
    tls: bool = False
    auth_token: str | None = None
    description: str = " "
    node_type: str = "cache.r7g.large"
    extra_config: Mapping[str, str] = field(default_factory=dict)


async def create(world: World, group_id: str, **settings: Any) -> Group:
    """Create it and wait until it is available; ValueError where AWS would refuse it."""
    wanted = Settings(**settings)
    group_id = group_id.lower()
    if wanted.multi_az and not wanted.automatic_failover:
        raise ValueError("Multi-AZ needs automatic failover.")
    if wanted.automatic_failover and not wanted.replicas and not wanted.node_groups:
        raise ValueError("Automatic failover needs a replica.")
    ids = _member_ids(group_id, wanted)
    nodes = await _nodes(group_id, ids, wanted)
    numbers = range(max(1, wanted.node_groups))
    group = Group(
        id=group_id,
        region=world.region,
        created=world.clock.now(),
        node_groups=[_node_group(world, number, ids[number], nodes[number], wanted) for number in numbers],
        cluster_enabled=wanted.node_groups > 0,
        automatic_failover="enabled" if wanted.automatic_failover else "disabled",
        multi_az="enabled" if wanted.multi_az else "disabled",
        engine="valkey" if wanted.build and wanted.build.is_valkey else "redis",
        engine_version=".".join(map(str, wanted.build.version)) if wanted.build else "7.1.0",
        node_type=wanted.node_type,
        port=wanted.port,
        tls=wanted.tls,
        auth_token=wanted.auth_token is not None,
        description=wanted.description,
    )
    world.groups[group_id] = group
    world.events.of_group(group_id, f"Replication group {group_id} created")
    if wanted.automatic_failover:
        world.events.of_group(group_id, f"Automatic failover has been turned on for replication group {group_id}")
    return group


def _member_ids(group_id: str, wanted: Settings) -> list[list[str]]:
    """For each node group the ids of its members, the primary first."""
    prefixes = [f"{group_id}-{number:04}" for number in range(1, wanted.node_groups + 1)] or [group_id]
    return [[f"{prefix}-{place:03}" for place in range(1, wanted.replicas + 2)] for prefix in prefixes]


def _node_group(world: World, number: int, ids: Sequence[str], nodes: Nodes, wanted: Settings) -> NodeGroup:
    members = [
        Member(one, index, zone, world.clock.now(), "replica" if index else "primary")
        for index, (one, zone) in enumerate(zip(ids, cycle(wanted.zones), strict=False))
    ]
    slots = "{}-{}".format(*slots_of(_shape(wanted), number)) if wanted.node_groups else None
    return NodeGroup(f"{number + 1:04}", members, nodes, slots)


async def _nodes(group_id: str, ids: Sequence[Sequence[str]], wanted: Settings) -> list[Nodes]:
    """For each node group what is underneath."""
    if wanted.build is None:
        return [PaperNodes(group_id, of_shard, wanted.port) for of_shard in ids]
    settings = ServerSettings(
        build=wanted.build,
        master_name=group_id,
        replicas=wanted.replicas,
        sentinels=0,
        managed=True,
        password=wanted.auth_token,
        tls=wanted.tls,
        extra_config=wanted.extra_config,
    )
    folder = tempfile.TemporaryDirectory(prefix="tandem-elasticache-")
    if not wanted.node_groups:
        return [await RealNodes.start(Topology(settings, Path(folder.name)), folder)]
    whole = await RealCluster.start(Cluster(settings, _shape(wanted), Path(folder.name)), folder)
    return [ShardNodes(whole, shard) for shard in range(wanted.node_groups)]


def _shape(wanted: Settings) -> Shape:
    return Shape(shards=wanted.node_groups, replicas=wanted.replicas)
