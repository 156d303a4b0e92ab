"""Asks a container how it is, by a command in it, a TCP connection or an HTTP request."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.kubernetes.api.resources import Json
from sandbox.kubernetes.kubelet import processes
from sandbox.kubernetes.kubelet.container import Container
from sandbox.kubernetes.kubelet.images import NoSuchProgram, find_program


@dataclass
class Threshold:
    """Turns single answers into an opinion, which starts as `content` and changes after so many in a row."""

    probe: Json
    content: bool
    _in_a_row: int = field(default=0, init=False)

    def count(self, success: bool) -> bool:
        """The opinion after this answer."""
        if success == self.content:
            self._in_a_row = 0
            return self.content
        self._in_a_row += 1
        if self._in_a_row >= self.probe["successThreshold" if success else "failureThreshold"]:
            self.content, self._in_a_row = success, 0
        return self.content


async def ask(container: Container, probe: Json, pod_ip: str) -> str:
    """What is wrong, as the kubelet says it; empty where the probe succeeds."""
    try:
        async with asyncio.timeout(probe["timeoutSeconds"]):
            if "exec" in probe:
                return await _by_command(container, probe["exec"]["command"])
            if "httpGet" in probe:
                return await _by_http(container, probe["httpGet"], pod_ip)
            if "tcpSocket" in probe:
                return await _by_tcp(pod_ip, port_number(container.spec, probe["tcpSocket"]["port"]))
    except TimeoutError:
        return f"command timed out after {probe['timeoutSeconds']}s"
    return ""


def port_number(container: Json, port: int | str) -> int:
    """A port by its number, or by its name in the container; 0 where there is none of that name."""
    if isinstance(port, int):
        return port
    named: Mapping[str, int] = {one.get("name", ""): one["containerPort"] for one in container.get("ports") or ()}
    return named.get(port, 0)


async def _by_command(container: Container, command: list[str]) -> str:
    try:
        program = find_program(container.programs, command[0])
    except NoSuchProgram as missing:
        return str(missing)
    words = (program, *command[1:])
    process = await processes.start(words, container.environment(), container.place.root)
    try:
        output, _ = await process.communicate()
    finally:
        await processes.end(process)
    return "" if process.returncode == 0 else output.decode(errors="replace").strip() or "the command failed"


async def _by_tcp(host: str, port: int) -> str:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return f"dial tcp {host}:{port}: connect: connection refused"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return ""


async def _by_http(container: Container, get: Json, pod_ip: str) -> str:
    host, port, path = pod_ip, port_number(container.spec, get["port"]), get.get("path", "/")
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return f'Get "http://{host}:{port}{path}": dial tcp {host}:{port}: connect: connection refused'
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: kube-probe/1.36\r\n\r\n".encode())
        words = (await reader.readline()).split()
    except OSError as error:
        return f'Get "http://{host}:{port}{path}": {error}'
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    code = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return "" if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"
