"""One look at some keys on two servers at once: what type and expiry tell, then the values that have to be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from actions.adapters.redis.connection import CommandFailed, Reply
from actions.adapters.redis.large_keys import LargeKey
from actions.adapters.redis.reading import Meta, Reader
from actions.kit.canonical import digest, is_canonical, same_expiry
from actions.kit.comparison import Found, KeyLook, Side


class Looks:
    """Looks at keys on both sides.

    Args:
        first: one server.
        second: the other.
        memory_bytes: how much the values that are held at a time may take.
        pace: see ``LargeKey``.
    """

    def __init__(
        self, first: Reader, second: Reader, memory_bytes: int, pace: Callable[[int], Awaitable[None]]
    ) -> None:
        self._first, self._second = first, second
        self._memory_bytes = memory_bytes
        self._pace = pace

    async def look(self, database: int, names: Sequence[bytes]) -> list[KeyLook]:
        """One look at some keys, in the order of their names.

        Raises:
            ActionError: one of the two did not answer, or the comparison has to end.
        """
        if not names:
            return []
        firsts, seconds = await asyncio.gather(self._first.metas(database, names), self._second.metas(database, names))
        looks = list(map(_by_meta, firsts, seconds))
        small: list[int] = []
        held = 0
        for at, look in enumerate(looks):
            if look.found is not Found.SAME:
                continue
            size = max(firsts[at].bytes, seconds[at].bytes)
            if size > self._part_bytes:
                ends, part, kind = (self._first, self._second), self._part_bytes, firsts[at].kind
                large = LargeKey(*ends, database, kind, names[at], size, part, self._pace)
                looks[at] = await large.look(firsts[at].expires_at_ms, seconds[at].expires_at_ms)
                continue
            if small and held + size > self._memory_bytes // 8:
                await self._read(database, names, looks, small)
                small, held = [], 0
            small.append(at)
            held += size
        await self._read(database, names, looks, small)
        return looks

    @property
    def _part_bytes(self) -> int:
        """What is larger is compared by parts of this size."""
        return max(4096, self._memory_bytes // 64)

    async def _read(self, database: int, names: Sequence[bytes], looks: list[KeyLook], which: Sequence[int]) -> None:
        """Compare the values of those that have them, and put the outcome into ``looks``."""
        if not which:
            return
        keys = [(looks[at].first.kind, names[at]) for at in which]
        firsts, seconds = await asyncio.gather(self._first.values(database, keys), self._second.values(database, keys))
        for at, first, second in zip(which, firsts, seconds, strict=True):
            looks[at] = _by_value(looks[at], first, second)
        if self._first.fields_expire or self._second.fields_expire:
            hashes = [(at, reply[::2]) for at, reply in zip(which, firsts, strict=True) if _is_same_hash(looks[at])]
            await self._read_field_expiries(database, names, looks, hashes)

    async def _read_field_expiries(
        self, database: int, names: Sequence[bytes], looks: list[KeyLook], hashes: Sequence[tuple[int, list[bytes]]]
    ) -> None:
        """Hashes that are the same but for when single fields of theirs expire are different."""
        fields = [(names[at], some) for at, some in hashes]
        firsts, seconds = await asyncio.gather(
            self._first.field_expiries(database, fields), self._second.field_expiries(database, fields)
        )
        for (at, _), first, second in zip(hashes, firsts, seconds, strict=True):
            if not all(map(same_expiry, first, second)):
                looks[at] = replace(looks[at], found=Found.DIFFERENT)


def _by_meta(first: Meta, second: Meta) -> KeyLook:
    """What type and expiry tell; ``SAME`` means that the values are still to be compared."""
    sides = (Side(first.kind, first.expires_at_ms), Side(second.kind, second.expires_at_ms))
    match bool(first.kind), bool(second.kind):
        case False, False:
            found = Found.GONE
        case True, False:
            found = Found.ONLY_FIRST
        case False, True:
            found = Found.ONLY_SECOND
        case _:
            alike = first.kind == second.kind and same_expiry(first.expires_at_ms, second.expires_at_ms)
            found = Found.SAME if alike else Found.DIFFERENT
    return KeyLook(found, *sides)


def _is_same_hash(look: KeyLook) -> bool:
    return look.found is Found.SAME and look.first.kind == b"hash"


def _by_value(look: KeyLook, first: Reply, second: Reply) -> KeyLook:
    """What the values tell; the same reply is the same value."""
    if any(reply is None or isinstance(reply, CommandFailed) for reply in (first, second)):
        return KeyLook(Found.UNDECIDED, look.first, look.second)  # It has become another key, or cannot be read.
    if first == second:
        return look
    kind = look.first.kind
    digests = (digest(kind, first), digest(kind, second))
    sides = (Side(kind, look.first.expires_at_ms, digests[0]), Side(kind, look.second.expires_at_ms, digests[1]))
    if digests[0] == digests[1]:
        return KeyLook(Found.SAME, *sides)
    return KeyLook(Found.DIFFERENT if is_canonical(kind) else Found.UNDECIDED, *sides)
