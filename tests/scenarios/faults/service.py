"""What is done to a node that goes on: its limits, its disk, its passwords, its scripts."""

import asyncio
import contextlib

from redis.exceptions import RedisError

from sandbox.redis import Topology
from tests.scenarios.faults.tools import fill

BUSY_FOREVER = "while true do end"


async def run_a_script_for_ever(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "lua-time-limit", 50)
    with contextlib.suppress(RedisError):
        await topology.nodes[0].command("EVAL", BUSY_FOREVER, 0, timeout_s=0.5)


async def ask_for_too_many_replicas(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "min-replicas-to-write", 3)


async def leave_the_fence(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "min-replicas-to-write", 1_000_000)


async def pause_writes(topology: Topology) -> None:
    """Somebody did, for ten minutes, and has gone."""
    await topology.nodes[0].command("CLIENT", "PAUSE", 600_000, "WRITE")


async def change_password_of_one(topology: Topology) -> None:
    await topology.nodes[2].command("CONFIG", "SET", "requirepass", "another")


async def use_up_the_memory(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "maxmemory", 1)


async def break_the_dump(topology: Topology) -> None:
    """A directory stands where the dump has to be."""
    master = topology.nodes[0]
    (topology.directory / master.name / "dump.rdb").mkdir()
    await master.command("BGSAVE")
    while (await master.command("INFO", "persistence"))["rdb_last_bgsave_status"] != "err":
        await asyncio.sleep(0.02)


async def use_nearly_all_memory(topology: Topology) -> None:
    """Of so much data that what a connection takes is little beside it."""
    await fill(topology.nodes[0], 50_000)
    used = (await topology.nodes[0].command("INFO", "memory"))["used_memory"]
    await topology.nodes[0].command("CONFIG", "SET", "maxmemory", int(used * 1.06))


async def evict(topology: Topology) -> None:
    """A cache that is full: each write evicts."""
    master = topology.nodes[0]
    await fill(master, 20_000)
    await master.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    used = (await master.command("INFO", "memory"))["used_memory"]
    await master.command("CONFIG", "SET", "maxmemory", int(used * 0.9))


async def lower_maxclients(topology: Topology) -> None:
    """To little more than there are clients now."""
    there = (await topology.nodes[0].command("INFO", "clients"))["connected_clients"]
    await topology.nodes[0].command("CONFIG", "SET", "maxclients", there + 3)


async def let_us_ask_nothing(topology: Topology) -> None:
    """A user that may PING, and nothing else."""
    for node in topology.nodes:
        await node.command("ACL", "SETUSER", "poor", "on", ">poor", "+ping")


async def fill_the_disk(topology: Topology) -> None:
    """The replicas write no AOF: they would end where they cannot."""
    master, *others = topology.nodes
    for node in others:
        await node.command("CONFIG", "SET", "appendonly", "no")
    await fill(master, 30_000)
    while (await master.command("INFO", "persistence"))["aof_last_write_status"] != "err":
        await asyncio.sleep(0.02)


async def run_a_slow_command(topology: Topology) -> None:
    await topology.nodes[0].command("DEBUG", "SLEEP", 1.2)
