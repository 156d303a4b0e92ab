"""What is done to the Sentinels."""

from sandbox.redis import Topology
from tests.scenarios.faults.tools import host_port


async def kill_two_sentinels(topology: Topology) -> None:
    for server in topology.sentinels[1:]:
        await server.kill()


async def kill_one_sentinel(topology: Topology) -> None:
    await topology.sentinels[2].kill()


async def monitor_something_else(topology: Topology) -> None:
    """One Sentinel was told that a replica is the master."""
    await topology.sentinels[2].command("SENTINEL", "REMOVE", topology.master_name)
    await topology.sentinels[2].command("SENTINEL", "MONITOR", topology.master_name, *host_port(topology.nodes[1]), 2)


async def forget_the_name(topology: Topology) -> None:
    await topology.sentinels[2].command("SENTINEL", "REMOVE", topology.master_name)


async def raise_quorum(topology: Topology) -> None:
    for server in topology.sentinels:
        await server.command("SENTINEL", "SET", topology.master_name, "quorum", 4)


async def lower_quorum(topology: Topology) -> None:
    for server in topology.sentinels:
        await server.command("SENTINEL", "SET", topology.master_name, "quorum", 1)


async def change_one_quorum(topology: Topology) -> None:
    await topology.sentinels[0].command("SENTINEL", "SET", topology.master_name, "quorum", 3)
