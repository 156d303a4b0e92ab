"""The write load of a replication group: applications that know nothing but its endpoint."""

from typing import Any

from sandbox.elasticache.cluster_nodes import ShardNodes
from sandbox.elasticache.nodes import RealNodes
from sandbox.elasticache.state import Group
from sandbox.redis.cluster_load import ClusterLoad
from sandbox.redis.load import WriteLoad


def write_load(group: Group, **settings: Any) -> WriteLoad:
    """Writers to the primary endpoint of a group with cluster mode disabled; the keywords are those of WriteLoad.

    `lost` of the load takes the server of the member that is primary by then. TypeError without such servers.
    """
    nodes = group.node_groups[0].nodes
    if not isinstance(nodes, RealNodes):
        raise TypeError(f"{group.id} has no real servers of which one is master.")
    return WriteLoad(nodes.topology, endpoint="{}:{}".format(*nodes.primary_endpoint), **settings)


def cluster_load(group: Group, **settings: Any) -> ClusterLoad:
    """Writers to all slots of a group with cluster mode enabled; TypeError without real servers."""
    nodes = group.node_groups[0].nodes
    if not isinstance(nodes, ShardNodes):
        raise TypeError(f"{group.id} has no real servers that are a cluster.")
    return ClusterLoad(nodes.whole.cluster, **settings)
