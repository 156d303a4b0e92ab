"""What is done to the master, or to who is master."""

from sandbox.redis import Topology
from tests.scenarios.faults.sentinels import kill_two_sentinels
from tests.scenarios.faults.tools import fill, host_port, promoted, reload_slowly


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


async def kill_everybody(topology: Topology) -> None:
    for node in topology.nodes:
        await node.kill()


async def kill_all_sentinels_and_the_master(topology: Topology) -> None:
    for server in topology.sentinels:
        await server.kill()
    await topology.nodes[0].kill()


async def isolate_master(topology: Topology) -> None:
    """Nothing gets through to it from anybody, as where its host has lost its network."""
    await topology.link(topology.nodes[0]).black_hole(replicas=True, sentinels=True, clients=True)


async def restart_master_at_once(topology: Topology) -> None:
    """As a supervisor does, before any Sentinel has given it up."""
    await topology.nodes[0].kill()
    await topology.nodes[0].start()


async def load_slowly(topology: Topology) -> None:
    await fill(topology.nodes[0], 2_000)
    await reload_slowly(topology.nodes[0])


async def hand_over(topology: Topology) -> None:
    """A planned failover by the master's own command."""
    await topology.nodes[0].command("FAILOVER")
