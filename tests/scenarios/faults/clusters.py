"""What is done to a cluster of three masters, the replica of each three numbers after it."""

import asyncio
import contextlib

from redis.exceptions import ResponseError

from sandbox.redis import Cluster, Server


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


async def give_a_slot_to_nobody(made: Cluster) -> None:
    """On every node at once, until none of them has it back from a ping that was on its way."""
    last = made.slots(2)[1]
    while any([await _knows_owner(node, last) for node in made.nodes]):
        for node in made.nodes:
            with contextlib.suppress(ResponseError):
                await node.command("CLUSTER", "DELSLOTS", last)


async def reset_a_replica(made: Cluster) -> None:
    """It forgets the cluster, and is a node of its own under a new id."""
    await made.replicas(1)[0].command("CLUSTER", "RESET", "HARD")


async def hang_a_primary_nobody_may_replace(made: Cluster) -> None:
    await made.replicas(0)[0].command("CONFIG", "SET", "cluster-replica-no-failover", "yes")
    await made.primaries[0].hang()


async def take_over(made: Cluster) -> None:
    """A replica takes its master's slots without a vote."""
    await made.replicas(0)[0].command("CLUSTER", "FAILOVER", "TAKEOVER")


async def bring_a_replaced_primary_back(made: Cluster) -> None:
    """It hung until another had its slots, and wakes as the master that it was."""
    old, heir = made.primaries[0], made.replicas(0)[0]
    await old.hang()
    while (await heir.command("ROLE"))[0] != "master":
        await asyncio.sleep(0.05)
    await old.resume()


async def cut_us_off_a_primary(made: Cluster) -> None:
    await made.link(made.primaries[1]).cut(replicas=False, sentinels=False, clients=True)


async def _knows_owner(node: Server, slot: int) -> bool:
    ranges = await node.command("CLUSTER", "SLOTS")
    return any(one[0] <= slot <= one[1] for one in ranges)
