"""Finds Debian's programs, and runs one: started, killed and started again, dead at the latest when this process is."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from sandbox.redis.server import die_with_parent, until

_START_S, _STOP_S = 60.0, 10.0


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the three are."""

    prometheus: Path
    alertmanager: Path
    exporter: Path


def installed() -> Programs | None:
    """The programs on PATH, under Debian's names or their makers'; ``None`` where one is missing."""
    found = [
        next(filter(None, map(shutil.which, names)), None)
        for names in (
            ("prometheus",),
            ("prometheus-alertmanager", "alertmanager"),
            ("prometheus-redis-exporter", "redis_exporter"),
        )
    ]
    there = [Path(one) for one in found if one]
    return Programs(*there) if len(there) == len(found) else None


class Program:
    """One process that speaks HTTP.

    Args:
        command: with all its arguments.
        address: "host:port" where it listens.
        ready: the path that answers 200 once it works.
        folder: where it runs and keeps its log.
    """

    def __init__(self, command: Sequence[str | Path], address: str, ready: str, folder: Path) -> None:
        self.name = Path(command[0]).name
        self.url = f"http://{address}"
        self._command, self._ready, self._folder = [str(word) for word in command], ready, folder
        self._log = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it is ready; RuntimeError with the end of its log if it does not get there."""
        with self._log.open("ab") as log:
            # A moment of blocking, for a process that outlives any one event loop.
            self._process = subprocess.Popen(  # noqa: ASYNC220
                [*die_with_parent(), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_S
        async with aiohttp.ClientSession() as session:
            while not await self._is_ready(session):
                if not self.running or time.monotonic() > deadline:
                    await self.kill()
                    raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
                await asyncio.sleep(0.05)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(self.url + self._ready) as answer:
                return answer.ok
        except aiohttp.ClientError:
            return False

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            await until(lambda: not self.running, _STOP_S)

    def reload(self) -> None:
        """Have it read its settings again."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGHUP)
