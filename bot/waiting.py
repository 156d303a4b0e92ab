"""Waiting for something, but not for ever, and for others who want the same. No I/O here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

One = TypeVar("One")
Got = TypeVar("Got")


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within the time, in seconds; it is not cleared."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


class Together(Generic[One, Got]):
    """Does for many in one go what is asked for while it is being done for others: nobody waits for more to come.

    Args:
        do: does it, for each in turn or for none.
        blameless: the errors that are nobody's fault: they are told to all. After any other each is tried alone.
    """

    def __init__(
        self, do: Callable[[Sequence[One]], Awaitable[Sequence[Got]]], blameless: type[Exception] | tuple[()] = ()
    ) -> None:
        self._do, self._blameless = do, blameless
        self._waiting: dict[asyncio.Future[Got], One] = {}
        self._turn = asyncio.Lock()

    async def __call__(self, one: One) -> Got:
        """Do it for this one."""
        mine: asyncio.Future[Got] = asyncio.get_running_loop().create_future()
        self._waiting[mine] = one
        try:
            async with self._turn:
                if not mine.done():
                    await self._do_all(mine)
            return mine.result()
        finally:
            self._waiting.pop(mine, None)

    async def _do_all(self, mine: asyncio.Future[Got]) -> None:
        """Do it for all who wait, by the one whose turn it is."""
        doing = dict(self._waiting)
        try:
            results = await self._do(tuple(doing.values()))
        except self._blameless as error:
            for one in doing:
                one.set_exception(error)
                one.exception()  # Who has gone away meanwhile need not ask.
        except Exception:
            if len(doing) == 1:
                raise
            mine.set_result((await self._do([doing[mine]]))[0])
        else:
            for one, result in zip(doing, results, strict=True):
                one.set_result(result)
