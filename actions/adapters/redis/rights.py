"""Tries at one server which commands this user is let in with, without doing anything; ``actions.kit.rights``."""

from __future__ import annotations

from collections.abc import Sequence

from actions.adapters.redis.connection import CommandFailed, Node, Reply
from actions.kit.rights import NEVER_USED, Right, Rights, Tried, judged
from actions.kit.snapshot import Reason

_NOT_THERE = ("unknown command", "unknown subcommand")


async def rights(node: Node, wanted: Sequence[Right]) -> Rights:
    """What this user may and may not do there. What is refused leaves a line in the server's ACL LOG.

    Raises:
        ExchangeError: there was no answer.
    """
    try:
        answers = await node.ask(*(one.command for one in (*wanted, *NEVER_USED)), repeatable=True)
    finally:
        await node.aclose()  # READONLY stays with the connection.
    tried = [_tried(answer) for answer in answers]
    return judged(
        list(zip(wanted, tried[: len(wanted)], strict=True)), list(zip(NEVER_USED, tried[len(wanted) :], strict=True))
    )


def _tried(answer: Reply) -> Tried:
    if not isinstance(answer, CommandFailed):
        return Tried.LET_IN
    if answer.reason is Reason.NOPERM:
        return Tried.REFUSED
    return Tried.UNKNOWN if any(words in answer.text.lower() for words in _NOT_THERE) else Tried.LET_IN
