"""What is done to the Sentinels."""

import asyncio

from sandbox.redis import Topology
from tests.scenarios.faults.tools import host_port, promoted


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


async def hang_one_sentinel(topology: Topology) -> None:
    await topology.sentinels[2].hang()


async def tilt_one_sentinel(topology: Topology) -> None:
    """It hung for longer than its clock may jump."""
    sentinel = topology.sentinels[2]
    await sentinel.hang()
    await asyncio.sleep(2.5)
    await sentinel.resume()
    while not (await sentinel.command("INFO", "sentinel"))["sentinel_tilt"]:
        await asyncio.sleep(0.02)


async def kill_all_sentinels(topology: Topology) -> None:
    for server in topology.sentinels:
        await server.kill()


async def miss_a_failover(topology: Topology) -> None:
    """A Sentinel was away while the others promoted another; it comes back with what its file says."""
    late, old = topology.sentinels[2], topology.nodes[0]
    await late.kill()
    await old.kill()
    await promoted(topology, old)
    await late.start()
