"""What is done to the master, or to who is master."""

from sandbox.redis import Topology
from tests.scenarios.faults.sentinels import kill_two_sentinels
from tests.scenarios.faults.tools import host_port, promoted


async def nothing(_topology: Topology) -> None:
    pass


async def kill_master(topology: Topology) -> None:
    await topology.nodes[0].kill()


async def hang_master(topology: Topology) -> None:
    await topology.nodes[0].hang()


async def kill_master_and_sentinels(topology: Topology) -> None:
    """Nobody is left to fail over; one Sentinel and two replicas see that the master is gone."""
    await kill_two_sentinels(topology)
    await topology.nodes[0].kill()


async def cut_us_off_the_master(topology: Topology) -> None:
    await topology.link(topology.nodes[0]).cut(replicas=False, sentinels=False, clients=True)


async def hide_master_from_us(topology: Topology) -> None:
    await topology.link(topology.nodes[0]).black_hole(replicas=False, sentinels=False, clients=True)


async def hide_master_from_sentinels(topology: Topology) -> None:
    """They are about to fail over: this has to be seen before they do."""
    await topology.link(topology.nodes[0]).cut(replicas=False, sentinels=True)


async def start_failover(topology: Topology) -> None:
    await topology.sentinels[0].command("SENTINEL", "FAILOVER", topology.master_name)


async def failover_command_that_waits(topology: Topology) -> None:
    """FAILOVER waits a minute for a replica that hangs and lacks a byte."""
    master, replica = topology.nodes[:2]
    await replica.hang()
    await master.command("SET", "written", "after")
    await master.command("FAILOVER", "TO", *host_port(replica), "TIMEOUT", 60_000)


async def promote_by_hand(topology: Topology) -> None:
    await topology.nodes[1].command("REPLICAOF", "NO", "ONE")


async def make_a_ring(topology: Topology) -> None:
    """Every node follows another: nobody is master."""
    await topology.nodes[0].command("REPLICAOF", *host_port(topology.nodes[1]))


async def return_of_the_old_master(topology: Topology) -> None:
    """It comes back as the master that it was, while Sentinels have long promoted another."""
    old = topology.nodes[0]
    await old.kill()
    await promoted(topology, old)
    await old.start()
