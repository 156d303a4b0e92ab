"""Hears what a Sentinel publishes, over a connection of its own, for as long as that lasts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable

from actions.adapters.redis.connection import Node
from actions.adapters.redis.failures import CommandFailed, as_error
from actions.adapters.redis.questions import ask_sentinel
from actions.adapters.redis.reach import Reach, by_map
from actions.adapters.redis.wire import Reply
from actions.kit.errors import AccessDenied, Garbled
from actions.kit.replies import parse_fields
from actions.kit.sentinel_events import LISTENING, Instance, SentinelEvent, as_events, parse_event
from actions.kit.snapshot import Reason, SentinelView
from actions.kit.topology import Address, Target

_SILENCE = frozenset({Reason.REFUSED, Reason.CLOSED, Reason.TIMED_OUT, Reason.UNRESOLVED})
BEAT_S = 10.0
"""A Sentinel that says nothing for so long is asked whether it is there; one that has no answer for as long is not."""


async def sentinel_events(
    target: Target,
    sentinel: Address,
    master_names: Iterable[str] = (),
    opening: asyncio.Semaphore | None = None,
    reach: Reach | None = None,
) -> AsyncGenerator[SentinelEvent]:
    """Every event of one Sentinel, of all masters that it watches. Ends only by an error or by being closed.

    First comes what it knows already of certain masters, also where it lets us ask and not listen.

    Args:
        target: whose Sentinel it is: how it lets us in.
        sentinel: which.
        master_names: of which masters it is asked at the beginning.
        opening: so many are called at a time.
        reach: where it is dialled; by default as the target's address map says.

    Raises:
        ExchangeError: it cannot be reached, does not let us in, or the connection broke.
    """
    timeout_s = target.timeout_ms / 1000
    reach = reach or by_map(target.address_map)
    name = f"sentinel {sentinel}"
    node = Node(sentinel, target.sentinel_auth, target.sentinel_tls, timeout_s, name=name, reach=reach)
    try:
        async with opening or contextlib.nullcontext():
            views = [(master_name, await _asked(node, master_name)) for master_name in master_names]
            begun = await _begun(node, [master_name for master_name, _ in views])
        for master_name, view in views:
            for known in as_events(master_name, view):
                yield known
        if isinstance(begun, AccessDenied):
            raise begun
        for standing in begun:
            yield standing
        async for reply in node.heard(BEAT_S):
            event = _event(reply)
            if event is not None:
                yield event
    finally:
        await node.aclose()


async def _begun(node: Node, master_names: Iterable[str]) -> list[SentinelEvent] | AccessDenied:
    """Subscribe; how each master is at that very moment, where the Sentinel says so, or why it does not let us."""
    names = tuple(master_names)
    try:
        answers = await node.subscribe("*", *(("SENTINEL", "MASTER", name) for name in names))
    except AccessDenied as error:
        return error
    flags = [(name, _flags(answer)) for name, answer in zip(names, answers, strict=True)]
    return [SentinelEvent(LISTENING, name, Instance.MASTER, details=told) for name, told in flags if told is not None]


def _flags(answer: Reply) -> str | None:
    """Of SENTINEL MASTER; ``None`` where it was refused or is garbage."""
    try:
        return parse_fields(answer).get("flags")
    except Garbled:
        return None


async def _asked(node: Node, master_name: str) -> SentinelView:
    """What it knows of a master. One that gives no answer at all has to be called again: nobody else may know it."""
    view = await ask_sentinel(node, master_name)
    if view.unasked is not None and view.unasked.reason in _SILENCE:
        raise as_error(node.name, CommandFailed(view.unasked.reason, view.unasked.why))
    return view


def _event(reply: Reply) -> SentinelEvent | None:
    """``pmessage``, the pattern, the channel, the text."""
    if not isinstance(reply, list) or len(reply) != 4 or reply[0] != b"pmessage":
        return None
    channel, text = (part.decode(errors="replace") if isinstance(part, bytes) else "" for part in reply[2:])
    return parse_event(channel, text)
