"""What every server says of itself and the others, as they say it, kept before anything is done to one of them.

No key has its name in it, and nobody's address but those of the servers: clients are only counted.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from actions.adapters.redis.connection import CommandFailed, ExchangeError, Node, Reply
from actions.kit.errors import Garbled
from actions.kit.replies import parse_fields

_TYPES = {"S": "replica", "M": "master", "P": "pubsub", "O": "monitor"}
"""By the first flag that CLIENT LIST gives them; all others are normal ones."""


async def gather(
    nodes: Iterable[Node], sentinels: Iterable[Node], master_name: str, given: Mapping[str, object]
) -> bytes:
    """All of it as JSON; where somebody does not answer, why.

    Args:
        nodes: who is asked.
        sentinels: who is asked about ``master_name``.
        master_name: what they call the master.
        given: what else was seen.
    """
    nodes, sentinels = tuple(nodes), tuple(sentinels)
    seen = {
        "at": datetime.now(UTC).isoformat(),
        "given": given,
        "nodes": dict(zip(map(_called, nodes), await asyncio.gather(*map(_of_node, nodes)), strict=True)),
        "sentinels": dict(
            zip(
                map(_called, sentinels),
                await asyncio.gather(*(_of_sentinel(one, master_name) for one in sentinels)),
                strict=True,
            )
        ),
    }
    return json.dumps(seen, indent=2, default=str).encode() + b"\n"


async def _of_node(node: Node) -> dict[str, Any]:
    try:
        info, role, clients = await node.ask(("INFO", "all"), ("ROLE",), ("CLIENT", "LIST"), repeatable=True)
    except ExchangeError as error:
        return {"not asked": str(error)}
    return {"info": _lines(info), "role": _plain(role), "clients": _counted(clients)}


async def _of_sentinel(sentinel: Node, master_name: str) -> dict[str, Any]:
    questions = ("MASTER", "REPLICAS", "SENTINELS")
    try:
        answers = await sentinel.ask(*(("SENTINEL", word, master_name) for word in questions), repeatable=True)
    except ExchangeError as error:
        return {"not asked": str(error)}
    return {word.lower(): _pairs(answer) for word, answer in zip(questions, answers, strict=True)}


def _called(server: Node) -> str:
    return str(server.address)


def _lines(reply: Reply) -> object:
    plain = _plain(reply)
    if not isinstance(reply, bytes):
        return plain
    return [line for line in str(plain).splitlines() if line and not line.startswith("#")]


def _counted(reply: Reply) -> object:
    if not isinstance(reply, bytes):
        return _plain(reply)
    clients = [dict(word.partition("=")[::2] for word in line.split()) for line in str(_plain(reply)).splitlines()]
    return {
        "by type": Counter(_TYPES.get(client.get("flags", "")[:1], "normal") for client in clients),
        "by last command": Counter(client.get("cmd", "?") for client in clients),
    }


def _pairs(reply: Reply) -> object:
    """What Sentinel says of one or of several, by name."""
    try:
        if isinstance(reply, list) and all(isinstance(one, list) for one in reply):
            return [parse_fields(one) for one in reply]
        return parse_fields(reply)
    except Garbled:
        return _plain(reply)


def _plain(reply: Reply) -> object:
    if isinstance(reply, CommandFailed):
        return f"not told: {reply.text}"
    if isinstance(reply, list):
        return [_plain(one) for one in reply]
    return reply.decode(errors="replace") if isinstance(reply, bytes) else reply
