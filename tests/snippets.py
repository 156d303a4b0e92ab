"""Runs a snippet for an application as it was printed: a process of its own that does what a test asks of it."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from actions.kit.topology import Address
from sandbox.kubernetes.charts.redis_images import redis_cli

_DRIVER = """
import asyncio
import json
import sys

from snippet import run

{a}def operation(redis, words):
    if words[0] != "MULTI":
        return {w}redis.execute_command(*words)
    {a}with redis.pipeline(transaction=True) as transaction:
        for one in words[1:]:
            transaction.execute_command(*one)
        return {w}transaction.execute()

{a}def main():
    while line := {line}:
        words, extra = json.loads(line)
        try:
            answer = {w}run(lambda redis: operation(redis, words), **extra)
        except Exception as error:
            answer = {{"error": type(error).__name__, "why": str(error)}}
        print(json.dumps(answer, default=bytes.decode), flush=True)

{main}
"""


class Application:
    """A process that has imported the snippet."""

    def __init__(self, process: asyncio.subprocess.Process, extra: Mapping[str, object]) -> None:
        self._process = process
        self._extra = extra

    async def does(self, *words: object, **extra: object) -> object:
        """What the snippet's ``run`` gives for one command; a mapping with ``error`` where it raises."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([words, {**self._extra, **extra}]).encode() + b"\n")
        line = await self._process.stdout.readline()
        assert line, "The process has ended."
        return json.loads(line)


@contextlib.asynccontextmanager
async def application(
    text: str, directory: Path, environment: Mapping[str, str], **extra: object
) -> AsyncIterator[Application]:
    """Run this snippet, of whichever kind; ``extra`` goes with each command."""
    words = {"a": "async " if "asyncio" in text else "", "w": "await " if "asyncio" in text else ""}
    # The loop goes on meanwhile, as in any application: else it would not notice what is closed.
    words["line"] = "await asyncio.to_thread(sys.stdin.readline)" if words["a"] else "sys.stdin.readline()"
    main = "asyncio.run(main())" if words["a"] else "main()"
    _write(directory, {"snippet.py": text, "driver.py": _DRIVER.format(**words, main=main)})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "driver.py"),
        cwd=directory,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Application(process, extra)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def at_a_shell(text: str, command: str, environment: Mapping[str, str]) -> str:
    """What the lines for a shell print where a person goes on with this command."""
    cli = redis_cli()
    assert cli is not None
    path = f"{cli.parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", text),
        env={**os.environ, "PATH": path, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(f"{command}\n".encode())
    return out.decode().strip()


def _write(directory: Path, files: Mapping[str, str]) -> None:
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_text(text)


class Cutter:
    """A way to a server that, once it is armed, swallows the first answer and resets the connection.

    What was asked has been done by then: what is asked again is done twice.
    """

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._left = -1
        self._open: set[asyncio.StreamWriter] = set()

    def arm(self, after: int = 0) -> None:
        """Swallow the next answer, or a later one."""
        self._left = after

    def lead_to(self, to: tuple[str, int]) -> None:
        """Connect whoever comes from now on to this server, as a DNS name that moves; open connections stay."""
        self._to = to

    async def close_idle(self) -> None:
        """Close all connections; whoever uses one next is not told before he looks."""
        for writer in self._open:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._open), return_exceptions=True)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Address]:
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        try:
            yield Address(*server.sockets[0].getsockname()[:2])
        finally:
            server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open.add(writer)
        asking = asyncio.create_task(_pump(reader, there_writer))
        try:
            while data := await there_reader.read(65_536):
                if self._left == 0:
                    self._left = -1
                    break
                self._left -= self._left > 0
                writer.write(data)
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            asking.cancel()
            for one in (writer, there_writer):
                one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()
