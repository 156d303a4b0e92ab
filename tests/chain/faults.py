"""Real faults on real servers for every rule in deploy/prometheus, and what undoes each."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence

from redis.exceptions import ResponseError

from actions.kit.fencing import FENCE, FENCE_REPLICAS
from sandbox.redis import Cluster, Topology
from sandbox.redis.server import Server
from tests.chain.lane import Fault
from tests.failover import setting


async def each(servers: Sequence[Server], *words: str | int) -> None:
    await asyncio.gather(*(server.command(*words) for server in servers))


async def killed(*servers: Server) -> None:
    await asyncio.gather(*(server.kill() for server in servers))


async def started(*servers: Server) -> None:
    await asyncio.gather(*(server.start() for server in servers))


def alerts(*names: str) -> frozenset[str]:
    return frozenset(f"Redis{name}" for name in names)


def without_master(topology: Topology) -> Fault:
    """Nobody is in charge, or not any more: a person promotes; what was the master follows when it is back."""
    old, gone = topology.nodes[0], topology.sentinels[1:]

    async def comes_back() -> None:
        await another_master(topology, old)
        await started(old, *gone)

    more = ("SentinelDown", "SentinelQuorumLost") if gone else ()
    return Fault(
        alerts("Down", "NoMaster", *more),
        "master-down",
        lambda: killed(*gone, old),
        comes_back,
        button="promote",
    )


async def another_master(topology: Topology, old: Server) -> None:
    """One that takes writes: an old one that is back before that stays the master."""
    async with asyncio.timeout(120):
        while not [one for one in await topology.masters() if one is not old and await _is_open(one)]:
            await asyncio.sleep(0.1)


async def _is_open(server: Server) -> bool:
    return await setting(server, FENCE) != str(FENCE_REPLICAS)


def without_replicas(topology: Topology) -> Fault:
    replicas = topology.nodes[1:]
    more = ("SentinelNoReplica",) if topology.sentinels else ()
    return Fault(
        alerts("Down", "ReplicationBroken", *more),
        "replica-down",
        lambda: killed(*replicas),
        lambda: started(*replicas),
    )


def split(topology: Topology) -> Fault:
    """Somebody has promoted a replica though its master lives, and clients still write to that."""
    second = topology.nodes[-1]

    async def breaks() -> None:
        await second.command("REPLICAOF", "NO", "ONE")
        await topology.nodes[0].command("SET", "written", "after the split")

    async def mends() -> None:
        pass

    return Fault(
        alerts("SplitBrain"), "split-brain", breaks, mends, button=f"repair mail --keep {topology.nodes[0].address}"
    )


def cut_off(topology: Topology) -> Fault:
    replica = topology.nodes[-1]
    link = topology.link(topology.nodes[0])
    return Fault(
        alerts("ReplicaLinkDown", "ReplicaMissing"),
        "",
        lambda: link.cut_replica(replica.address),
        link.heal,
    )


def hung(topology: Topology) -> Fault:
    replica = topology.nodes[-1]
    return Fault(alerts("Down", "ReplicationLag"), "", replica.hang, replica.resume)


def slow(topology: Topology) -> Fault:
    """A replica acknowledges every second, and is nine seconds of writes behind: more than the backlog holds."""
    master, link = topology.nodes[0], topology.link(topology.nodes[0])
    writing: list[asyncio.Task[None]] = []

    async def breaks() -> None:
        await master.command("CONFIG", "SET", "repl-backlog-size", 16 * 1024)
        await link.delay_replication(9)
        writing.append(asyncio.create_task(_writes(master)))

    async def mends() -> None:
        writing.pop().cancel()
        await link.heal()
        await master.command("CONFIG", "SET", "repl-backlog-size", 1024 * 1024)

    return Fault(alerts("ReplicationLagBytes"), "", breaks, mends)


async def _writes(master: Server) -> None:
    while True:
        await master.command("SET", "heavy", "x" * 2_000)
        await asyncio.sleep(0.1)


def nearly_full(topology: Topology) -> Fault:
    """Of two nodes one is at 95 %, the other has no limit."""
    master, replica = topology.nodes

    async def breaks() -> None:
        await master.command("SET", "large", "x" * 8_000_000)
        await _limited(master, 0.95)
        await replica.command("CONFIG", "SET", "maxmemory", 0)

    return Fault(alerts("MemoryHigh", "MemoryUnlimited"), "", breaks, lambda: _unlimited(topology))


def full(topology: Topology) -> Fault:
    """The application goes on trying."""
    master = topology.nodes[0]
    writing: list[asyncio.Task[None]] = []

    async def breaks() -> None:
        await master.command("SET", "large", "x" * 8_000_000)
        await _limited(master, 1.1)
        writing.append(asyncio.create_task(_tries(master)))

    async def mends() -> None:
        writing.pop().cancel()
        await _unlimited(topology)

    return Fault(alerts("MemoryFull", "WritesRefused"), "out-of-memory", breaks, mends)


async def _tries(master: Server) -> None:
    while True:
        with contextlib.suppress(ResponseError):
            await master.command("SET", "one-more", "x" * 100_000)
        await asyncio.sleep(0.5)


def evicting(topology: Topology) -> Fault:
    master = topology.nodes[0]
    writing: list[asyncio.Task[None]] = []

    async def breaks() -> None:
        await each(topology.nodes, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        for number in range(400):
            await master.command("SET", f"key:{number}", "x" * 20_000)
        await _limited(master, 1.0)
        writing.append(asyncio.create_task(_fills(master)))

    async def mends() -> None:
        writing.pop().cancel()
        await _unlimited(topology)
        await each(topology.nodes, "CONFIG", "SET", "maxmemory-policy", "noeviction")

    return Fault(alerts("Evicting"), "", breaks, mends)


async def _fills(master: Server) -> None:
    number = 0
    while True:
        for _ in range(10):
            number += 1
            with contextlib.suppress(ResponseError):  # What its replica has not taken yet cannot be evicted.
                await master.command("SET", f"filler:{number}", "x" * 20_000)
        await asyncio.sleep(0.3)


async def _limited(node: Server, part: float) -> None:
    """Of what it uses once the buffers of the last large writes have been given back."""
    used: list[int] = []
    while len(used) < 6 or used[-1] < 0.995 * used[-6]:
        used.append((await node.command("INFO", "memory"))["used_memory"])
        await asyncio.sleep(0.3)
    await node.command("CONFIG", "SET", "maxmemory", int(used[-1] / part))


async def _unlimited(topology: Topology) -> None:
    await each(topology.nodes, "CONFIG", "SET", "maxmemory", "64mb")
    await topology.nodes[0].command("FLUSHALL")


def unsaved(topology: Topology) -> Fault:
    """A directory stands where the dump belongs, and a full disk where the AOF goes on: another machine takes over."""
    master = topology.nodes[0]
    folder = topology.directory / master.name
    dump, part = folder / "dump.rdb", folder / "appendonlydir" / "appendonly.aof.2.incr.aof"

    async def breaks() -> None:
        dump.mkdir()
        part.symlink_to("/dev/full")
        await master.command("BGSAVE")
        await _rewritten(master)
        for _ in range(3):
            with contextlib.suppress(ResponseError):
                await master.command("SET", "lost", "x")

    async def mends() -> None:
        await another_master(topology, master)
        dump.rmdir()
        part.unlink()
        await _rewritten(master)
        await master.command("BGSAVE")

    return Fault(alerts("SaveFailed", "AppendFailed"), "persistence-failing", breaks, mends, button="failover")


async def _rewritten(master: Server) -> None:
    """Redis rewrites nothing while it saves."""
    async with asyncio.timeout(60):
        while (await master.command("INFO", "persistence"))["rdb_bgsave_in_progress"]:
            await asyncio.sleep(0.05)
        await master.command("BGREWRITEAOF")
        while (await master.command("INFO", "persistence"))["aof_rewrite_in_progress"]:
            await asyncio.sleep(0.05)


def crowded(topology: Topology) -> Fault:
    """Some clients are turned away, then nine tenths of the limit stay."""
    master = topology.nodes[0]
    held: list[socket.socket] = []

    async def breaks() -> None:
        await master.command("CONFIG", "SET", "maxclients", 40)
        there = (await master.command("INFO", "clients"))["connected_clients"]
        held.extend(socket.create_connection(master.spec.bind) for _ in range(35 - there))
        for one in [socket.create_connection(master.spec.bind) for _ in range(12)]:
            one.close()

    async def mends() -> None:
        for one in held:
            one.close()
        await master.command("CONFIG", "SET", "maxclients", 10_000)

    return Fault(alerts("ClientsNearLimit", "ConnectionsRejected"), "", breaks, mends)


def sentinels_odd(topology: Topology) -> Fault:
    """One Sentinel was frozen for some seconds, another one asks for more votes than there are."""
    frozen, strict = topology.sentinels[1:]
    name = topology.master_name

    async def breaks() -> None:
        await strict.command("SENTINEL", "SET", name, "quorum", 4)
        await frozen.hang()
        await asyncio.sleep(3)
        await frozen.resume()

    return Fault(
        alerts("SentinelTilt", "SentinelQuorumSplit"),
        "",
        breaks,
        lambda: strict.command("SENTINEL", "SET", name, "quorum", 2),
    )


def sentinels_disagree(topology: Topology) -> Fault:
    """Somebody has given one Sentinel another master."""
    odd, name = topology.sentinels[2], topology.master_name

    async def monitor(node: Server) -> None:
        host, port = node.spec.announced
        await odd.command("SENTINEL", "REMOVE", name)
        await odd.command("SENTINEL", "MONITOR", name, host, port, 2)
        await odd.command("SENTINEL", "SET", name, "down-after-milliseconds", topology.settings.down_after_ms)

    return Fault(
        alerts("SentinelsDisagree"),
        "sentinel-disagreement",
        lambda: monitor(topology.nodes[1]),
        lambda: monitor(topology.nodes[0]),
    )


def failed_over(topology: Topology) -> Fault:
    """The Sentinels may promote nobody, until somebody lets them."""
    old, *replicas = topology.nodes

    async def breaks() -> None:
        await each(replicas, "CONFIG", "SET", "replica-priority", 0)
        await _until_seen(topology, "slave-priority", "0")
        await old.kill()

    async def mends() -> None:
        await each(replicas, "CONFIG", "SET", "replica-priority", 100)
        await another_master(topology, old)
        await old.start()

    # Master-down between two attempts of the Sentinels, failover-in-progress in one: a look may fall into either.
    return Fault(alerts("SentinelMasterDown", "Down", "NoMaster"), "", breaks, mends, later=alerts("MasterChanged"))


async def _until_seen(topology: Topology, field: str, value: str) -> None:
    async with asyncio.timeout(60):
        for sentinel in topology.sentinels:
            while {
                one[field] for one in _pairs(await sentinel.command("SENTINEL", "REPLICAS", topology.master_name))
            } != {value}:
                await asyncio.sleep(0.1)


def _pairs(reply: object) -> list[dict[str, str]]:
    return [dict(one) if isinstance(one, dict) else dict(zip(one[::2], one[1::2], strict=True)) for one in reply]


def uncovered(cluster: Cluster) -> Fault:
    gone = (cluster.primaries[0], *cluster.replicas(0))
    return Fault(
        alerts("Down", "ClusterDown", "ClusterSlotsUncovered"),
        "",
        lambda: killed(*gone),
        lambda: started(*gone),
    )


def forgetful(cluster: Cluster) -> Fault:
    """One primary has forgotten a slot of its own: it says that the cluster is down, and nobody else does."""
    odd = cluster.primaries[1]
    slot = cluster.slots(1)[0]
    return Fault(
        alerts("ClusterNodeCutOff"),
        "",
        lambda: odd.command("CLUSTER", "DELSLOTS", slot),
        lambda: odd.command("CLUSTER", "ADDSLOTS", slot),
    )


def unprotected(cluster: Cluster) -> Fault:
    replicas = cluster.replicas(2)
    return Fault(alerts("ClusterReplicaMissing", "Down"), "", lambda: killed(*replicas), lambda: started(*replicas))
