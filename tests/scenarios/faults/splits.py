"""How two nodes come to be masters at once."""

import asyncio

from sandbox.kubernetes import Release
from sandbox.redis import Server, Topology
from sandbox.redis.faults import split_brain
from tests.failover import caught_up
from tests.scenarios.faults.tools import fill, host_port, promoted


async def cut_the_old_master_off(topology: Topology) -> None:
    """From replicas and Sentinels, which promote another; its clients still reach it."""
    await split_brain(topology)


async def write_garbage_to_the_wrong_side(topology: Topology) -> None:
    """A replica that was promoted by hand behind the Sentinels' back has by far the most keys."""
    wrong = topology.nodes[1]
    await wrong.command("REPLICAOF", "NO", "ONE")
    await fill(wrong, 20_000)


async def return_with_what_was_deleted(topology: Topology) -> None:
    """The old master comes back from its file, with all the keys that were deleted on the new one meanwhile."""
    old = topology.nodes[0]
    await fill(old, 5_000)
    await caught_up(*topology.nodes)
    await old.command("SAVE")
    await old.kill()
    await promoted(topology, old)
    (new,) = await topology.masters()
    await new.command("FLUSHALL")
    await old.start()


async def restart_from_an_old_file(topology: Topology) -> None:
    """Nobody is in charge: a person promoted a replica, and the old master was restarted as the master that it was."""
    old, new, other = topology.nodes
    await fill(old, 1_000)
    await old.command("SAVE")
    await fill(old, 2_000)
    await caught_up(*topology.nodes)
    await old.kill()
    await new.command("REPLICAOF", "NO", "ONE")
    await other.command("REPLICAOF", *host_port(new))
    await old.start()


async def promote_both_replicas(topology: Topology) -> None:
    for node in topology.nodes[1:]:
        await node.command("REPLICAOF", "NO", "ONE")


async def take_a_replica_along(topology: Topology) -> None:
    """The other replica follows the one that was promoted by hand."""
    await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
    await topology.nodes[2].command("REPLICAOF", *host_port(topology.nodes[1]))
    await caught_up(topology.nodes[1], topology.nodes[2])


async def hide_the_second_master(topology: Topology) -> None:
    """We are cut off the one that was promoted by hand; a replica that follows it is what tells of it."""
    await take_a_replica_along(topology)
    await topology.link(topology.nodes[1]).cut(replicas=False, sentinels=False, clients=True)


async def lose_most_sentinels_too(topology: Topology) -> None:
    for server in topology.sentinels[1:]:
        await server.kill()
    await topology.nodes[1].command("REPLICAOF", "NO", "ONE")


async def wake_a_sentinel_that_missed_it(topology: Topology) -> None:
    """One Sentinel hung while the others promoted another; it wakes as the old master comes back."""
    old, late = topology.nodes[0], topology.sentinels[2]
    await late.hang()
    await old.kill()
    await promoted(topology, old)
    await old.start()
    await late.resume()


async def promote_a_pod(release: Release) -> None:
    """By hand, and nobody tells the old master: the Service for writes selects that one for ever."""
    await release.command("redis-replicas-0", "REPLICAOF", "NO", "ONE")


async def follow_each_other_never_again(topology: Topology) -> None:
    """Each node was made a master of its own long ago: new histories, nothing in common that could be proven."""
    for node in topology.nodes[1:]:
        await node.command("REPLICAOF", "NO", "ONE")
    await asyncio.gather(*(_new_history(node) for node in topology.nodes))


async def _new_history(node: Server) -> None:
    await node.restart()
    await node.command("REPLICAOF", "NO", "ONE")
