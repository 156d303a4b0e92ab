"""The write load of a replication group: applications that know nothing but its primary endpoint."""

from typing import Any

from sandbox.elasticache.nodes import real
from sandbox.elasticache.state import Group
from sandbox.redis.load import WriteLoad


def write_load(group: Group, **settings: Any) -> WriteLoad:
    """Writers to the primary endpoint of a group with real servers and cluster mode disabled.

    The keywords are those of WriteLoad; `lost` of the load takes the server of the member that is primary by then.
    """
    nodes = real(group.node_groups[0].nodes)
    return WriteLoad(nodes.topology, endpoint="{}:{}".format(*nodes.primary_endpoint), **settings)
