"""Keeps what containers print, each line with its time, and picks the lines that a request wants."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from sandbox.kubernetes.api.errors import bad_request
from sandbox.kubernetes.api.requests import is_set


def stamped(line: bytes) -> bytes:
    """As it stands in a container's log file: RFC 3339 with nanoseconds, a space, the line."""
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}000Z ".encode() + line.rstrip(b"\n") + b"\n"


async def collect(output: asyncio.StreamReader, path: Path) -> None:
    """Write what comes from a container to its log, until it ends."""
    with path.open("ab", buffering=0) as log:
        while line := await _line(output):
            log.write(stamped(line))


async def _line(output: asyncio.StreamReader) -> bytes:
    try:
        return await output.readline()
    except ValueError:
        return b"(a line that was too long)\n"


class Wanted:
    """Which part of a log a request wants, by tailLines, sinceSeconds, sinceTime, timestamps and limitBytes.

    Raises:
        Refused: 400 for numbers that are none.
    """

    def __init__(self, query: Mapping[str, str]) -> None:
        self._timestamps = is_set(query, "timestamps")
        self._tail = _number(query, "tailLines")
        self._limit = _number(query, "limitBytes")
        self._since = query.get("sinceTime", "").encode()
        if (seconds := _number(query, "sinceSeconds")) is not None:
            since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
            self._since = f"{since:%Y-%m-%dT%H:%M:%S.%f}".encode()

    def cut(self, content: bytes) -> bytes:
        """What is wanted of the log as it is."""
        lines = [line for line in content.splitlines(keepends=True) if line >= self._since]
        if self._tail is not None:
            lines = lines[-self._tail :] if self._tail else []
        return self.shown(lines)[: self._limit]

    def shown(self, lines: list[bytes]) -> bytes:
        """The lines with or without their times."""
        return b"".join(line if self._timestamps else line.partition(b" ")[2] for line in lines)


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise bad_request(f'{name}: Invalid value: "{text}": must be greater than or equal to 0')
    return int(text)
