"""Port-forward: a way to one port of one pod through the API server, as a socket of ours."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from dataclasses import dataclass
from typing import Any

from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.doors import pipe
from actions.adapters.kubernetes.failures import ApiError, from_status, unreachable
from actions.adapters.kubernetes.questions import PODS, Right

FORWARDS = Right("create", PODS, "portforward")
LET_GO_S = 1.0
_HANDSHAKE = re.compile(r"Handshake status (\d{3})")


@dataclass(frozen=True, slots=True)
class Forward:
    """A way to a port: ``way`` is our end, ``websocket`` the SDK's connection to the API server behind it."""

    way: socket.socket
    websocket: Any

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a local connection to it, until either ends."""
        from_pod, to_pod = await asyncio.open_connection(sock=self.way)
        pipes = {asyncio.create_task(pipe(reader, to_pod)), asyncio.create_task(pipe(from_pod, writer))}
        try:
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in pipes:
                one.cancel()
            await asyncio.gather(*pipes, return_exceptions=True)
            to_pod.close()
            await self._let_go()

    async def _let_go(self) -> None:
        """The SDK's thread ends when our end is closed, but where the server was first it leaves its socket open."""
        deadline = asyncio.get_running_loop().time() + LET_GO_S
        while self.websocket.connected and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        self.websocket.shutdown()


def open_forward(client: Client, pod: str, port: int) -> Forward:
    """Open a way; it blocks, and belongs into a thread. The SDK serves it in a thread of its own until it is closed.

    Raises:
        ApiError: it was refused, or there was no answer.
    """
    from kubernetes.client import ApiException, CoreV1Api  # noqa: PLC0415 -- 58 MB that most targets do without.
    from kubernetes.stream import portforward  # noqa: PLC0415 -- It takes long to load.

    connect = CoreV1Api(client.fresh()).connect_get_namespaced_pod_portforward
    try:
        forward = portforward(connect, pod, client.place.namespace, ports=str(port))
    except (ApiException, AttributeError) as error:
        raise handshake_failed(client, FORWARDS, pod, error) from None
    ours = forward.socket(port)
    try:
        return Forward(socket.socket(fileno=os.dup(ours.fileno())), forward.websocket)
    finally:
        ours.close()


def handshake_failed(client: Client, right: Right, pod: str, error: Exception) -> ApiError:
    """Why a stream could not be opened: the SDK has the server's answer only as a text.

    36.0.3 falls over its own error, which has no body to decode: what it is about is then the error's context.
    """
    told = error.__context__ if isinstance(error, AttributeError) and error.__context__ else error
    text = str(getattr(told, "reason", "") or told)
    found = _HANDSHAKE.search(text)
    if found is None:
        return unreachable(client.host, OSError(text))
    body = text.rpartition("-+-+- ")[2].removeprefix("b'").removesuffix("'")
    return from_status(right, f"pod {pod} in namespace {client.place.namespace}", int(found[1]), body, client.host)
