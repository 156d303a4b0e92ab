"""Judges whether a topology is whole: one master, every replica online, every Sentinel of the same opinion."""

import asyncio
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from sandbox.redis.server import Server

if TYPE_CHECKING:
    from sandbox.redis.topology import Topology


async def missing(topology: "Topology") -> str:
    """One sentence on what is not as it should be, empty when all is."""
    try:
        return await _nodes(topology) or await _sentinels(topology)
    except (RedisError, OSError, LookupError) as error:
        return f"a server does not answer: {error!r}."


async def named_master(topology: "Topology", sentinel: Server) -> str | None:
    """The address "host:port" that this Sentinel gives to clients; None where it does not answer."""
    if not sentinel.running or sentinel.hung:
        return None
    try:
        reply = await sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", topology.master_name)
    except (RedisError, OSError):
        return None
    return ":".join(reply) if reply else None


async def _nodes(topology: "Topology") -> str:
    infos = await asyncio.gather(*(node.command("INFO", "replication") for node in topology.nodes))
    masters = [node for node, info in zip(topology.nodes, infos, strict=True) if info["role"] == "master"]
    if len(masters) != 1:
        return f"{len(masters)} masters: {masters}."
    for node, info in zip(topology.nodes, infos, strict=True):
        if info["role"] == "master":
            online = sum(info[f"slave{index}"]["state"] == "online" for index in range(info["connected_slaves"]))
            if online != len(topology.nodes) - 1:
                return f"only {online} replicas are online at {node.address}."
        elif (info["master_link_status"], _master_of(info)) != ("up", masters[0].address):
            return f"{node.address} is not replicating from {masters[0].address}: {info['master_link_status']}."
    return ""


def _master_of(info: dict[str, Any]) -> str:
    return f"{info['master_host']}:{info['master_port']}"


async def _sentinels(topology: "Topology") -> str:
    if not topology.sentinels:
        return ""
    master = await topology.master()
    views = await asyncio.gather(*(_view(topology, sentinel, master.address) for sentinel in topology.sentinels))
    return next((view for view in views if view), "")


async def _view(topology: "Topology", sentinel: Server, master: str) -> str:
    name = topology.master_name
    state = _fields(await sentinel.command("SENTINEL", "MASTER", name))
    if f"{state['ip']}:{state['port']}" != master or state["flags"] != "master":
        return f"{sentinel.name} sees {state['ip']}:{state['port']} as {state['flags']}."
    replicas = map(_fields, await sentinel.command("SENTINEL", "REPLICAS", name))
    linked = [one for one in replicas if one["flags"] == "slave" and one["master-link-status"] == "ok"]
    if len(linked) != len(topology.nodes) - 1:
        return f"{sentinel.name} sees {len(linked)} good replicas."
    # Valkey leaves the flag master_down on the others long after the switch; what counts is that they are in touch.
    others = [set(_fields(one)["flags"].split(",")) for one in await sentinel.command("SENTINEL", "SENTINELS", name)]
    if len(others) != len(topology.sentinels) - 1 or any(flags - {"sentinel", "master_down"} for flags in others):
        return f"{sentinel.name} sees the other Sentinels as {others}."
    await sentinel.command("SENTINEL", "CKQUORUM", name)
    return ""


def _fields(reply: list[str]) -> dict[str, str]:
    """Sentinel answers names and values in turn."""
    return dict(zip(reply[::2], reply[1::2], strict=True))
