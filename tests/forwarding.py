"""TCP forwarders that come and go, and that keep what they were given for later, as port-forwards and tunnels do."""

import asyncio
import contextlib

from actions.kit.topology import Address


class Stall:
    """Holds up the next connection that brings this word: its bytes are delivered late, be its sender gone or not."""

    def __init__(self, word: bytes) -> None:
        self.word = word
        self.held = 0
        self._over = asyncio.Event()
        self._delivered = asyncio.Event()

    async def end(self) -> None:
        """Deliver what is held, and wait until the server has taken it or refused it."""
        self._over.set()
        await asyncio.wait_for(self._delivered.wait(), 60)

    async def carry(self, reader, there_reader, there_writer, writer):
        """As a forwarder does, in both directions, until it is to hold up this one."""
        back = asyncio.create_task(_pump(there_reader, writer))
        try:
            while data := await reader.read(65_536):
                if self.word in data and not self.held:
                    self.held += 1
                    await self._over.wait()
                    there_writer.write(data)
                    there_writer.write_eof()
                    await back  # Until the server has closed it.
                    return
                there_writer.write(data)
                await there_writer.drain()
        finally:
            there_writer.close()
            await back
            if self._over.is_set():
                self._delivered.set()


@contextlib.asynccontextmanager
async def forwarding(to: str, stall: Stall | None = None):
    """A TCP forwarder that can go away: its address, and how to end it."""
    host, _, port = to.rpartition(":")

    async def forward(reader, writer):
        try:
            with contextlib.suppress(OSError):
                there_reader, there_writer = await asyncio.open_connection(host, int(port))
                if stall is not None:
                    await stall.carry(reader, there_reader, there_writer, writer)
                else:
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
