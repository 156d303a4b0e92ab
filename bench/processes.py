"""Starts a bot as a process of its own against a local Slack: ours, or the bare one beside it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.demo import described, targets
from sandbox.redis import Topology
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest

TANDEM = (str(Path(sys.executable).with_name("tandem")), "serve")
BARE = (sys.executable, "-m", "bench.bare_bolt")
CONNECTIONS = 2
READY_S = 30.0
_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Running:
    """A bot that is connected: its Slack, its process, and the seconds from its start until it was."""

    slack: LocalSlack
    pid: int
    ready_s: float


@asynccontextmanager
async def running(
    command: tuple[str, ...], topology: Topology, more: Mapping[str, object] | None = None
) -> AsyncIterator[Running]:
    """The bot with a Slack of its own, killed on leaving.

    Args:
        command: which bot.
        topology: its target ``orders``.
        more: further targets, as targets.yaml has them.

    Raises:
        RuntimeError: it did not connect; with the end of its log.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
        slack = await stack.enter_async_context(LocalSlack(own_manifest()))
        log_path = folder / "log"
        with log_path.open("ab") as log:
            started = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *command, env=_environment(slack, topology, folder, more or {}), stdout=log, stderr=log
            )
        try:
            while slack.connections < CONNECTIONS:
                if process.returncode is not None or time.monotonic() > started + READY_S:
                    raise RuntimeError(f"{command} did not connect: {log_path.read_text()[-2000:]}")
                await asyncio.sleep(_POLL_S)
            yield Running(slack, process.pid, time.monotonic() - started)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def environment(slack: LocalSlack, targets_file: Path, ledger_url: str) -> dict[str, str]:
    """The variables that a bot is started with; none of ours comes through."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    return others | {
        "TANDEM_SLACK_BOT_TOKEN": slack.bot_token,
        "TANDEM_SLACK_APP_TOKEN": slack.app_token,
        "TANDEM_SLACK_API_URL": slack.api_url,
        "TANDEM_TARGETS_FILE": str(targets_file),
        "TANDEM_LEDGER_URL": ledger_url,
        "TANDEM_HTTP_PORT": "0",
    }


def _environment(slack: LocalSlack, topology: Topology, folder: Path, more: Mapping[str, object]) -> dict[str, str]:
    path = folder / "targets.yaml"
    content: dict[str, Any] = targets(described(topology))
    content["targets"] |= more
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return environment(slack, path, f"sqlite+aiosqlite:///{folder / 'tandem.db'}")
