"""Asks one server about many keys at a time, without leaving a trace in what it would evict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from actions.adapters.redis.connection import Command, CommandFailed, Node, Reply, Request
from actions.adapters.redis.failures import as_error
from actions.kit import node_info
from actions.kit.canonical import NEVER
from actions.kit.errors import Garbled
from actions.kit.info import info_fields
from actions.kit.snapshot import Reason, Role

_READ_WHOLE: dict[bytes, tuple[tuple[str, ...], tuple[str | int, ...]]] = {
    b"string": (("GET",), ()),
    b"list": (("LRANGE",), (0, -1)),
    b"set": (("SMEMBERS",), ()),
    b"hash": (("HGETALL",), ()),
    b"zset": (("ZRANGE",), (0, -1, "WITHSCORES")),
    b"stream": (("XINFO", "STREAM"), ("FULL", "COUNT", 0)),
}
"""By TYPE: what stands before the key in the command that reads it, and what after. What is not here is dumped."""


_FIELDS_EXPIRE_SINCE = {"redis": (7, 4), "valkey": (9,)}


class Identity(NamedTuple):
    """Whose keys these are: another process, role, or history of a replica means other keys."""

    run_id: str
    role: Role
    history: str


class Meta(NamedTuple):
    """What is asked of a key before its value. ``kind`` is empty where there is none; ``bytes`` is an estimate."""

    kind: bytes
    expires_at_ms: int
    bytes: int


NOTHING = Meta(b"", NEVER, 0)


class Reader:
    """One server that is compared. It has a connection of its own, in which the database is chosen again each time.

    Args:
        node: a connection that nobody else uses; whoever made it closes it.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self._first: tuple[Command, ...] = (("CLIENT", "NO-TOUCH", "ON"),)
        self._says_expiry = False
        self.fields_expire = False
        """Single fields of a hash may have an expiry of their own here."""

    async def identify(self) -> tuple[Identity, tuple[int, ...]]:
        """Who it is, and which of its databases hold keys. To be asked before anything else.

        Raises:
            ActionError: it did not say.
        """
        (text,) = await self.node.ask(("INFO",), repeatable=True)
        if isinstance(text, CommandFailed):
            raise as_error(f"{self.node.name} INFO", text)
        info = node_info.parse_info(info_fields(text))
        self._says_expiry = info.flavour == "valkey" or info.version >= (7,)
        self.fields_expire = info.version >= _FIELDS_EXPIRE_SINCE[info.flavour]
        history = info.replid if info.role is Role.REPLICA else ""
        return Identity(info.run_id, info.role, history), node_info.parse_databases(text)

    async def scan(self, database: int, cursor: bytes, count: int) -> tuple[bytes, list[bytes]]:
        """The next names, each once; the cursor is ``b"0"`` at the beginning and at the end."""
        (answer,) = await self.ask(database, ("SCAN", cursor, "COUNT", count))
        match answer:
            case [bytes(then), list(names)]:
                return then, list(dict.fromkeys(names))
        raise Garbled(f"{self.node.name}: SCAN answered with something else")

    async def missing(self, database: int, names: Sequence[bytes]) -> list[bytes]:
        """Those of which there is no key. One question tells that there are all, as there mostly are."""
        (there,) = await self.sure(database, ("EXISTS", *names))
        if there == len(names):
            return []
        kinds = await self.sure(database, *(("TYPE", name) for name in names))
        return [name for name, kind in zip(names, kinds, strict=True) if kind == b"none"]

    async def metas(self, database: int, names: Sequence[bytes]) -> list[Meta]:
        """Type, expiry and size of each."""
        expiry = "PEXPIRETIME" if self._says_expiry else "PTTL"
        about = (command for name in names for command in (("TYPE", name), (expiry, name), ("MEMORY", "USAGE", name)))
        time, *answers = await self.sure(database, ("TIME",), *about)
        now = 0 if self._says_expiry else _ms(time)
        return [_meta(now, *answers[at : at + 3]) for at in range(0, len(answers), 3)]

    async def field_expiries(self, database: int, fields: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[list[int]]:
        """When the fields of each hash expire; given by its name and theirs, never where they cannot."""
        if not self.fields_expire:
            return [[NEVER] * len(names) for _, names in fields]
        asked: list[Command] = [("HPEXPIRETIME", key, "FIELDS", len(names), *names) for key, names in fields]
        return await self.sure(database, *asked)

    async def values(self, database: int, keys: Sequence[tuple[bytes, bytes]]) -> list[Reply]:
        """The value of each, whole: given by its TYPE and its name, as the command for that type answers."""
        return await self.ask(database, *(_read_whole(kind, name) for kind, name in keys))

    async def ask(self, database: int, *commands: Command) -> list[Reply]:
        """Put questions about one database.

        Returns:
            The replies; a ``CommandFailed`` where the key is of another type by now, or the command is not known.

        Raises:
            ActionError: nothing came back, or it does not let us ask.
        """
        before = (*self._first, ("SELECT", database))
        answers = await self.node.put(Request.of(*before, *commands), repeatable=True)
        if self._first and isinstance(answers[0], CommandFailed):
            self._first = ()  # Before 7.2 there is no such mode, and not everybody may choose it.
            answers, before = answers[1:], before[1:]
        self._refuse(before[-1], answers[len(before) - 1])
        asked = answers[len(before) :]
        for command, answer in zip(commands, asked, strict=True):
            if isinstance(answer, CommandFailed) and answer.reason is not Reason.REFUSED_COMMAND:
                self._refuse(command, answer)
        return asked

    async def sure(self, database: int, *commands: Command) -> list[Reply]:
        """As ``ask``, of what no server may refuse.

        Raises:
            ActionError: also where one of them was refused.
        """
        answers = await self.ask(database, *commands)
        for command, answer in zip(commands, answers, strict=True):
            self._refuse(command, answer)
        return answers

    def _refuse(self, command: Command, answer: Reply) -> None:
        """The command is named without its key."""
        if isinstance(answer, CommandFailed):
            raise as_error(f"{self.node.name} {command[0]!s}", answer)


def _read_whole(kind: bytes, name: bytes) -> Command:
    before, after = _READ_WHOLE.get(kind, (("DUMP",), ()))
    return (*before, name, *after)


def _meta(now_ms: int, kind: Reply, expiry: Reply, size: Reply) -> Meta:
    """A key that went away between two of the questions is none."""
    if kind == b"none" or not isinstance(kind, bytes) or expiry == -2 or not isinstance(size, int):
        return NOTHING
    return Meta(kind, NEVER if expiry == NEVER else now_ms + expiry, size)


def _ms(time: Reply) -> int:
    match time:
        case [bytes(seconds), bytes(micros)]:
            return int(seconds) * 1000 + int(micros) // 1000
    raise Garbled("TIME answered with something else")
