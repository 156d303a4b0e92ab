"""Two Socket Mode connections, so that one takes the clicks while the other is renewed, and a watch over both."""

from __future__ import annotations

import asyncio
import logging

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

    def __init__(self, app: AsyncApp, app_token: str, *, ping_s: float = PING_S, watch_s: float = WATCH_S) -> None:
        self._app, self._app_token = app, app_token
        self._ping_s, self._watch_s = ping_s, watch_s
        self._connections: list[_Connection] = []
        self._watches: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to connect; ``connected`` tells when that has come about."""
        self._connections = [self._new() for _ in range(CONNECTIONS)]
        self._watches = [asyncio.create_task(self._watch(index)) for index in range(CONNECTIONS)]

    async def connected(self) -> int:
        """How many connections are alive, by their pings."""
        return sum([await one.alive() for one in self._connections])

    async def aclose(self) -> None:
        """Close the connections."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await asyncio.gather(*(one.aclose() for one in self._connections))

    def _new(self) -> _Connection:
        return _Connection(self._app, self._app_token, self._ping_s)

    async def _watch(self, index: int) -> None:
        """Replace the connection whenever it stays dead."""
        dead = 0
        while True:
            await asyncio.sleep(self._watch_s)
            dead = 0 if await self._connections[index].alive() else dead + 1
            if dead >= WEDGED_LOOKS:
                log.warning("a connection to Slack stays dead and is replaced", extra={"connection": index})
                await self._connections[index].aclose()
                self._connections[index] = self._new()
                dead = 0


class _Connection:
    """One connection, from its first attempt on."""

    def __init__(self, app: AsyncApp, app_token: str, ping_s: float) -> None:
        self._client = AsyncSocketModeHandler(
            app,
            app_token,
            logger=logging.getLogger("slack_sdk.socket_mode"),
            web_client=app.client,
            ping_interval=ping_s,
        ).client
        self._connecting: asyncio.Task[None] = asyncio.create_task(self._client.connect())  # type: ignore[no-untyped-call]

    async def alive(self) -> bool:
        """Whether it is open and its pings are answered."""
        return await self._client.is_connected()

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
