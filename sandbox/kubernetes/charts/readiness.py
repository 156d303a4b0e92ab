"""Judges whether a release is whole: who replicates from whom, and whether everybody knows everybody."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from sandbox.kubernetes.charts.install import Release

_SOON_MS, _USUAL_MS = 100, 10_000
SLOTS = 16384


async def missing(release: "Release") -> str:
    """One sentence on what is not as it should be, empty when all is."""
    try:
        match release.chart.values.shape:
            case "cluster":
                return await _cluster(release)
            case "sentinel":
                return await _replication(release) or await _sentinels(release)
        return await _replication(release)
    except (RedisError, OSError, LookupError) as error:
        return f"a server does not answer: {error!r}."


async def form_cluster(release: "Release") -> None:
    """Make one cluster of the nodes, as the chart's first pod does: the first pods get the slots, the others follow."""
    names = release.pod_names()
    shards = len(names) // (release.chart.values.shard_replicas + 1)
    host, port = release.address(names[0]).split(":")
    for index, name in enumerate(names):
        await release.command(name, "CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        if index < shards:
            slots = range(index * SLOTS // shards, (index + 1) * SLOTS // shards)
            await release.command(name, "CLUSTER", "ADDSLOTS", *slots)
    for name in names[1:]:
        await release.command(name, "CLUSTER", "MEET", host, port)
    for index, name in enumerate(names[shards:]):
        await _follow(release, name, names[index % shards])


async def _follow(release: "Release", name: str, master: str) -> None:
    """A node can only follow one that it has heard of."""
    node_id = await release.command(master, "CLUSTER", "MYID")
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(RedisError):
                await release.command(name, "CLUSTER", "REPLICATE", node_id)
                return
            await asyncio.sleep(_SOON_MS / 1000)


async def _cluster(release: "Release") -> str:
    names = release.pod_names()
    for name in names:
        text = await release.command(name, "CLUSTER", "INFO")
        info = text if isinstance(text, dict) else dict(line.split(":", 1) for line in text.splitlines() if line)
        known = (info["cluster_state"], info["cluster_slots_ok"], info["cluster_known_nodes"])
        if known != ("ok", str(SLOTS), str(len(names))):
            return f"{name} sees the cluster as {known}."
        replication = await release.command(name, "INFO", "replication")
        if replication["role"] == "slave" and replication["master_link_status"] != "up":
            return f"{name} is not linked to its master."
    return ""


async def _replication(release: "Release") -> str:
    infos = [await release.command(name, "INFO", "replication") for name in release.pod_names()]
    masters = [info for info in infos if info["role"] == "master"]
    replicas = sum(info.get("connected_slaves", 0) for info in masters)
    linked = sum(info.get("master_link_status") == "up" for info in infos)
    if len(masters) != 1 or replicas != linked or linked != len(infos) - 1:
        return f"{len(masters)} masters with {replicas} replicas, {linked} of them linked."
    return ""


async def _sentinels(release: "Release") -> str:
    """The Sentinels ask the nodes more often meanwhile, where they can be told: ten seconds is slow to start with."""
    await _look_every(release, _SOON_MS)
    names = release.pod_names()
    others = str(len(names) - 1)
    for name in names:
        known = await release.command(name, "SENTINEL", "MASTER", release.chart.values.master_set, sentinel=True)
        state = dict(zip(known[::2], known[1::2], strict=True))
        if (state["num-slaves"], state["num-other-sentinels"]) != (others, others):
            return f"the Sentinel of {name} does not know all others yet: {state}."
    await _look_every(release, _USUAL_MS)
    return ""


async def _look_every(release: "Release", milliseconds: int) -> None:
    for name in release.pod_names():
        with contextlib.suppress(RedisError):
            await release.command(name, "SENTINEL", "DEBUG", "INFO-PERIOD", milliseconds, sentinel=True)
