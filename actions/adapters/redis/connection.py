"""One warm connection to one server: pipelines commands, bounds the whole exchange, says why there was no answer."""

from __future__ import annotations

import asyncio
import ssl

from actions.adapters.redis.failures import CommandFailed, ExchangeError, as_error, from_exception, from_reply
from actions.adapters.redis.tls import objection, speaks_plain, speaks_tls, tls_context
from actions.adapters.redis.wire import Command, Reply, Wire, open_wire
from actions.kit.errors import CommandRefused
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Credentials, Tls

__all__ = ["Command", "CommandFailed", "ExchangeError", "Node", "Reply"]


class Node:
    """A data node or a Sentinel. Connects when it is first asked, and again after the connection died.

    One exchange at a time: replies are matched by their order. Close with ``aclose``.

    Args:
        address: where it listens.
        credentials: how to log in; without a user and a password there is no AUTH.
        tls: ``None`` is plain TCP.
        timeout_s: how long one call may take in all: name look-up, TLS, AUTH and the answers.
        name: how errors call it.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials = Credentials(),
        tls: Tls | None = None,
        timeout_s: float = 1.0,
        *,
        name: str = "",
    ) -> None:
        self.address = address
        self.name = name or f"node {address}"
        self._credentials = credentials
        self._tls = tls
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._wire: Wire | None = None

    async def ask(self, *commands: Command, repeatable: bool = False) -> list[Reply]:
        """Send all commands in one round trip.

        Args:
            commands: their arguments, the command's name first.
            repeatable: they change nothing: where a warm connection breaks under them they are sent once more.

        Returns:
            One reply a command; an error reply is a ``CommandFailed``.

        Raises:
            ExchangeError: there was no answer; it is also an ``Unreachable``, ``AccessDenied``, ``CommandRefused`` or
                ``Garbled``.
        """
        secret = self._credentials.password
        try:
            async with asyncio.timeout(self._timeout_s), self._lock:
                return await self._exchange(commands, repeatable=repeatable)
        except TimeoutError:
            failure = CommandFailed(Reason.TIMED_OUT, f"no answer within {self._timeout_s * 1000:g} ms")
            raise as_error(self.name, failure) from None
        except Exception as error:  # noqa: BLE001 -- A stranger's bytes can raise anything in a parser.
            failure = from_exception(error, secret)
            if failure.reason is Reason.TLS:
                tls_context.cache_clear()  # A certificate that has been renewed since is read again.
            # Not chained: the cause may repeat the arguments of AUTH.
            raise as_error(self.name, failure) from None

    async def transaction(self, *commands: Command) -> list[Reply]:
        """Send MULTI, the commands and EXEC in one round trip.

        Returns:
            EXEC's replies, one a command.

        Raises:
            CommandRefused: a command was refused, when queued (then nothing was done) or when run.
            ExchangeError: there was no answer; whether anything was done is not known.
        """
        replies = await self.ask(("MULTI",), *commands, ("EXEC",))
        queued = zip((("MULTI",), *commands), replies, strict=False)
        for command, reply in queued:
            self._refuse_failed(command, reply)
        results = replies[-1]
        if not isinstance(results, list):
            self._refuse_failed(("EXEC",), results)
            raise CommandRefused(f"{self.name}: EXEC was aborted")
        for command, reply in zip(commands, results, strict=True):
            self._refuse_failed(command, reply)
        return results

    async def aclose(self) -> None:
        """Close the connection. It may be asked again afterwards."""
        self._drop()
        await asyncio.sleep(0)  # The transport closes its socket in the loop's next turn.

    def _refuse_failed(self, command: Command, reply: Reply) -> None:
        if isinstance(reply, CommandFailed):
            words = " ".join(str(word) for word in command[:2])
            raise as_error(f"{self.name} {words}", reply)

    async def _exchange(self, commands: tuple[Command, ...], *, repeatable: bool) -> list[Reply]:
        wire = self._wire
        if wire is None or not wire.usable:
            return await self._first_exchange(commands)
        try:
            return await self._round_trip(wire, commands)
        except Exception as error:
            if not repeatable or from_exception(error).reason is not Reason.CLOSED:
                raise
        return await self._first_exchange(commands)

    async def _first_exchange(self, commands: tuple[Command, ...]) -> list[Reply]:
        """Connect and ask. A server that hangs up at once may do so because of TLS: that is found out."""
        self._drop()
        try:
            self._wire = await self._connected()
            return await self._round_trip(self._wire, commands)
        except Exception as error:
            if from_exception(error).reason is not Reason.CLOSED:
                raise
            objects = await self._objection()
            if objects is None:
                raise
        raise objects

    async def _objection(self) -> ssl.SSLError | None:
        within_s = self._timeout_s / 4
        if self._tls is not None:
            return await objection(self.address, tls_context(self._tls), within_s)
        if await speaks_tls(self.address, within_s):
            return ssl.SSLError(0, "this port speaks TLS, and no TLS is set")
        return None

    async def _round_trip(self, wire: Wire, commands: tuple[Command, ...]) -> list[Reply]:
        try:
            return [self._read(reply) for reply in await wire.exchange(commands)]
        except BaseException as error:
            # Whatever is still on its way must never be read as the answer to a later question.
            self._drop()
            said = [self._read(reply) for reply in wire.replies]
            if isinstance(error, Exception) and len(said) == 1 and isinstance(said[0], CommandFailed):
                return said * len(commands)  # It said why, and hung up.
            raise

    def _read(self, reply: Reply) -> Reply:
        """The reply, with ``CommandFailed`` for an error, also one within a transaction's."""
        if isinstance(reply, list):
            return [self._read(one) if isinstance(one, Exception) else one for one in reply]
        return from_reply(reply, self._credentials.password) if isinstance(reply, Exception) else reply

    async def _connected(self) -> Wire:
        if self._tls is None:
            return await open_wire(self.address, self._credentials, None)
        return await self._connected_by_tls(tls_context(self._tls))

    async def _connected_by_tls(self, context: ssl.SSLContext) -> Wire:
        """A Redis without TLS waits for more after our handshake: when it takes long, try whether that is why."""
        connecting = asyncio.ensure_future(open_wire(self.address, self._credentials, context))
        try:
            await asyncio.wait({connecting}, timeout=self._timeout_s / 2)
            if connecting.done() or not await speaks_plain(self.address, self._timeout_s / 4):
                return await connecting
        except BaseException:
            await _give_up(connecting)
            raise
        await _give_up(connecting)
        raise ssl.SSLError(0, "this port does not speak TLS")

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort()


async def _give_up(connecting: asyncio.Future[Wire]) -> None:
    """Close the connection, be it made meanwhile."""
    connecting.cancel()
    await asyncio.wait({connecting})
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().abort()
