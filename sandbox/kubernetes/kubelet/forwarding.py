"""Connects a client to ports of a pod: two channels a port, one for data and one for errors."""

import asyncio
import contextlib

from aiohttp import web

from sandbox.kubernetes.kubelet.channels import Channels

_PIECE = 64 * 1024
_VERSIONS = ("v4.channel.k8s.io", "portforward.k8s.io")


async def forward(request: web.Request, pod: str, host: str, ports: list[int]) -> web.WebSocketResponse:
    """Serve the connection until either side ends it; `pod` is how the pod is named in errors."""
    channels = Channels(_VERSIONS)
    await channels.open(request)
    for index, port in enumerate(ports):
        number = port.to_bytes(2, "little")
        await channels.send(2 * index, number)
        await channels.send(2 * index + 1, number)
    links = [_Link(channels, 2 * index, pod, host, port) for index, port in enumerate(ports)]
    try:
        while (received := await channels.receive()) is not None:
            channel, data = received
            if data and channel % 2 == 0 and channel // 2 < len(links):
                await links[channel // 2].send(data)
    finally:
        for link in links:
            link.end()
        await asyncio.gather(*(link.ended() for link in links))
    return channels.socket


class _Link:
    """One forwarded port, connected at once."""

    def __init__(self, channels: Channels, channel: int, pod: str, host: str, port: int) -> None:
        self._channels = channels
        self._channel = channel
        self._pod = pod
        self._address = (host, port)
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._running = asyncio.create_task(self._run())

    async def send(self, data: bytes) -> None:
        await self._connected.wait()
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):
                self._writer.write(data)
                await self._writer.drain()

    def end(self) -> None:
        # Not by who waits for its end: that may be cancelled before it begins, by a server that closes meanwhile.
        self._running.cancel()

    async def ended(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    async def _run(self) -> None:
        host, port = self._address
        try:
            reader, self._writer = await asyncio.open_connection(host, port)
        except OSError:
            # The kubelet connects inside of the pod, to its own loopback.
            problem = f"failed to connect to localhost:{port} inside namespace, "
            problem += f"IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused"
            text = f"error forwarding port {port} to pod {self._pod}, uid : {problem}"
            await self._channels.send(self._channel + 1, text.encode())
            return
        finally:
            self._connected.set()
        try:
            while piece := await reader.read(_PIECE):
                await self._channels.send(self._channel, piece)
            await self._channels.close()
        except ConnectionError:
            await self._channels.close()
        except asyncio.CancelledError:
            self._writer.transport.abort()  # Whoever hangs would take nothing more, and keep it open.
            raise
        finally:
            self._writer.close()
