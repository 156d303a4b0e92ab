"""Takes what a node sends its replicas, over a connection of its own: all its data, or the commands after an offset.

The node forks for all its data. It counts us among its replicas meanwhile, at the port that we announce.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator

import hiredis

from actions.adapters.redis.failures import CommandFailed, ExchangeError, as_error, from_exception, from_reply
from actions.adapters.redis.reach import Reach
from actions.adapters.redis.tls import tls_context
from actions.adapters.redis.wire import LoginRefusedError, Request
from actions.kit.errors import CommandRefused, Garbled
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Target

CHUNK = 1_048_576
SILENCE_S = 20.0
"""A node that sends nothing for so long hangs: while it prepares a copy it sends a newline a second."""
NO_PORT = 65_536
"""Sentinels look into INFO for replicas that they do not know yet. At port 0, which is what who announces none has,
they find one, and never forget it again (seen on 6.2, 7.0 and Valkey 9.1); this port they know to be none."""
_FULL = re.compile(r"FULLRESYNC ([0-9a-zA-Z]{40}) (\d{1,19})")
_SIZED = re.compile(rb"\$(\d{1,19})")
_MARKED = re.compile(rb"\$EOF:(.{40})", re.DOTALL)


class ReplicaLine:
    """An open connection, from ``replica_line``."""

    def __init__(
        self, who: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silence_s: float, secret: str | None
    ) -> None:
        self._who = who
        self._reader = reader
        self._writer = writer
        self._silence_s = silence_s
        self._secret = secret

    async def full_copy(self) -> tuple[str, int, AsyncGenerator[bytes, None]]:
        """Ask for all data: the history and the offset of what will come, and its bytes, an RDB file.

        Raises:
            ExchangeError: it does not give it; the bytes raise it too, where they end before their end.
        """
        with contextlib.suppress(CommandRefused):  # Older servers do not know it: they only go on after the data.
            await self.say("REPLCONF", "rdb-only", 1)
        # Without eof a server writes a file of its own first, for which its disk may have no room.
        await self.say("REPLCONF", "capa", "eof", "capa", "psync2")
        said = await self.say("PSYNC", "?", -1)
        match = _FULL.fullmatch(said)
        if match is None:
            raise self._failed(Reason.GARBAGE, f"PSYNC was answered by {said[:60]!r}")
        return match[1], int(match[2]), self._data()

    async def commands(self, replid: str, first: int, last: int) -> AsyncGenerator[bytes, None]:
        """The bytes of these offsets, both included, of this history.

        Raises:
            CommandRefused: it no longer has them.
            ExchangeError: as ``full_copy``.
        """
        said = await self.say("PSYNC", replid, first)
        if not said.startswith("CONTINUE"):
            raise self._failed(Reason.REFUSED_COMMAND, f"its backlog does not go back to offset {first}")
        return self._counted(last - first + 1)

    async def say(self, *words: str | int) -> str:
        """Send one command, and give the status that it is answered by; an error reply is raised."""
        self._writer.write(Request.of(words).packed)
        line = await self._line()
        if not line.startswith(b"+"):
            raise self._failed(Reason.GARBAGE, f"{words[0]} was answered by {line[:60]!r}")
        return line[1:].decode(errors="replace")

    async def _data(self) -> AsyncGenerator[bytes, None]:
        head = await self._line()
        if (sized := _SIZED.fullmatch(head)) is not None:
            bytes_ = self._counted(int(sized[1]))
        elif (marked := _MARKED.fullmatch(head)) is not None:
            bytes_ = self._until(marked[1])
        else:
            raise self._failed(Reason.GARBAGE, f"its data began with {head[:60]!r}")
        async for chunk in bytes_:
            yield chunk

    async def _counted(self, left: int) -> AsyncGenerator[bytes, None]:
        while left:
            chunk = await self._read(min(left, CHUNK))
            left -= len(chunk)
            yield chunk

    async def _until(self, mark: bytes) -> AsyncGenerator[bytes, None]:
        """What comes before the mark, which may come in two pieces; and after it, the commands that came since."""
        held = b""
        while (end := held.find(mark)) < 0:
            sure = max(0, len(held) - len(mark) + 1)
            if sure:
                yield held[:sure]
            held = held[sure:] + await self._read(CHUNK)
        if end:
            yield held[:end]

    async def _line(self) -> bytes:
        """The next line that is not empty, without its end; an error reply is raised."""
        line = b""
        while not line:
            line = (await self._bounded_line()).rstrip(b"\r\n")
        if line.startswith(b"-"):
            raise as_error(self._who, from_reply(Exception(line[1:].decode(errors="replace")), self._secret))
        return line

    async def _bounded_line(self) -> bytes:
        try:
            async with asyncio.timeout(self._silence_s):
                return await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise self._failed(Reason.GARBAGE, "what it sends is not what Redis sends a replica") from None
        except (EOFError, OSError) as error:
            raise self._broken(error) from None

    async def _read(self, most: int) -> bytes:
        try:
            async with asyncio.timeout(self._silence_s):
                chunk = await self._reader.read(most)
        except OSError as error:
            raise self._broken(error) from None
        if not chunk:
            raise self._broken(EOFError())
        return chunk

    def _broken(self, error: Exception) -> ExchangeError:
        if isinstance(error, TimeoutError):
            return self._failed(Reason.TIMED_OUT, f"it has sent nothing for {self._silence_s:g} s")
        return self._failed(Reason.CLOSED, "it closed the connection before all was sent; its log says why")

    def _failed(self, reason: Reason, text: str) -> ExchangeError:
        return as_error(self._who, CommandFailed(reason, text))


@contextlib.asynccontextmanager
async def replica_line(
    target: Target, node: Address, reach: Reach, silence_s: float = SILENCE_S
) -> AsyncIterator[ReplicaLine]:
    """Connect to this node as a replica that nobody adopts; closed at the end.

    Args:
        target: how to log in, and whether by TLS.
        node: which one.
        reach: where it is dialled.
        silence_s: how long it may send nothing.

    Raises:
        ExchangeError: it cannot be reached, or does not let us in.
    """
    who = f"node {node}"
    try:
        async with asyncio.timeout(silence_s):
            place = await reach(node)
            context = tls_context(target.tls) if target.tls else None
            reader, writer = await asyncio.open_connection(
                place.host, place.port, ssl=context, server_hostname=node.host if context else None, limit=CHUNK
            )
    except OSError as error:
        raise as_error(who, from_exception(error)) from None
    line = ReplicaLine(who, reader, writer, silence_s, target.auth.password)
    try:
        await _log_in(line, who, target)
        await line.say("REPLCONF", "listening-port", NO_PORT)
        yield line
    finally:
        writer.transport.abort()


async def _log_in(line: ReplicaLine, who: str, target: Target) -> None:
    user, password = target.auth.username, target.auth.password
    if user is None and password is None:
        return
    try:
        await line.say("AUTH", *(() if user is None else (user,)), password or "")
    except ExchangeError as error:
        if error.reason is not Reason.REFUSED_COMMAND:
            raise
        raise as_error(who, from_exception(LoginRefusedError(error.failure.text), password)) from None


def names_in(sent: bytes) -> frozenset[str]:
    """The names of commands, in capitals, as a node sends them its replicas.

    Raises:
        Garbled: these are none.
    """
    reader, names = hiredis.Reader(), set()
    reader.feed(sent)
    try:
        while (command := reader.gets()) is not False:
            names.add(command[0].decode(errors="replace").upper())
    except (hiredis.HiredisError, AttributeError, IndexError, TypeError) as error:
        raise Garbled("what it sends its replicas cannot be read") from error
    return frozenset(names)
