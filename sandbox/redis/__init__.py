"""Local Redis topologies on real servers, with links that can be disturbed, faults, and a write load that counts."""

from sandbox.redis.builds import Build, build, builds
from sandbox.redis.server import Server
from sandbox.redis.topology import Topology, replication, sentinel

__all__ = ["Build", "Server", "Topology", "build", "builds", "replication", "sentinel"]
