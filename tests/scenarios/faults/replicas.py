"""What is done to replicas, and to the way between them and their master."""

import asyncio
import contextlib

from redis.exceptions import RedisError

from sandbox.redis import Topology
from tests.failover import caught_up
from tests.scenarios.faults.tools import fill, host_port, reload_slowly


async def kill_replica(topology: Topology) -> None:
    await topology.nodes[2].kill()


async def hang_replica(topology: Topology) -> None:
    await topology.nodes[2].hang()


async def kill_all_replicas(topology: Topology) -> None:
    for node in topology.nodes[1:]:
        await node.kill()


async def forget_masterauth(topology: Topology) -> None:
    """Its link breaks and cannot be made again."""
    replica = topology.nodes[2]
    await replica.command("CONFIG", "SET", "masterauth", "forgotten")
    host, port = host_port(topology.nodes[0])
    await topology.nodes[0].command("CLIENT", "KILL", "TYPE", "replica")
    await replica.command("REPLICAOF", "NO", "ONE")
    await replica.command("REPLICAOF", host, port)


async def hold_replication(topology: Topology) -> None:
    """The replicas get nothing for a minute, while the master takes two megabytes."""
    await topology.link(topology.nodes[0]).delay_replication(60)
    for number in range(4):
        await topology.nodes[0].command("SET", f"big:{number}", b"x" * 500_000)


async def slow_full_sync(topology: Topology) -> None:
    """The master sends its data set key by key, with a pause after each."""
    master, replica = topology.nodes[0], topology.nodes[2]
    await master.command("CONFIG", "SET", "rdb-key-save-delay", 2_000)
    await fill(master, 5_000)
    await replica.command("REPLICAOF", "NO", "ONE")
    await replica.command("SET", "of", "its own")
    await replica.command("REPLICAOF", *host_port(master))
    while not (await replica.command("INFO", "replication")).get("master_sync_in_progress"):
        await asyncio.sleep(0.02)


async def forbid_promotion(topology: Topology) -> None:
    for node in topology.nodes[1:]:
        await node.command("CONFIG", "SET", "replica-priority", 0)


async def load_slowly(topology: Topology) -> None:
    """A replica reads its own data set, with a pause after each key."""
    replica = topology.nodes[2]
    await fill(topology.nodes[0], 2_000)
    await caught_up(topology.nodes[0], replica)
    await reload_slowly(replica)


async def kill_the_middle_of_a_chain(topology: Topology) -> None:
    """The second replica follows the first, which dies."""
    await chain(topology)
    await topology.nodes[1].kill()


async def chain(topology: Topology) -> None:
    await topology.nodes[2].command("REPLICAOF", *host_port(topology.nodes[1]))
    await caught_up(topology.nodes[1], topology.nodes[2])


async def follow_a_stranger(topology: Topology) -> None:
    """A replica was told to follow a node that is none of this target, and is not there."""
    await topology.nodes[2].command("REPLICAOF", "127.0.0.1", 1)


async def follow_another_deployment(both: tuple[Topology, Topology]) -> None:
    """A replica was told to follow the master of another deployment, and throws its data away for that one's."""
    ours, another = both
    await fill(another.nodes[0], 100)
    await ours.nodes[2].command("REPLICAOF", *host_port(another.nodes[0]))
    await caught_up(another.nodes[0], ours.nodes[2])


async def cut_one_off_its_master(topology: Topology) -> None:
    await topology.link(topology.nodes[0]).cut_replica(topology.nodes[2].address)


async def delay_replication_by_a_second(topology: Topology) -> None:
    await topology.link(topology.nodes[0]).delay_replication(1.0)


async def restart_replica(topology: Topology) -> None:
    await topology.nodes[2].restart()


async def leave_the_fence_on_a_replica(topology: Topology) -> None:
    await topology.nodes[2].command("CONFIG", "SET", "min-replicas-to-write", 1_000_000)


async def hold_one_with_a_script(topology: Topology) -> None:
    replica = topology.nodes[2]
    await replica.command("CONFIG", "SET", "lua-time-limit", 50)
    with contextlib.suppress(RedisError):
        await replica.command("EVAL", "while true do end", 0, timeout_s=0.5)


async def use_up_the_memory_of_one(topology: Topology) -> None:
    await topology.nodes[2].command("CONFIG", "SET", "maxmemory", 1)
