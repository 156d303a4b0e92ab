"""Local Redis topologies on real servers, with links that can be disturbed, faults, and a write load that counts."""

from sandbox.redis.builds import Build, build, builds
from sandbox.redis.config import DATA_ACL, SENTINEL_ACL
from sandbox.redis.link import Link
from sandbox.redis.load import WriteLoad
from sandbox.redis.server import Server
from sandbox.redis.topology import Topology, replication, sentinel

__all__ = [
    "DATA_ACL",
    "SENTINEL_ACL",
    "Build",
    "Link",
    "Server",
    "Topology",
    "WriteLoad",
    "build",
    "builds",
    "replication",
    "sentinel",
]
