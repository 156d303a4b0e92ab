"""Breaks a topology as accidents do, and mends it; each function returns a sentence on what it did."""

import asyncio
import time

from sandbox.redis.readiness import named_master
from sandbox.redis.server import Server
from sandbox.redis.topology import Topology

_PROMOTION_S = 60.0


async def stop_master(topology: Topology) -> str:
    """Kill the master with SIGKILL."""
    master = await topology.master()
    await master.kill()
    return f"The master {master.address} was killed (kill -9)."


async def hang_master(topology: Topology) -> str:
    """Stop the master with SIGSTOP: its connections stay open."""
    master = await topology.master()
    await master.hang()
    return f"The master {master.address} hangs (SIGSTOP): connections stay open, nothing is answered."


async def cut_replica(topology: Topology, replica: Server | None = None) -> str:
    """Cut one replica, by default the first, off from every master it may have; needs links."""
    master = await topology.master()
    replica = replica or next(node for node in topology.nodes if node is not master and node.running)
    for node in topology.nodes:
        await topology.link(node).cut_replica(replica.address)
    return f"The replica {replica.address} was cut off from its master {master.address}."


async def slow_replication(topology: Topology, seconds: float = 0.1) -> str:
    """Delay what replicas receive; needs links."""
    for node in topology.nodes:
        await topology.link(node).delay_replication(seconds)
    return f"Replicas receive everything {1000 * seconds:.0f} ms later."


async def split_brain(topology: Topology) -> str:
    """Make a second master, while the first goes on serving its clients; return once there are two.

    Under Sentinel the master is cut off from replicas and Sentinels (needs links), and they promote another. Without
    Sentinel the first replica is promoted by hand.
    """
    old = await topology.master()
    if topology.sentinels:
        await topology.link(old).cut(replicas=True, sentinels=True, clients=False)
        new = await _promoted(topology, old)
        how = "was cut off from its replicas and the Sentinels, which promoted"
    else:
        new = next(node for node in topology.nodes if node is not old and node.running)
        await new.command("REPLICAOF", "NO", "ONE")
        how = "is still master beside"
    return f"Two masters: {old.address}, which still serves its clients, {how} {new.address}."


async def heal_everything(topology: Topology) -> str:
    """Heal the links, resume what hangs, restart what is dead, and wait until the topology is whole again.

    A dead master comes back after its Sentinels have promoted another: without its data its replicas would lose theirs.
    """
    for link in topology.links:
        await link.heal()
    servers = (*topology.nodes, *topology.sentinels)
    hung = [server for server in servers if server.hung]
    dead = [server for server in servers if not server.running]
    for server in hung:
        await server.resume()
    for server in sorted(dead, key=lambda server: not server.spec.is_sentinel):
        if topology.sentinels and server.address == await _named(topology):
            await _promoted(topology, server)
        await server.start()
    if not topology.sentinels:
        await _one_master(topology)
    await topology.ready()
    resumed, restarted = _counted(len(hung), "hung server"), _counted(len(dead), "dead one")
    return f"Links are healed, {resumed} resumed, {restarted} restarted; all is whole again."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number or 'no'} {noun}s"


async def _one_master(topology: Topology) -> None:
    """Nobody is in charge of replication without Sentinels: attach every node to the master with most replicas."""
    master = await topology.master()
    host, _, port = master.address.rpartition(":")
    for node in topology.nodes:
        if node is not master:
            await node.command("REPLICAOF", host, port)


async def _named(topology: Topology) -> str | None:
    """The address that a majority of all Sentinels gives; None without one."""
    views = await asyncio.gather(*(named_master(topology, sentinel) for sentinel in topology.sentinels))
    return next((view for view in views if view and views.count(view) > len(views) // 2), None)


async def _promoted(topology: Topology, old: Server) -> Server:
    """Wait until a majority of the Sentinels names another master that takes the role; TimeoutError after a minute."""
    deadline = time.monotonic() + _PROMOTION_S
    while time.monotonic() < deadline:
        named = await _named(topology)
        for node in await topology.masters():
            if node is not old and node.address == named:
                return node
        await asyncio.sleep(0.05)
    raise TimeoutError(f"The Sentinels promoted nobody instead of {old.address} within {_PROMOTION_S:g} s.")
