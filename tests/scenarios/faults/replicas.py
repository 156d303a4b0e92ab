"""What is done to replicas, and to the way between them and their master."""

import asyncio

from sandbox.redis import Topology
from tests.failover import caught_up
from tests.scenarios.faults.tools import fill, host_port


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


async def forbid_promotion(topology: Topology) -> None:
    for node in topology.nodes[1:]:
        await node.command("CONFIG", "SET", "replica-priority", 0)


async def load_slowly(topology: Topology) -> None:
    """A replica reads its own data set, with a pause after each key."""
    replica = topology.nodes[2]
    await fill(topology.nodes[0], 2_000)
    await caught_up(topology.nodes[0], replica)
    await replica.command("CONFIG", "SET", "loading-process-events-interval-bytes", 1_024)
    await replica.command("CONFIG", "SET", "key-load-delay", 2_000)
    loading = asyncio.create_task(replica.command("DEBUG", "RELOAD", timeout_s=60))
    _loading.add(loading)
    loading.add_done_callback(_ended)
    while not (await replica.command("INFO", "persistence"))["loading"]:
        await asyncio.sleep(0.02)


_loading: set[asyncio.Task[object]] = set()


def _ended(task: asyncio.Task[object]) -> None:
    """The server is killed under it: how it ends does not matter."""
    _loading.discard(task)
    if not task.cancelled():
        task.exception()
