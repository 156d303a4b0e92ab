"""Runs a command in a container for exec: its words as they come, no shell, its streams over channels."""

import asyncio
import contextlib
import signal

from aiohttp import web

from sandbox.kubernetes.api.requests import is_set
from sandbox.kubernetes.api.resources import Json
from sandbox.kubernetes.kubelet import processes
from sandbox.kubernetes.kubelet.channels import STDERR, STDIN, STDOUT, Channels
from sandbox.kubernetes.kubelet.container import Container
from sandbox.kubernetes.kubelet.images import NoSuchProgram

_PIECE = 32 * 1024


async def execute(request: web.Request, container: Container, command: list[str]) -> web.WebSocketResponse:
    """Run the command with the streams that the request wants, and say on the error channel how it ended."""
    channels = Channels()
    await channels.open(request)
    with contextlib.suppress(ConnectionError):
        try:
            words = container.words(*map(container.inside, command))
        except NoSuchProgram as missing:
            await channels.send_status(_not_started(str(missing)))
        else:
            wanted = {name for name in ("stdin", "stdout", "stderr") if is_set(request.query, name)}
            code = await _run(channels, container, words, wanted)
            await channels.send_status(_ended(code))
        await channels.close()
    return channels.socket


async def _run(channels: Channels, container: Container, words: list[str], wanted: set[str]) -> int:
    pipes = {
        name: asyncio.subprocess.PIPE if name in wanted else asyncio.subprocess.DEVNULL
        for name in ("stdin", "stdout", "stderr")
    }
    process = await processes.start(words, container.environment(), container.place.root, **pipes)
    feeding = asyncio.create_task(_feed(channels, process))
    try:
        outputs = ((STDOUT, process.stdout), (STDERR, process.stderr))
        await asyncio.gather(*(_pass_on(channels, number, output) for number, output in outputs if output))
        code = await process.wait()
    finally:
        feeding.cancel()
        await processes.end(process)
    return code if code >= 0 else 128 - code


async def _pass_on(channels: Channels, number: int, output: asyncio.StreamReader) -> None:
    while piece := await output.read(_PIECE):
        await channels.send(number, piece)


async def _feed(channels: Channels, process: asyncio.subprocess.Process) -> None:
    """Pass the client's input on; a client that goes takes its command with it."""
    while (received := await channels.receive()) is not None:
        number, data = received
        if number != STDIN or process.stdin is None:
            continue
        with contextlib.suppress(ConnectionError):
            if data is None:
                process.stdin.close()
            else:
                process.stdin.write(data)
                await process.stdin.drain()
    processes.send(process, signal.SIGKILL)


def _ended(code: int) -> Json:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _not_started(problem: str) -> Json:
    """A command that the image does not have never runs, so that there is no exit code either."""
    text = (
        "error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec "
        f"failed: exec failed: unable to start container process: {problem}: unknown"
    )
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {text}",
        "reason": "InternalError",
        "details": {"causes": [{"message": text}]},
        "code": 500,
    }
