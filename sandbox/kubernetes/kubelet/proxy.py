"""Takes connections to the addresses of Services to one of the pods behind each, as kube-proxy does on a real node."""

import asyncio
import contextlib
import random

from sandbox.kubernetes.api.resources import ENDPOINT_SLICES, SERVICES, Json, key_of, labels_of
from sandbox.kubernetes.api.store import Store

_PIECE = 64 * 1024

Front = tuple[str, int]


class ServiceProxy:
    """A listener for each port of each Service that has an address; what is connected stays so when pods change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listening: dict[Front, asyncio.Task[asyncio.Server]] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def reconcile(self) -> None:
        """Listen at what is new, and no longer at what is gone."""
        wanted = {
            (service["spec"]["clusterIP"], port["port"]): (service, port)
            for service in self._store.select(SERVICES)
            if service["spec"]["clusterIP"].startswith("127.")
            for port in service["spec"].get("ports") or ()
        }
        for front in wanted.keys() - self._listening.keys():
            service, port = wanted[front]
            self._listening[front] = asyncio.create_task(self._listen(front, *key_of(service), port.get("name", "")))
        for front in self._listening.keys() - wanted.keys():
            self._listening.pop(front).add_done_callback(lambda listening: listening.result().close())

    async def close(self) -> None:
        """Break every connection, and take none."""
        for server in await asyncio.gather(*self._listening.values()):
            server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0.01)  # Transports close their sockets in the turns of the loop that follow.

    async def _listen(self, front: Front, namespace: str, service: str, port: str) -> asyncio.Server:
        def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = asyncio.create_task(self._serve(reader, writer, self._chosen(namespace, service, port)))
            self._connections.add(connection)
            connection.add_done_callback(lambda ended: self._ended(ended, writer))

        return await asyncio.start_server(take, *front)

    def _ended(self, connection: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        """One that was broken before it began has closed nothing."""
        self._connections.discard(connection)
        if connection.cancelled():
            writer.transport.abort()

    def _chosen(self, namespace: str, service: str, port: str) -> Front | None:
        """One of the pods that are ready, by chance; None where there is none."""
        slices = self._store.select(ENDPOINT_SLICES, namespace, lambda one: _is_of(one, service))
        found = [
            (endpoint["addresses"][0], number["port"])
            for one in slices
            for endpoint in one["endpoints"]
            if endpoint["conditions"]["ready"]
            for number in one["ports"]
            if number.get("name", "") == port
        ]
        return random.choice(found) if found else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Front | None) -> None:
        try:
            if behind is None:
                return
            with contextlib.suppress(OSError):
                back_reader, back_writer = await asyncio.open_connection(*behind)
                try:
                    await asyncio.gather(_pump(reader, back_writer), _pump(back_reader, writer))
                except asyncio.CancelledError:
                    back_writer.transport.abort()
                    raise
                finally:
                    back_writer.close()
        finally:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


def _is_of(endpoint_slice: Json, service: str) -> bool:
    return labels_of(endpoint_slice).get("kubernetes.io/service-name") == service
