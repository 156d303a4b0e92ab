"""Takes a rescue copy: what a node sends goes to the checker and to the store at once, and is hashed on its way."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from actions.adapters.redis.dump import ReplicaLine
from actions.adapters.rescue.checker import SIGNATURE, Check, Checked, checker_for
from actions.adapters.rescue.store import Draft, Store


class Line(Protocol):
    """Opens a connection on which a node sends what it sends its replicas."""

    def __call__(self) -> contextlib.AbstractAsyncContextManager[ReplicaLine]:
        """A new one, closed at the end."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one file. ``proof`` is what its store needs to prove it later on."""

    size_bytes: int
    sha256: str
    proof: Mapping[str, Any]


@dataclass(slots=True)
class Measured:
    """Counts and hashes what goes through it."""

    size_bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    async def through(self, chunks: AsyncIterator[bytes], draft: Draft) -> AsyncGenerator[bytes, None]:
        """The same chunks, once the draft has them."""
        async for chunk in chunks:
            self.size_bytes += len(chunk)
            await asyncio.to_thread(self.digest.update, chunk)
            await draft.write(chunk)
            yield chunk


@contextlib.asynccontextmanager
async def drafted(store: Store, file: str) -> AsyncIterator[Draft]:
    """A draft of this file; whatever was not published in the end is removed again, also where we are cancelled."""
    draft = await store.draft(file)
    try:
        yield draft
    finally:
        await asyncio.shield(draft.discard())


async def write_checked(draft: Draft, chunks: AsyncIterator[bytes]) -> tuple[Taken, Checked]:
    """Write an RDB file that is good.

    Raises:
        RescueFailed: the store has no room for it, or the checker says that it is not good.
    """
    measured, check, begun = Measured(), None, b""
    try:
        async for chunk in measured.through(chunks, draft):
            if check is None:
                begun += chunk
                if len(begun) < SIGNATURE:
                    continue
                check, chunk = await _check_of(begun), begun  # noqa: PLW2901 -- What came before it is due too.
            await check.feed(chunk)
        checked = await (check or await _check_of(begun)).verdict()
    finally:
        if check is not None:
            await asyncio.shield(check.stop())
    return await _sealed(draft, measured), checked


async def write(draft: Draft, chunks: AsyncIterator[bytes]) -> Taken:
    """Write whatever comes."""
    measured = Measured()
    async for _ in measured.through(chunks, draft):
        pass
    return await _sealed(draft, measured)


async def _check_of(begun: bytes) -> Check:
    return await (await checker_for(begun[:SIGNATURE])).begin()


async def _sealed(draft: Draft, measured: Measured) -> Taken:
    sha256 = measured.digest.hexdigest()
    return Taken(measured.size_bytes, sha256, await draft.seal(sha256))
