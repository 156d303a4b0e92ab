"""``redis-cli`` in a pod, for looking where no network lets us in: as a server that takes questions and no changes.

Its one argument is the port. The commands, and the password before them, come by standard input: neither is in any
argument, where every process of the node could read it, and no shell sees them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import hiredis

from actions.adapters.kubernetes.cli_output import Answer, CommandError, line_of, read, resp, split
from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.execution import ERRORS, STDERR, STDOUT, message_of, open_exec
from actions.adapters.kubernetes.failures import ApiDeniedError, ApiError, ApiRefusedError
from actions.kit.errors import ActionError
from actions.kit.kubernetes.view import PodView
from actions.kit.unasked import Reason

WITHIN_S = 10.0
_QUESTIONS = frozenset(
    {
        *("ping", "info", "role", "dbsize", "config get", "pubsub numsub"),
        *("cluster info", "cluster nodes", "cluster slots", "cluster shards", "cluster myid"),
        *("sentinel master", "sentinel masters", "sentinel replicas", "sentinel slaves", "sentinel sentinels"),
        *("sentinel get-master-addr-by-name", "sentinel ckquorum", "sentinel myid"),
    }
)


class RedisCli:
    """Speaks for the server at one port of one pod.

    Args:
        still: raises an ``OSError`` if the pod of this name is not the one that is meant; asked after each run.
    """

    def __init__(self, client: Client, pod: PodView, port: int, still: Callable[[], Awaitable[None]]) -> None:
        self._client = client
        self._pod = pod
        self._port = port
        self._still = still
        self._login: tuple[bytes, ...] = ()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a connection as the server would, all questions that come together by one run of redis-cli."""
        parser = hiredis.Reader()
        while data := await reader.read(65_536):
            parser.feed(data)
            commands: list[list[bytes]] = []
            while (command := parser.gets()) is not False:
                commands.append(command)
            for answer in await self._answers(commands):
                writer.write(resp(answer))
            await writer.drain()

    async def _answers(self, commands: Sequence[list[bytes]]) -> list[Answer]:
        asked = [command for command in commands if _is_question(command)]
        if not asked:
            return [_refused(command) for command in commands]
        try:
            answers = iter(await self._client.bounded(lambda: self._run(asked), WITHIN_S))
            await self._still()
        except ApiDeniedError as error:
            return [CommandError(f"{error.reason} {error}") for _ in commands]
        except ActionError as error:
            return [CommandError(str(error)) for _ in commands]
        return [next(answers) if _is_question(command) else _refused(command) for command in commands]

    def _run(self, commands: Sequence[list[bytes]]) -> list[Answer]:
        """Run redis-cli once; it blocks, and belongs into a thread."""
        token = secrets.token_hex(16)
        logs_in = [command for command in commands if command[0].upper() == b"AUTH"]
        self._login = tuple(logs_in[-1]) if logs_in else self._login
        before = [self._login] if self._login and not logs_in else []
        # Sentinel knows PING, and no ECHO.
        lines = [f'{line_of(command)}\nPING "{token}"' for command in (*before, *commands)]
        output = self._executed("\n".join(lines) + "\nexit\n")
        printed = split(output, token)
        errors = output.splitlines()
        if len(printed) != len(lines) and all(line.startswith("(error) ") for line in errors):
            return [_read(("",), errors[0]) for _ in commands]  # Not let in, not even to PING.
        if len(printed) != len(lines):
            raise ApiRefusedError(f"redis-cli in {self._where} did not answer.", Reason.GARBAGE)
        words = [[word.decode(errors="replace") for word in command[:2]] for command in commands]
        return [_read(command, text) for command, text in zip(words, printed[len(before) :], strict=True)]

    def _executed(self, typed: str) -> str:
        """What it prints.

        Raises:
            ApiError: it may not be run, or is not there, or says why it has no answer.
        """
        stream = self._open()
        try:
            stream.write_stdin(typed)
            stream.run_forever(timeout=WITHIN_S)
            said = str(stream.read_channel(STDOUT))
            if not said:
                raise self._failed(stream)
            return said
        finally:
            stream.sock.shutdown()  # close() waits for an answer to its farewell, and may leave the socket open.

    def _open(self) -> Any:
        command = ["redis-cli", "--no-raw", "-p", str(self._port)]
        return open_exec(self._client, self._pod.name, self._container, command)

    def _failed(self, stream: Any) -> ApiError:
        """Why nothing was printed."""
        ended, complained = message_of(stream.read_channel(ERRORS)), " ".join(str(stream.read_channel(STDERR)).split())
        if "not found" in ended or "no such file" in ended.lower():
            text = f"The image of {self._where} has no redis-cli: use reach: port-forward."
        else:
            text = f"redis-cli in {self._where} did not answer: {complained or ended or 'no word'}"
        return ApiRefusedError(text[:300], Reason.REFUSED_COMMAND)

    @property
    def _container(self) -> str:
        having = [one for one in self._pod.containers if any(port == self._port for _, port in one.ports)]
        return having[0].name if having else self._pod.containers[0].name

    @property
    def _where(self) -> str:
        return f"container {self._container} of pod {self._pod.name}"


def _is_question(command: Sequence[bytes]) -> bool:
    words = [word.decode(errors="replace").lower() for word in command[:2]]
    return words[0] in _QUESTIONS or " ".join(words) in _QUESTIONS or words[0] == "auth"


def _refused(command: Sequence[bytes]) -> CommandError:
    name = command[0].decode(errors="replace")
    return CommandError(
        f"{name[:40]} is not sent: through redis-cli in the pod (reach: exec) Tandem only looks; use port-forward"
    )


def _read(command: Sequence[str], printed: str) -> Answer:
    try:
        return read(command, printed)
    except ValueError as error:
        return CommandError(f"ERR redis-cli printed what is no answer: {error}")
