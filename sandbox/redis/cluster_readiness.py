"""Judges whether a cluster is whole: every node says so of all slots, and every replica has what its primary has."""

import asyncio
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from sandbox.redis.cluster_config import SLOTS
from sandbox.redis.server import Server

if TYPE_CHECKING:
    from sandbox.redis.cluster_topology import Cluster

# A cluster of 150 nodes is asked in turns: more at once only take the processors from each other.
_ASKING = 24


async def missing(cluster: "Cluster") -> str:
    """One sentence on what is not as it should be, empty when all is."""
    turns = asyncio.Semaphore(_ASKING)

    async def judged(node: Server) -> str:
        async with turns:
            return await _node(node, len(cluster.nodes))

    try:
        seen = await asyncio.gather(*(judged(node) for node in cluster.nodes))
    except (RedisError, OSError) as error:
        return f"a server does not answer: {error!r}."
    return next((sentence for sentence in seen if sentence), "")


async def _node(node: Server, count: int) -> str:
    """The first that is amiss at one node."""
    text: str = await node.command("CLUSTER", "INFO")
    fields = dict(line.split(":", 1) for line in text.split() if ":" in line)
    wanted = {"cluster_state": "ok", "cluster_slots_ok": str(SLOTS), "cluster_known_nodes": str(count)}
    for name, value in wanted.items():
        if fields.get(name) != value:
            return f"{node.address} says {name} {fields.get(name)}."
    info: dict[str, Any] = await node.command("INFO", "replication")
    if info["role"] == "slave" and info["master_link_status"] != "up":
        return f"{node.address} is not replicating: its link is {info['master_link_status']}."
    for index in range(info["connected_slaves"]):
        if info[f"slave{index}"]["state"] != "online":
            return f"a replica of {node.address} is in state {info[f'slave{index}']['state']}."
    return ""
