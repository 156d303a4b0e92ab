"""TCP forwarders that come and go, as port-forwards and tunnels do."""

import asyncio
import contextlib

from actions.kit.topology import Address


@contextlib.asynccontextmanager
async def forwarding(to: str):
    """A TCP forwarder that can go away: its address, and how to end it."""
    host, _, port = to.rpartition(":")

    async def forward(reader, writer):
        try:
            with contextlib.suppress(OSError):
                there_reader, there_writer = await asyncio.open_connection(host, int(port))
                await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        finally:
            writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    try:
        yield Address(*server.sockets[0].getsockname()[:2]), server
    finally:
        server.close()


async def _pump(reader, writer):
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
