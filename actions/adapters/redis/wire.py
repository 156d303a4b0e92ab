"""One connection in RESP2, plain or TLS: sends commands and gives their replies, which hiredis parses.

redis-py, whose parser hiredis is, stays out: to import it takes a terminal longer than to ask 200 nodes.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import hiredis

from actions.kit.topology import Address, Credentials

Command = tuple[str | bytes | int, ...]
Reply = Any
"""What hiredis gives for RESP2: bytes, int, None, a list of these; ``hiredis.ReplyError`` for an error reply."""

_MORE = object()


class LoginRefusedError(Exception):
    """AUTH was answered by an error, whose words these are."""


class Wire(asyncio.Protocol):
    """An open connection, from ``open_wire``. One exchange at a time; close with ``abort``."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(notEnoughData=_MORE)
        self._transport: asyncio.BaseTransport | None = None
        self._arrived: asyncio.Future[None] | None = None
        self._wanted = 0
        self.replies: list[Reply] = []
        """Of the exchange under way; after one that failed what came before it did."""

    @property
    def usable(self) -> bool:
        """It is open, and nothing came that nobody asked for."""
        open_ = self._transport is not None and not self._transport.is_closing()
        return open_ and not self.replies and not self._reader.has_data()

    async def exchange(self, commands: tuple[Command, ...]) -> list[Reply]:
        """Send all commands at once and wait for a reply to each.

        Raises:
            OSError: the connection broke; ``replies`` holds what came before.
            hiredis.ProtocolError: what came is not Redis' protocol.
        """
        if not isinstance(self._transport, asyncio.Transport) or not self.usable:
            raise ConnectionResetError("the connection broke")
        self._wanted = len(commands)
        self._arrived = asyncio.get_running_loop().create_future()
        self._transport.write(b"".join(_packed(command) for command in commands))
        await self._arrived
        replies, self.replies = self.replies[: self._wanted], self.replies[self._wanted :]
        return replies

    def abort(self) -> None:
        """Close without waiting for the other side, which may hang."""
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                self.replies.append(reply)
        except Exception as error:  # noqa: BLE001 -- A stranger's bytes can raise anything; whoever asked is told.
            self._end(error)
            self.abort()
            return
        if len(self.replies) >= self._wanted:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._end(exc or ConnectionResetError("the connection broke"))

    def _end(self, error: Exception | None) -> None:
        arrived, self._arrived = self._arrived, None
        if arrived is None or arrived.done():
            return
        if error is None:
            arrived.set_result(None)
        else:
            arrived.set_exception(error)


async def open_wire(address: Address, credentials: Credentials, context: ssl.SSLContext | None) -> Wire:
    """Connect, and log in where there is somebody to log in as.

    Raises:
        LoginRefusedError: AUTH was refused.
        OSError: it could not connect; also what ``Wire.exchange`` raises.
    """
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(Wire, address.host, address.port, ssl=context)
    try:
        await _log_in(wire, credentials)
    except BaseException:
        wire.abort()
        raise
    return wire


async def _log_in(wire: Wire, credentials: Credentials) -> None:
    if credentials.username is None and credentials.password is None:
        return
    user = () if credentials.username is None else (credentials.username,)
    (answer,) = await wire.exchange((("AUTH", *user, credentials.password or ""),))
    if isinstance(answer, Exception):
        raise LoginRefusedError(str(answer))


def _packed(command: Command) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # Its stub says a tuple of one.
    return packed
