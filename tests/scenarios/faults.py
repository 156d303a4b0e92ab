"""What is done to real servers in the scenarios: an async function of the topology each."""

import asyncio
import contextlib

from redis.exceptions import RedisError

from sandbox.redis import Server, Topology
from tests.failover import caught_up

BUSY_FOREVER = "while true do end"


async def nothing(_topology: Topology) -> None:
    pass


async def kill_master(topology: Topology) -> None:
    await topology.nodes[0].kill()


async def kill_master_and_sentinels(topology: Topology) -> None:
    """Nobody is left to fail over; one Sentinel and two replicas see that the master is gone."""
    await kill_two_sentinels(topology)
    await topology.nodes[0].kill()


async def hang_master(topology: Topology) -> None:
    await topology.nodes[0].hang()


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
    await master.command("FAILOVER", "TO", *_host_port(replica), "TIMEOUT", 60_000)


async def promote_by_hand(topology: Topology) -> None:
    await topology.nodes[1].command("REPLICAOF", "NO", "ONE")


async def return_of_the_old_master(topology: Topology) -> None:
    """It comes back as the master that it was, while Sentinels have long promoted another."""
    old = topology.nodes[0]
    await old.kill()
    await _promoted(topology, old)
    await old.start()


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
    host, port = _host_port(topology.nodes[0])
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
    await _fill(master, 5_000)
    await replica.command("REPLICAOF", "NO", "ONE")
    await replica.command("SET", "of", "its own")
    await replica.command("REPLICAOF", *_host_port(master))


async def forbid_promotion(topology: Topology) -> None:
    for node in topology.nodes[1:]:
        await node.command("CONFIG", "SET", "replica-priority", 0)


async def kill_two_sentinels(topology: Topology) -> None:
    for server in topology.sentinels[1:]:
        await server.kill()


async def kill_one_sentinel(topology: Topology) -> None:
    await topology.sentinels[2].kill()


async def monitor_something_else(topology: Topology) -> None:
    """One Sentinel was told that a replica is the master."""
    await topology.sentinels[2].command("SENTINEL", "REMOVE", topology.master_name)
    await topology.sentinels[2].command("SENTINEL", "MONITOR", topology.master_name, *_host_port(topology.nodes[1]), 2)


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


async def load_slowly(topology: Topology) -> None:
    """A replica reads its own data set, with a pause after each key."""
    replica = topology.nodes[2]
    await _fill(topology.nodes[0], 2_000)
    await caught_up(topology.nodes[0], replica)
    await replica.command("CONFIG", "SET", "loading-process-events-interval-bytes", 1_024)
    await replica.command("CONFIG", "SET", "key-load-delay", 2_000)
    loading = asyncio.create_task(replica.command("DEBUG", "RELOAD", timeout_s=60))
    topology_tasks.add(loading)
    loading.add_done_callback(_ended)
    await asyncio.sleep(0.3)


async def run_a_script_for_ever(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "lua-time-limit", 50)
    with contextlib.suppress(RedisError):
        await topology.nodes[0].command("EVAL", BUSY_FOREVER, 0, timeout_s=0.5)


async def ask_for_too_many_replicas(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "min-replicas-to-write", 3)


async def leave_the_fence(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "min-replicas-to-write", 1_000_000)


async def make_a_ring(topology: Topology) -> None:
    """Every node follows another: nobody is master."""
    await topology.nodes[0].command("REPLICAOF", *_host_port(topology.nodes[1]))


async def change_password(topology: Topology) -> None:
    for node in topology.nodes:
        await node.command("CONFIG", "SET", "requirepass", "another")


async def change_password_of_one(topology: Topology) -> None:
    await topology.nodes[2].command("CONFIG", "SET", "requirepass", "another")


async def use_up_the_memory(topology: Topology) -> None:
    await topology.nodes[0].command("CONFIG", "SET", "maxmemory", 1)


async def break_the_dump(topology: Topology) -> None:
    """A directory stands where the dump has to be."""
    master = topology.nodes[0]
    (topology.directory / master.name / "dump.rdb").mkdir()
    await master.command("BGSAVE")


async def use_nearly_all_memory(topology: Topology) -> None:
    used = (await topology.nodes[0].command("INFO", "memory"))["used_memory"]
    await topology.nodes[0].command("CONFIG", "SET", "maxmemory", int(used * 1.04))


topology_tasks: set[asyncio.Task[object]] = set()


def _ended(task: asyncio.Task[object]) -> None:
    """The server is killed under it: how it ends does not matter."""
    topology_tasks.discard(task)
    if not task.cancelled():
        task.exception()


def _host_port(server: Server) -> tuple[str, str]:
    host, _, port = server.address.rpartition(":")
    return host, port


async def _fill(master: Server, keys: int) -> None:
    script = "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'key:' .. i, string.rep('x', 200)) end"
    await master.command("EVAL", script, 0, keys)


async def _promoted(topology: Topology, old: Server) -> None:
    while not [node for node in await topology.masters() if node is not old]:
        await asyncio.sleep(0.05)
