"""The protocol of exec and port-forward: several streams over one WebSocket, told apart by their first byte."""

import json

from aiohttp import web

from sandbox.kubernetes.api.resources import Json

STDIN, STDOUT, STDERR, ERROR = range(4)
_CLOSE = 255
_V5, _V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"


class Channels:
    """One WebSocket that carries several streams, in version 5 or 4 of the protocol, as the client likes best."""

    def __init__(self, versions: tuple[str, ...] = (_V5, _V4)) -> None:
        self.socket = web.WebSocketResponse(protocols=versions, max_msg_size=0, compress=False)

    async def open(self, request: web.Request) -> None:
        """Take the connection; a client that speaks no version of it is refused by the handshake."""
        await self.socket.prepare(request)

    async def send(self, channel: int, data: bytes) -> None:
        """Send on one stream; nothing where the client has gone."""
        if not self.socket.closed:
            await self.socket.send_bytes(bytes([channel]) + data)

    async def send_status(self, status: Json) -> None:
        """Say how it ended."""
        await self.send(ERROR, json.dumps(status).encode())

    async def receive(self) -> tuple[int, bytes | None] | None:
        """The next piece as its channel and content, None as content where the client ended that stream.

        None where the client has gone.
        """
        while True:
            message = await self.socket.receive()
            data = message.data.encode() if isinstance(message.data, str) else message.data
            if not isinstance(data, bytes):
                return None
            if len(data) == 2 and data[0] == _CLOSE and self.socket.ws_protocol == _V5:
                return data[1], None
            if data:
                return data[0], data[1:]

    async def close(self) -> None:
        """End the connection."""
        await self.socket.close()
