"""One warm connection to one server: pipelines commands, bounds the whole exchange, says why there was no answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

from actions.adapters.redis.deadline import Deadline
from actions.adapters.redis.failures import CommandFailed, ExchangeError, as_error, from_exception, from_reply, one_line
from actions.adapters.redis.reach import Reach, directly
from actions.adapters.redis.tls import objection, speaks_plain, speaks_tls, tls_context
from actions.adapters.redis.wire import Answer, Command, Reply, Request, Wire, open_wire
from actions.kit.errors import CommandRefused
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Credentials, Tls

__all__ = ["Answer", "Command", "CommandFailed", "ExchangeError", "Node", "Reply", "Request"]


class Node:
    """A data node or a Sentinel. Connects when it is first asked, and again after the connection died.

    One exchange at a time: replies are matched by their order. Close with ``aclose``.

    Args:
        address: what the other servers call it; errors call it so too, and TLS checks that its certificate names it.
        credentials: how to log in; without a user and a password there is no AUTH.
        tls: ``None`` is plain TCP.
        timeout_s: how long one call may take in all: name look-up, TLS, AUTH and the answers.
        name: how errors call it.
        reach: where it is dialled.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials = Credentials(),
        tls: Tls | None = None,
        timeout_s: float = 1.0,
        *,
        name: str = "",
        reach: Reach = directly,
    ) -> None:
        self.address = address
        self.name = name or f"node {address}"
        self._credentials = credentials
        self._tls = tls
        self._timeout_s = timeout_s
        self._reach = reach
        self._place: Address | None = None
        self._lock = asyncio.Lock()
        self._wire: Wire | None = None
        self.when_lost: Callable[[], None] | None = None
        """Is called when an open connection breaks, be it in use or not."""

    async def ask(self, *commands: Command, repeatable: bool = False) -> list[Reply]:
        """Send all commands in one round trip.

        Args:
            commands: their arguments, the command's name first.
            repeatable: they change nothing: where a connection breaks under them they are sent once more by another.

        Returns and raises: as ``put``.
        """
        return await self.put(Request.of(*commands), repeatable=repeatable)

    async def put(self, request: Request, *, repeatable: bool = False, deadline: Deadline | None = None) -> list[Reply]:
        """The same for commands that are packed already.

        Args:
            request: the commands.
            repeatable: as for ``ask``.
            deadline: where several exchanges share one; else one call has its own time-out.

        Returns:
            One reply a command; an error reply is a ``CommandFailed``.

        Raises:
            ExchangeError: there was no answer; it is also an ``Unreachable``, ``AccessDenied``, ``CommandRefused`` or
                ``Garbled``.
        """
        ends = deadline or Deadline(self._timeout_s)
        try:
            return self._read(await self._exchange(request, ends, repeatable=repeatable))
        except Exception as error:  # noqa: BLE001 -- A stranger's bytes can raise anything in a parser.
            # Not chained: the cause may repeat the arguments of AUTH.
            raise self._failure(error) from None
        finally:
            self._drop_spoilt()
            if deadline is None:
                ends.close()

    def begin(self, request: Request, deadline: Deadline) -> Answer | None:
        """Send at once over the warm connection; give the answer to ``end`` when it is done, or cancel it.

        For many nodes at a time: there is neither a task nor a coroutine to each.

        Returns:
            ``None`` where there is no warm connection, or somebody uses it: ``put`` then makes one or waits.
        """
        wire = self._wire
        if wire is None or not wire.usable or self._lock.locked():
            return None
        answer = wire.exchange(request)
        deadline.bound(answer)
        return answer

    def end(self, answer: Answer) -> list[Reply]:
        """The replies to what was begun.

        Raises:
            ExchangeError: as ``put``; with ``Reason.CLOSED`` where the connection broke, so that it may be tried again.
        """
        try:
            return self._read(answer.result())
        except Exception as error:  # noqa: BLE001 -- As above.
            self._drop_spoilt()
            raise self._failure(error) from None

    async def subscribe(self, pattern: str, *questions: Command) -> list[Reply]:
        """Have everything sent that is published by this pattern, over the connection that questions use otherwise.

        Args:
            pattern: as PSUBSCRIBE takes it.
            questions: asked in the same breath, right before: nothing is published between the answers and what is
                heard.

        Returns:
            Their answers.

        Raises:
            ExchangeError: as ``put``.
        """
        await self.ask(("PING",), repeatable=True)
        *answers, subscribed = await self.ask(*questions, ("PSUBSCRIBE", pattern))
        if isinstance(subscribed, CommandFailed):
            raise as_error(f"{self.name} PSUBSCRIBE", subscribed)
        return answers

    async def heard(self, beat_s: float) -> AsyncIterator[Reply]:
        """What is sent since ``subscribe``. Ends only by an error.

        Args:
            beat_s: after so long without a word the server is asked for one; without an answer it is gone.

        Raises:
            ExchangeError: the connection broke.
        """
        wire = self._wire
        if wire is None:
            raise self._failure(ConnectionResetError("the connection broke"))
        heard, waited = wire.listen(), False
        while True:
            try:
                async with asyncio.timeout(beat_s):
                    said = await heard.get()
            except TimeoutError as error:
                if waited:
                    raise self._failure(error) from None
                wire.send(Request.of(("PING",)))
                waited = True
                continue
            if isinstance(said, Exception):
                raise self._failure(said) from None
            waited = False
            yield said

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
        if not isinstance(replies[-1], list):
            self._refuse_failed(("EXEC",), replies[-1])
            raise CommandRefused(f"{self.name}: EXEC was aborted")
        results = self._read(replies[-1])
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

    async def _exchange(self, request: Request, ends: Deadline, *, repeatable: bool) -> list[Reply]:
        answer = self.begin(request, ends)
        replies = None if answer is None else await self._unbroken(answer, repeatable=repeatable)
        if replies is not None:
            return replies
        async with asyncio.timeout_at(ends.at), self._lock:
            answer = await self._begin_in_turn(request)
            replies = None if answer is None else await self._unbroken(answer, repeatable=repeatable)
            if replies is None:
                # A process that is killed closes its connections before its port: the kernel takes a new one for it
                # meanwhile, and resets it. Only the next one says that nothing listens there any more.
                replies = await self._unbroken(self._first_exchange(request), repeatable=repeatable)
            return await self._first_exchange(request) if replies is None else replies

    async def _begin_in_turn(self, request: Request) -> Answer | None:
        """With the lock, so that nobody else begins anything: as ``begin``, after whoever uses the connection now."""
        wire = self._wire
        if wire is None:
            return None
        await wire.free()
        return wire.exchange(request) if wire.usable else None

    async def _unbroken(self, exchange: Awaitable[list[Reply]], *, repeatable: bool) -> list[Reply] | None:
        """The replies; ``None`` where the connection broke under what may be repeated."""
        try:
            return await exchange
        except Exception as error:
            if not repeatable or from_exception(error).reason is not Reason.CLOSED:
                raise
        return None

    async def _first_exchange(self, request: Request) -> list[Reply]:
        """Connect and ask. A server that hangs up at once may do so because of TLS: that is found out."""
        self._drop()
        try:
            wire = self._wire = await self._connected()
            wire.when_lost = self._lost if self.when_lost is not None else None
            return await wire.exchange(request)
        except Exception as error:
            if from_exception(error).reason is not Reason.CLOSED:
                raise
            objects = await self._objection()
            if objects is None:
                raise
        raise objects

    async def _objection(self) -> ssl.SSLError | None:
        within_s = self._timeout_s / 4
        if self._place is None:
            return None
        if self._tls is not None:
            return await objection(self._place, tls_context(self._tls), self.address.host, within_s)
        if await speaks_tls(self._place, within_s):
            return ssl.SSLError(0, "this port speaks TLS, and no TLS is set")
        return None

    def _read(self, replies: list[Reply]) -> list[Reply]:
        """The replies, with ``CommandFailed`` for an error."""
        secret = self._credentials.password
        return [from_reply(reply, secret) if isinstance(reply, Exception) else reply for reply in replies]

    def _failure(self, error: Exception) -> ExchangeError:
        """Why there was no answer."""
        if isinstance(error, TimeoutError):
            return as_error(
                self.name, CommandFailed(Reason.TIMED_OUT, f"no answer within {self._timeout_s * 1000:g} ms")
            )
        failure = from_exception(error, self._credentials.password)
        if failure.reason is Reason.TLS:
            tls_context.cache_clear()  # A certificate that has been renewed since is read again.
        return as_error(self.name, self._seen_from_here(failure))

    def _seen_from_here(self, failure: CommandFailed) -> CommandFailed:
        """Where somebody forwards to it, a refusal may be the forwarder's: it does not prove that nothing listens."""
        if self._place in {None, self.address}:
            return failure
        reason = Reason.CLOSED if failure.reason is Reason.REFUSED else failure.reason
        return CommandFailed(reason, one_line(f"{failure.text} (dialled at {self._place})"))

    async def _connected(self) -> Wire:
        self._place = None
        place = self._place = await self._reach(self.address)
        if self._tls is None:
            return await open_wire(place, self._credentials)
        return await self._connected_by_tls(place, tls_context(self._tls))

    async def _connected_by_tls(self, place: Address, context: ssl.SSLContext) -> Wire:
        """A Redis without TLS waits for more after our handshake: when it takes long, try whether that is why."""
        connecting = asyncio.ensure_future(open_wire(place, self._credentials, (context, self.address.host)))
        try:
            await asyncio.wait({connecting}, timeout=self._timeout_s / 2)
            if connecting.done() or not await speaks_plain(place, self._timeout_s / 4):
                return await connecting
        except BaseException:
            await _give_up(connecting)
            raise
        await _give_up(connecting)
        raise ssl.SSLError(0, "this port does not speak TLS")

    def _drop_spoilt(self) -> None:
        """What is still on its way over it must never be read as the answer to a later question."""
        if self._wire is not None and self._wire.spoilt:
            self._drop()

    def _lost(self) -> None:
        if self.when_lost is not None:
            self.when_lost()

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.when_lost = None  # It is we who close it.
            wire.abort()


async def _give_up(connecting: asyncio.Future[Wire]) -> None:
    """Close the connection, be it made meanwhile."""
    connecting.cancel()
    await asyncio.wait({connecting})
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().abort()
