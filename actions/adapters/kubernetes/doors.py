"""Local addresses that lead to a port of a pod: each connection is let in once for each way that was opened."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

from actions.kit.topology import Address

Guest = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves one connection to its end."""

LOCAL = "127.0.0.1"


class Door:
    """Listens on a free local port. A connection that nobody has opened a way for is closed at once.

    Close with ``aclose``.
    """

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._waiting: deque[tuple[Guest, Callable[[], None]]] = deque()
        self._guests: set[asyncio.Task[None]] = set()

    async def open_for(self, guest: Guest, unused: Callable[[], None]) -> Address:
        """Have the next connection served by this; what waits for one since before is given up by its ``unused``."""
        if self._server is None:
            self._server = await asyncio.start_server(self._enter, LOCAL, 0)
        self._give_up()
        self._waiting.append((guest, unused))
        return Address(LOCAL, self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Close it, and every connection through it."""
        self._give_up()
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0)  # Who has just come in begins: cancelled before that, it would close nothing.
        for guest in tuple(self._guests):
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    def _give_up(self) -> None:
        while self._waiting:
            self._waiting.popleft()[1]()

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._waiting:
            writer.close()
            return
        guest, _ = self._waiting.popleft()
        task = asyncio.create_task(_served(guest, reader, writer))
        self._guests.add(task)
        task.add_done_callback(self._guests.discard)


async def _served(guest: Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await guest(reader, writer)
    finally:
        writer.close()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on whatever comes, until no more does."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
