"""One connection in RESP2, plain or TLS: sends commands and gives their replies, which hiredis parses.

redis-py, whose parser hiredis is, stays out: to import it takes a terminal longer than to ask 200 nodes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import hiredis

from actions.kit.topology import Address, Credentials

Command = tuple[str | bytes | int, ...]
Reply = Any
"""What hiredis gives for RESP2: bytes, int, None, a list of these; ``hiredis.ReplyError`` for an error reply."""

Answer = asyncio.Future[list[Reply]]
"""Will be the replies to one request."""

_MORE = object()

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER for no time at all: closing resets the connection, and throws away what was not received yet."""


class _Inbox(threading.local):
    """Where all connections of one loop receive: what arrives is given to its parser before the loop reads another.

    ``asyncio.Protocol`` would allocate 256 kB for each answer, which costs more than to receive it.
    """

    def __init__(self) -> None:
        self.arrived = bytearray(65_536)
        self.view = memoryview(self.arrived)


_inbox = _Inbox()


class LoginRefusedError(Exception):
    """AUTH was answered by an error, whose words these are."""


class Request(NamedTuple):
    """Commands as they are sent, and how many replies there will be. What is asked often is packed once."""

    packed: bytes
    replies: int

    @classmethod
    def of(cls, *commands: Command) -> Request:
        """Pack the commands: their arguments, the command's name first."""
        return cls(b"".join(map(_pack, commands)), len(commands))


class Wire(asyncio.BufferedProtocol):
    """An open connection, from ``open_wire``. One exchange at a time; close with ``abort``."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(notEnoughData=_MORE)
        self._arrived, self._view = _inbox.arrived, _inbox.view
        self._transport: asyncio.BaseTransport | None = None
        self._answer: Answer | None = None
        self._wanted = 0
        self._replies: list[Reply] = []
        self._heard: asyncio.Queue[Reply | Exception] | None = None
        self.when_lost: Callable[[], None] | None = None
        """Is called when it breaks."""

    @property
    def usable(self) -> bool:
        """It is open, nobody waits for an answer, each was whole, and nothing came that nobody asked for."""
        open_ = self._transport is not None and not self._transport.is_closing()
        return open_ and self._answer is None and not self._replies and not self._reader.has_data()

    @property
    def spoilt(self) -> bool:
        """An exchange ended without its answer: it failed, took too long, or was given up."""
        return self._answer is not None and self._answer.done()

    def exchange(self, request: Request) -> Answer:
        """Send all commands at once, and give what waits for a reply to each.

        Its errors are an ``OSError`` where the connection broke, ``hiredis.ProtocolError`` where what came is not
        Redis' protocol. Whoever no longer waits cancels it.
        """
        answer: Answer = asyncio.get_running_loop().create_future()
        if isinstance(self._transport, asyncio.Transport) and self.usable:
            self._answer, self._wanted = answer, request.replies
            self._transport.write(request.packed)
        else:
            answer.set_exception(ConnectionResetError("the connection broke"))
        return answer

    def listen(self) -> asyncio.Queue[Reply | Exception]:
        """Give whatever comes from now on, as it comes; an exception where the connection broke, and nothing after it.

        For a connection that has subscribed: it takes part in no exchange any more.
        """
        self._heard = asyncio.Queue()
        for reply in self._replies:
            self._heard.put_nowait(reply)
        self._replies = []
        return self._heard

    def send(self, request: Request) -> None:
        """Send without waiting for anything; for a connection that listens."""
        if isinstance(self._transport, asyncio.Transport):
            self._transport.write(request.packed)

    async def free(self) -> None:
        """Wait until the exchange under way has ended, in whatever way."""
        while self._answer is not None and not self._answer.done():
            await asyncio.wait({self._answer})

    def abort(self) -> None:
        """Close without waiting for the other side, which may hang.

        What is still under way is not sent any more: the kernel would go on trying for minutes, and what was given up
        would be done after all.
        """
        if isinstance(self._transport, asyncio.Transport):
            socket_ = self._transport.get_extra_info("socket")
            if socket_ is not None and not self._transport.is_closing():
                socket_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.BufferedProtocol``."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- What does not fit arrives next.
        """See ``asyncio.BufferedProtocol``."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """See ``asyncio.BufferedProtocol``."""
        try:
            self._reader.feed(self._arrived, 0, nbytes)  # type: ignore[arg-type]  # Its stub knows no bytearray.
            while (reply := self._reader.gets()) is not _MORE:
                self._replies.append(reply)
        except Exception as error:  # noqa: BLE001 -- A stranger's bytes can raise anything; whoever asked is told.
            self._fail(error)
            self.abort()
            return
        if self._heard is not None:
            heard, self._replies = self._replies, []
            for reply in heard:
                self._heard.put_nowait(reply)
            return
        answer, wanted = self._answer, self._wanted
        if answer is not None and len(self._replies) >= wanted and not answer.done():
            replies, self._replies = self._replies[:wanted], self._replies[wanted:]
            self._answer = None
            answer.set_result(replies)

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.BufferedProtocol``."""
        self._fail(exc or ConnectionResetError("the connection broke"))
        if self.when_lost is not None:
            self.when_lost()

    def _fail(self, error: Exception) -> None:
        if self._heard is not None:
            self._heard.put_nowait(error)
        answer, said = self._answer, self._replies
        if answer is None or answer.done():
            return
        if len(said) == 1 and isinstance(said[0], Exception):
            answer.set_result(said * self._wanted)  # It said why, and hung up.
        else:
            answer.set_exception(error)


async def open_wire(place: Address, credentials: Credentials, tls: tuple[ssl.SSLContext, str] | None = None) -> Wire:
    """Connect, and log in where there is somebody to log in as.

    Args:
        place: where to dial.
        credentials: as whom.
        tls: how, and the host that the certificate has to name.

    Raises:
        LoginRefusedError: AUTH was refused.
        OSError: it could not connect; also the errors of ``Wire.exchange``.
    """
    loop = asyncio.get_running_loop()
    context, host = tls or (None, None)
    _, wire = await loop.create_connection(Wire, place.host, place.port, ssl=context, server_hostname=host)
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
    (answer,) = await wire.exchange(Request.of(("AUTH", *user, credentials.password or "")))
    if isinstance(answer, Exception):
        raise LoginRefusedError(str(answer))


def _pack(command: Command) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # Its stub says a tuple of one.
    return packed
