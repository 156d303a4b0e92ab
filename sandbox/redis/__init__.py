"""Local Redis topologies on real servers, with links that can be disturbed, faults, and a write load that counts."""

from sandbox.redis.builds import Build, build, builds
from sandbox.redis.cluster_config import Shape
from sandbox.redis.cluster_load import ClusterLoad
from sandbox.redis.cluster_topology import Cluster, cluster
from sandbox.redis.config import CLUSTER_ACL, DATA_ACL, SENTINEL_ACL
from sandbox.redis.link import Link
from sandbox.redis.load import WriteLoad
from sandbox.redis.server import Server
from sandbox.redis.topology import Topology, loaded, replication, sentinel

__all__ = [
    "CLUSTER_ACL",
    "DATA_ACL",
    "SENTINEL_ACL",
    "Build",
    "Cluster",
    "ClusterLoad",
    "Link",
    "Server",
    "Shape",
    "Topology",
    "WriteLoad",
    "build",
    "builds",
    "cluster",
    "loaded",
    "replication",
    "sentinel",
]
