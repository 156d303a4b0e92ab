"""``tandem serve`` as a process of its own, for the demo and for tests that kill it."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import aiohttp
import yaml

from sandbox.redis.server import die_with_parent
from sandbox.slack import LocalSlack

READY_S = 120.0


class Bot:
    """A bot that is configured as everywhere: by variables and a targets file.

    Args:
        slack: where it connects to.
        targets: the content of its targets.yaml.
        folder: where its files are; several bots with one ledger may share it.
        environment: further ``TANDEM_…`` variables and what its SDKs read.
        ledger_url: where the ledger is, if not in that folder.
        name: what its log is called.
    """

    def __init__(
        self,
        slack: LocalSlack,
        targets: Mapping[str, object],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        ledger_url: str | None = None,
        name: str = "bot",
    ) -> None:
        self._slack = slack
        self._folder = folder
        self._environment = dict(environment or {})
        self._ledger_url = ledger_url or f"sqlite+aiosqlite:///{folder / 'tandem.db'}"
        self._process: asyncio.subprocess.Process | None = None
        self._targets = folder / "targets.yaml"
        self._targets.write_text(yaml.safe_dump(dict(targets), sort_keys=False), encoding="utf-8")
        self.log = folder / f"{name}.log"
        """What the bot printed."""

    @property
    def shared(self) -> Mapping[str, str]:
        """The variables by which a terminal has the same targets and the same ledger."""
        return {**self._environment, "TANDEM_TARGETS_FILE": str(self._targets), "TANDEM_LEDGER_URL": self._ledger_url}

    def write_exports(self) -> Path:
        """A file for ``.`` in a shell: ``shared``, and the way to this ``tandem``. It lies beside the bot's others."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.shared.items()]
        path = self._folder / "terminal"
        path.touch(mode=0o600)
        path.write_text("".join([*lines, f'export PATH={shlex.quote(sysconfig.get_path("scripts"))}:"$PATH"\n']))
        return path

    @property
    def pid(self) -> int:
        """The process's number; 0 where it was never started."""
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    async def __aenter__(self) -> Self:
        """Start it and wait until it is connected."""
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop it in order; kill it where that does not end it."""
        if self._process is None or not self.running:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 15)
        except TimeoutError:
            await self.kill()

    async def start(self) -> str:
        """Start the process, and wait until it says itself that Slack's commands reach it."""
        if not self.running:
            await self._start()
        return "The bot is connected."

    async def _start(self) -> None:
        slack = self._slack
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
        environment |= {
            "TANDEM_HTTP_PORT": "0",
            **self.shared,
            "TANDEM_SLACK_BOT_TOKEN": slack.bot_token,
            "TANDEM_SLACK_APP_TOKEN": slack.app_token,
            "TANDEM_SLACK_API_URL": slack.api_url,
        }
        with self.log.open("ab") as log:
            begins = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(*die_with_parent(), sys.executable, "-m", "bot", "serve"),
                env=environment,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        deadline = time.monotonic() + READY_S
        while not await self._is_ready(begins):
            if not self.running or time.monotonic() > deadline:
                raise RuntimeError(f"The bot did not connect; its log says: {self.log.read_text()[-2000:]}")
            await asyncio.sleep(0.05)

    async def _is_ready(self, begins: int) -> bool:
        """The Slack cannot tell whose connections it has: other bots may have some, and one that was just killed.

        Args:
            begins: where in the log this process begins.
        """
        started = re.search(rb'"message": "started", "port": (\d+)', self.log.read_bytes()[begins:])
        if started is None:
            return False
        url = f"http://{self._environment.get('TANDEM_HTTP_HOST', '127.0.0.1')}:{int(started[1])}/readyz"
        async with aiohttp.ClientSession() as session, session.get(url) as said:
            return said.ok

    async def kill(self) -> str:
        """Kill the process with SIGKILL."""
        if self._process is None or not self.running:
            return "The bot is not running."
        self._process.kill()
        await self._process.wait()
        return "The bot was killed (kill -9). Start it again and it settles what was cut off."
