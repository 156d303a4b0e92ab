"""Two Socket Mode connections, so that one takes the clicks while the other is renewed, and a watch over both."""

from __future__ import annotations

import asyncio
import logging
import time

from aiohttp import WSMessage
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

log = logging.getLogger(__name__)

CONNECTIONS = 2
PING_S = 5.0
WATCH_S = 5.0
WEDGED_LOOKS = 6
"""The SDK mends a broken connection by itself; one that is still dead after so many looks is replaced."""


class Sockets:
    """The connections of one process."""

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._app, self._app_token = app, app_token
        self._connections: list[_Connection] = []
        self._watches: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to connect; ``connected`` tells when that has come about."""
        self._connections = [self._new() for _ in range(CONNECTIONS)]
        self._watches = [asyncio.create_task(self._watch(index)) for index in range(CONNECTIONS)]

    async def connected(self) -> int:
        """How many connections are alive, by what Slack sends over them."""
        return sum([await one.alive() for one in self._connections])

    async def proof(self) -> float | None:
        """How many seconds ago a connection that is alive last proved it; ``None`` where none is."""
        ages = [one.age for one in self._connections if await one.alive()]
        return min(ages, default=None)

    async def aclose(self) -> None:
        """Close the connections."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await asyncio.gather(*(one.aclose() for one in self._connections))

    def _new(self) -> _Connection:
        return _Connection(self._app, self._app_token)

    async def _watch(self, index: int) -> None:
        """Replace the connection whenever it stays dead."""
        dead = 0
        while True:
            await asyncio.sleep(WATCH_S)
            dead = 0 if await self._connections[index].alive() else dead + 1
            if dead >= WEDGED_LOOKS:
                log.warning("a connection to Slack stays dead and is replaced", extra={"connection": index})
                await self._connections[index].aclose()
                self._connections[index] = self._new()
                dead = 0


class _Connection:
    """One connection, from its first attempt on."""

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._client = AsyncSocketModeHandler(
            app,
            app_token,
            logger=logging.getLogger("slack_sdk.socket_mode"),
            web_client=app.client,
            ping_interval=PING_S,
        ).client
        self._spoke: tuple[object, float] = (None, 0.0)
        self._client.on_message_listeners.append(self._hears)
        self._connecting: asyncio.Task[None] = asyncio.create_task(self._client.connect())  # type: ignore[no-untyped-call]

    async def alive(self) -> bool:
        """Whether it is open, Slack has said something on it since it was opened, and its pings are answered."""
        return self._spoke[0] is self._client.current_session and await self._client.is_connected()

    @property
    def age(self) -> float:
        """How many seconds ago Slack last said something on it, or answered a ping."""
        return max(0.0, time.time() - max(self._spoke[1], self._client.last_ping_pong_time or 0.0))

    async def _hears(self, _message: WSMessage) -> None:
        self._spoke = (self._client.current_session, time.time())

    async def aclose(self) -> None:
        """Close it, and wait until everything that belongs to it has ended."""
        client = self._client
        client.closed, client.auto_reconnect_enabled = True, False
        own = (self._connecting, client.current_session_monitor, client.message_receiver, client.message_processor)
        running = [task for task in own if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await client.close()  # type: ignore[no-untyped-call]
