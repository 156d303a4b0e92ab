"""Compares one key that is too large to be held whole: by parts, which are held one at a time.

Of a collection without an order each part of the first is looked up in the second: that all of it is there, and that
both have as many elements, is all that there is to know.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from actions.adapters.redis.connection import Command, CommandFailed, Reply
from actions.adapters.redis.reading import Reader
from actions.kit.canonical import DIGEST_BYTES, is_canonical, same_expiry, score
from actions.kit.comparison import Found, KeyLook, Side

_SIZE = {b"string": "STRLEN", b"list": "LLEN", b"set": "SCARD", b"hash": "HLEN", b"zset": "ZCARD", b"stream": "XLEN"}
FIRST_ID = b"0-0"

Parts = AsyncIterator[tuple[object, object]]
"""The same part of the first and of the second, as they compare."""


@dataclass(frozen=True, slots=True)
class LargeKey:
    """One key on two servers, of the same type on both.

    ``size_bytes`` is an estimate of the larger one, and ``part_bytes`` of what may be held of it at a time.
    """

    first: Reader
    second: Reader
    database: int
    kind: bytes
    name: bytes
    size_bytes: int
    part_bytes: int
    pace: Callable[[int], Awaitable[None]]
    """Is told after each part of how many elements it was; waits, or ends the comparison."""

    async def look(self, expires_first_ms: int, expires_second_ms: int) -> KeyLook:
        """Compare the value; it ends with the first part that differs.

        Raises:
            ActionError: one of the two did not answer.
        """
        found, seen = Found.UNDECIDED, (b"", b"")
        if is_canonical(self.kind):
            found, seen = await self._compared()
        sides = (Side(self.kind, expires_first_ms, seen[0]), Side(self.kind, expires_second_ms, seen[1]))
        return KeyLook(found, *sides)

    async def _compared(self) -> tuple[Found, tuple[bytes, bytes]]:
        """What it is, and digests of what was read on each side."""
        of_first, of_second = (hashlib.blake2b(digest_size=DIGEST_BYTES) for _ in range(2))
        found = Found.SAME
        async for one, other in self._parts():
            await self.pace(len(one) if isinstance(one, list) else 1)
            of_first.update(repr(one).encode())
            of_second.update(repr(other).encode())
            if isinstance(one, CommandFailed) or isinstance(other, CommandFailed):
                found = Found.UNDECIDED
                break
            if one != other:
                found = Found.DIFFERENT
                break
        return found, (of_first.digest(), of_second.digest())

    async def _parts(self) -> Parts:
        sizes = await self._both((_SIZE[self.kind], self.name))
        yield sizes
        count = self._a_part(sizes[0])
        match self.kind:
            case b"string":
                parts = self._ranges("GETRANGE", sizes[0], self.part_bytes)
            case b"list":
                parts = self._ranges("LRANGE", sizes[0], count)
            case b"stream":
                parts = self._stream(count)
            case _:
                parts = self._looked_up(count)
        async for part in parts:
            yield part

    def _a_part(self, elements: Reply) -> int:
        """How many elements are a part, so far as their mean size tells."""
        whole = elements if isinstance(elements, int) else 0
        return max(1, min(1000, whole * self.part_bytes // max(1, self.size_bytes)))

    async def _ranges(self, command: str, size: int, step: int) -> Parts:
        for start in range(0, size, step):
            yield await self._both((command, self.name, start, start + step - 1))

    async def _looked_up(self, count: int) -> Parts:
        """Sets, hashes, sorted sets: what SCAN gives of the first, and what the second says to these names."""
        scan, look_up, read, as_read = _UNORDERED[self.kind]
        cursor = b"0"
        while True:
            (page,) = await self.first.ask(self.database, (scan, self.name, cursor, "COUNT", count))
            if isinstance(page, CommandFailed):
                yield page, page
                return
            cursor, words = page
            elements = list(read(words))
            for start in range(0, len(elements), count):
                some = elements[start : start + count]
                theirs = await self.second.ask(self.database, *look_up(self.name, [name for name, _ in some]))
                yield [value for _, value in some], as_read(theirs)
                if self.kind == b"hash":
                    yield await self._field_expiries([name for name, _ in some])
            if cursor == b"0":
                return

    async def _field_expiries(self, names: list[bytes]) -> tuple[bool, bool]:
        """Whether these fields expire at the same moments."""
        fields = [(self.name, names)]
        (one,), (other,) = await asyncio.gather(
            self.first.field_expiries(self.database, fields), self.second.field_expiries(self.database, fields)
        )
        return True, all(map(same_expiry, one, other))

    async def _stream(self, count: int) -> Parts:
        async for part in self._pages(count, "XRANGE", self.name):
            yield part
        groups = await self._both(("XINFO", "GROUPS", self.name))
        last = await self._both(("XINFO", "STREAM", self.name))
        yield tuple(map(_last_id, last))
        of_first, of_second = map(_groups, groups)
        yield of_first, of_second
        for group in of_first if isinstance(of_first, list) else ():
            async for one, other in self._pages(count, "XPENDING", self.name, group[0]):
                yield _without_idle(one), _without_idle(other)

    async def _pages(self, count: int, *command: str | bytes) -> Parts:
        """What lies between two ids, from the lowest on, so many at a time."""
        start, counted = FIRST_ID, ("COUNT",) if command[0] == "XRANGE" else ()
        while True:
            page = await self._both((*command, start, "+", *counted, count))
            yield page
            if not isinstance(page[0], list) or not page[0]:
                return
            start = _after(page[0][-1][0])

    async def _both(self, command: Command) -> tuple[Reply, Reply]:
        (one,), (other,) = await asyncio.gather(
            self.first.ask(self.database, command), self.second.ask(self.database, command)
        )
        return one, other


def _after(entry: bytes) -> bytes:
    """The next id that there can be: an exclusive range needs 6.2."""
    ms, _, number = entry.partition(b"-")
    return b"%b-%d" % (ms, int(number) + 1)


def _last_id(stream: Reply) -> Reply:
    return stream if isinstance(stream, CommandFailed) else dict(_pairs(stream))[b"last-generated-id"]


def _groups(reply: Reply) -> list[tuple[bytes, bytes, int]] | CommandFailed:
    """Name, last id and how many are pending of each."""
    if isinstance(reply, CommandFailed):
        return reply
    groups = [dict(_pairs(group)) for group in reply]
    return sorted((group[b"name"], group[b"last-delivered-id"], group[b"pending"]) for group in groups)


def _without_idle(pending: Reply) -> Reply:
    """XPENDING also says how long ago each was delivered, which never stands still."""
    return pending if isinstance(pending, CommandFailed) else [(one[0], one[1], one[3]) for one in pending]


def _pairs(words: Sequence[Reply]) -> list[tuple[Reply, Reply]]:
    return list(zip(words[::2], words[1::2], strict=True))


def _members(words: Sequence[Reply]) -> list[tuple[Reply, Reply]]:
    return [(word, 1) for word in words]


def _scores(words: Sequence[Reply]) -> list[tuple[Reply, Reply]]:
    return [(name, score(points)) for name, points in _pairs(words)]


def _one_list(answers: Sequence[Reply]) -> Reply:
    return answers[0]


def _as_scores(answers: Sequence[Reply]) -> Reply:
    return [score(answer) if isinstance(answer, bytes) else answer for answer in answers]


Elements = Callable[[Sequence[Reply]], list[tuple[Reply, Reply]]]
LookUp = Callable[[bytes, list[bytes]], list[Command]]

_UNORDERED: dict[bytes, tuple[str, LookUp, Elements, Callable[[Sequence[Reply]], Reply]]] = {
    b"set": ("SSCAN", lambda key, names: [("SISMEMBER", key, name) for name in names], _members, list),
    b"hash": ("HSCAN", lambda key, names: [("HMGET", key, *names)], _pairs, _one_list),
    b"zset": ("ZSCAN", lambda key, names: [("ZSCORE", key, name) for name in names], _scores, _as_scores),
}
"""By TYPE: the command that goes through it, how its elements are looked up, and how both answers are read."""
