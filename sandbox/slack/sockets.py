"""Socket Mode: tickets, connections, pings, and envelopes that go to exactly one connection and wait for their ack."""

import asyncio
import json
import secrets
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from sandbox.slack.messages import Json
from sandbox.slack.state import APP_ID

MAX_CONNECTIONS = 10
PING_SECONDS = 5.0
CLOSE_AFTER_SECONDS = 10.0


@dataclass
class Connection:
    """One open WebSocket of the app."""

    number: int
    socket: web.WebSocketResponse
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Sockets:
    """The app's connections. `dead` makes them take everything and answer nothing."""

    def __init__(self) -> None:
        self.dead = False
        self.connections: list[Connection] = []
        self.takes_ack: Callable[[], bool] = lambda: False
        self.on_change: Callable[[], None] = lambda: None
        self._tickets: set[str] = set()
        self._pending: dict[str, asyncio.Future[Json]] = {}
        self._numbers = 0

    def new_ticket(self) -> str:
        """Return a ticket that opens one connection, once."""
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle `GET /link/?ticket=…`: one connection from hello to close."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404, text="ticket is unknown or was used")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        if len(self.connections) >= MAX_CONNECTIONS:
            await socket.send_json(
                {"type": "disconnect", "reason": "too_many_websockets", "debug_info": _debug_info(0)}
            )
            await socket.close()
            return socket
        self._numbers += 1
        connection = Connection(self._numbers, socket)
        self.connections.append(connection)
        try:
            await self._run(connection)
        finally:
            self.connections.remove(connection)
            for task in connection.tasks:
                task.cancel()
            self.on_change()
        return socket

    async def _run(self, connection: Connection) -> None:
        if not self.dead:
            hello = {
                "type": "hello",
                "num_connections": len(self.connections),
                "debug_info": _debug_info(connection.number),
                "connection_info": {"app_id": APP_ID},
            }
            await connection.socket.send_json(hello)
        self.on_change()
        _keep(connection, self._ping(connection))
        async for message in connection.socket:
            if not self.dead:
                await self._receive(connection, message)

    async def _ping(self, connection: Connection) -> None:
        while not connection.socket.closed:
            await asyncio.sleep(PING_SECONDS)
            if not self.dead:
                with suppress(ConnectionError):
                    await connection.socket.ping(b"Ping from the local Slack")

    async def _receive(self, connection: Connection, message: WSMessage) -> None:
        if message.type is WSMsgType.PING:
            with suppress(ConnectionError):
                await connection.socket.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            answer = json.loads(message.data)
            waiting = self._pending.get(answer.get("envelope_id", ""))
            if waiting is not None and not waiting.done() and not self.takes_ack():
                waiting.set_result(answer.get("payload") or {})

    async def send(self, kind: str, payload: Json, *, accepts: bool, within: float, retry: int = 0) -> tuple[int, Json]:
        """Give an envelope to one connection and wait for its ack.

        Returns the connection's number and the ack's payload. Raises ConnectionError where no connection is open,
        TimeoutError (with the connection's number) where no ack came in time.
        """
        connection = self._next()
        envelope_id = str(uuid.uuid4())
        envelope: Json = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        waiting = self._pending[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await connection.socket.send_json(envelope)
            return connection.number, await asyncio.wait_for(waiting, within)
        except TimeoutError:
            raise TimeoutError(connection.number) from None
        finally:
            del self._pending[envelope_id]

    def _next(self) -> Connection:
        usable = [connection for connection in self.connections if not connection.socket.closed]
        if not usable:
            raise ConnectionError("the app has no open connection")
        chosen = usable[0]
        self.connections.remove(chosen)  # To the end of the line: each envelope goes to another connection.
        self.connections.append(chosen)
        return chosen

    def ask_to_reconnect(self, *, everyone: bool, reason: str) -> None:
        """Send a `disconnect`; a connection that stays is closed after 10 s, except after a mere warning."""
        by_age = sorted(self.connections, key=lambda connection: connection.number)
        for connection in by_age if everyone else by_age[:1]:
            _keep(connection, _say_goodbye(connection, reason))

    async def close(self) -> None:
        """Close all connections."""
        for connection in list(self.connections):
            await connection.socket.close()


def _debug_info(number: int) -> Json:
    return {"host": f"local-{number}", "build_number": 1, "approximate_connection_time": 18060}


def _keep(connection: Connection, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    connection.tasks.add(task)
    task.add_done_callback(connection.tasks.discard)


async def _say_goodbye(connection: Connection, reason: str) -> None:
    with suppress(ConnectionError):
        message = {"type": "disconnect", "reason": reason, "debug_info": _debug_info(connection.number)}
        await connection.socket.send_json(message)
        if reason != "warning":
            await asyncio.sleep(CLOSE_AFTER_SECONDS)
            await connection.socket.close()
