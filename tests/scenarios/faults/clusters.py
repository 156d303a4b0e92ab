"""What is done to a cluster of three masters, the replica of each three numbers after it."""

from sandbox.redis import Cluster


async def kill_primary(made: Cluster) -> None:
    await made.primaries[0].kill()


async def kill_replica(made: Cluster) -> None:
    await made.replicas(1)[0].kill()


async def kill_two_primaries(made: Cluster) -> None:
    for node in made.primaries[:2]:
        await node.kill()


async def kill_a_shard(made: Cluster) -> None:
    for node in (*made.replicas(0), made.primaries[0]):
        await node.kill()


async def leave_a_slot_open(made: Cluster) -> None:
    """A move of a slot that was begun, and never ended."""
    source, other = made.primaries[:2]
    await source.command("CLUSTER", "SETSLOT", 7, "MIGRATING", await other.command("CLUSTER", "MYID"))
    await other.command("CLUSTER", "SETSLOT", 7, "IMPORTING", await source.command("CLUSTER", "MYID"))
