"""How an application connects to a target: ready snippets, and what is wrong right now beside them. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions.kit.connecting import python, shell
from actions.kit.connecting.doors import doors
from actions.kit.connecting.remarks import remarks

if TYPE_CHECKING:
    from actions.kit.snapshot import Snapshot
    from actions.kit.topology import Target

CLIENTS = ("redis-py", "asyncio", "env", "redis-cli")
"""What there are snippets for: redis-py, the same with asyncio, variables of an environment, a person at a shell."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text that is run as it stands. ``client`` is one of ``CLIENTS``; no password is ever in it."""

    client: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Connection:
    """How an application connects. ``remarks``: what has to be known, and what is wrong now; a sentence each."""

    snippets: tuple[Snippet, ...]
    remarks: tuple[str, ...] = ()


def connection(snapshot: Snapshot, target: Target, clients: tuple[str, ...] = CLIENTS) -> Connection:
    """The snippets for what was seen, in the order of ``clients``."""
    ways = doors(snapshot, target)
    texts = (
        Snippet("redis-py", "Python, redis-py", python.text(ways, target)),
        Snippet("asyncio", "Python, redis-py with asyncio", python.text(ways, target, asyncio=True)),
        Snippet("env", "Environment variables", shell.variables(ways, target)),
        Snippet("redis-cli", "redis-cli", shell.redis_cli(ways, target)),
    )
    return Connection(tuple(one for one in texts if one.client in clients), remarks(snapshot, target, ways))
