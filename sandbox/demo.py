"""``tandem demo``: a real Redis with Sentinels under write load, the local Slack, and the bot between them.

Everything runs on this machine, in a directory of its own that goes with it. The bot is a process like any other:
it is configured by the same settings, and the page can kill it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml
from rich.console import Console

from actions.kit.errors import SettingsError
from sandbox.redis import Topology, WriteLoad, build, faults, sentinel
from sandbox.slack import DemoButton, LocalSlack
from sandbox.slack.manifest import own_manifest

MASTER_NAME = "orders"
READY_S = 20.0
WRITES_A_SECOND = 100.0
STATUS_EVERY_S = 1.0


def run(*, port: int = 8070, open_page: bool = True, build_name: str | None = None) -> None:
    """Run until Ctrl-C or SIGTERM.

    Args:
        port: where the page is; another free one where that is taken.
        open_page: whether to open it in the browser.
        build_name: which server, by the name that ``sandbox.redis.builds`` gives it; by default the first.

    Raises:
        SettingsError: there is no Redis or Valkey on this machine.
    """
    try:
        build(build_name)
    except LookupError as error:
        raise SettingsError(f"{error} Install one with: pip install 'tandem-bot[demo]'") from error
    asyncio.run(_demo(port, open_page=open_page, build_name=build_name))


@dataclass(frozen=True, slots=True)
class Demo:
    """What runs while the demo runs."""

    slack: LocalSlack
    topology: Topology
    load: WriteLoad
    bot: Bot


@contextlib.asynccontextmanager
async def running(port: int = 0, *, build_name: str | None = None) -> AsyncIterator[Demo]:
    """Start everything, and stop it on leaving; ``port`` 0 takes a free one."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-demo-")))
        topology = await stack.enter_async_context(
            sentinel(build(build_name), links=True, master_name=MASTER_NAME, down_after_ms=3000)
        )
        load = await stack.enter_async_context(WriteLoad(topology, rate=WRITES_A_SECOND, process=True))
        slack = await stack.enter_async_context(_slack(port))
        bot = await stack.enter_async_context(Bot(slack, topology, folder))
        slack.demo_buttons = _buttons(topology, load, bot)
        demo = Demo(slack, topology, load, bot)
        watch = asyncio.create_task(_watch(demo))
        try:
            yield demo
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def _demo(port: int, *, open_page: bool, build_name: str | None) -> None:
    console = Console(stderr=True, soft_wrap=True)
    stop = _stopped()
    status = console.status("Starting Redis, Sentinel, the local Slack and the bot …")
    status.start()
    async with running(port, build_name=build_name) as demo:
        status.stop()
        console.print(_welcome(demo))
        if open_page:
            await asyncio.to_thread(webbrowser.open, _page(demo))
        await stop.wait()
        console.print("Stopping …")


def _page(demo: Demo) -> str:
    return f"{demo.slack.page_url}?as=U0ONCALL&channel=C0INCIDENT"


def _stopped() -> asyncio.Event:
    """Set by Ctrl-C and by SIGTERM."""
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    return stop


@contextlib.asynccontextmanager
async def _slack(port: int) -> AsyncIterator[LocalSlack]:
    """The local Slack on this port, or on a free one."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            slack = await stack.enter_async_context(LocalSlack(own_manifest(), port=port))
        except OSError:
            slack = await stack.enter_async_context(LocalSlack(own_manifest()))
        yield slack


class Bot:
    """``tandem serve`` as a process of its own, configured as everywhere: by variables and a targets file.

    Args:
        slack: where it connects to.
        topology: its one target.
        folder: where its files are; several bots with one ledger may share it.
        ledger_url: where the ledger is, if not in that folder.
        name: what its log is called.
    """

    def __init__(
        self, slack: LocalSlack, topology: Topology, folder: Path, *, ledger_url: str | None = None, name: str = "bot"
    ) -> None:
        self._slack = slack
        self._folder = folder
        self._ledger_url = ledger_url or f"sqlite+aiosqlite:///{folder / 'tandem.db'}"
        self._process: asyncio.subprocess.Process | None = None
        self._targets = folder / "targets.yaml"
        self._targets.write_text(yaml.safe_dump(targets(topology), sort_keys=False), encoding="utf-8")
        self.log = folder / f"{name}.log"
        """What the bot printed."""

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
        await self.start()
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
        """Start the process; it is ready once the local Slack has a connection more."""
        if not self.running:
            await self._start()
        return "The bot is connected."

    async def _start(self) -> None:
        slack = self._slack
        before = slack.connections
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
        environment |= {
            "TANDEM_SLACK_BOT_TOKEN": slack.bot_token,
            "TANDEM_SLACK_APP_TOKEN": slack.app_token,
            "TANDEM_SLACK_API_URL": slack.api_url,
            "TANDEM_TARGETS_FILE": str(self._targets),
            "TANDEM_LEDGER_URL": self._ledger_url,
            "TANDEM_HTTP_PORT": "0",
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "serve"), env=environment, stdout=log, stderr=log, cwd=self._folder
            )
        deadline = time.monotonic() + READY_S
        while slack.connections <= before:
            if not self.running or time.monotonic() > deadline:
                raise RuntimeError(f"The bot did not connect; its log says: {self.log.read_text()[-2000:]}")
            await asyncio.sleep(0.05)

    async def kill(self) -> str:
        """Kill the process with SIGKILL."""
        if self._process is None or not self.running:
            return "The bot is not running."
        self._process.kill()
        await self._process.wait()
        return "The bot was killed (kill -9). Start it again and it settles what was cut off."


def targets(topology: Topology) -> dict[str, object]:
    """The topology as targets.yaml describes it."""
    in_charge: dict[str, object] = {"kind": "replication"}
    if topology.sentinels:
        sentinels = list(topology.sentinel_addresses)
        in_charge = {"kind": "sentinel", "master_name": topology.master_name, "sentinels": sentinels}
    return {
        "approvers": {"usergroup": "S0REDISOPS"},
        "targets": {
            "orders": {
                "environment": "production",
                **in_charge,
                "nodes": list(topology.node_addresses),
                "channels": ["C0INCIDENT"],
                "limits": {"cooldown_s": 0},
            }
        },
    }


def _buttons(topology: Topology, load: WriteLoad, bot: Bot) -> list[DemoButton]:
    """What a person can break and mend; the page says what each did."""

    def on_topology(act: Callable[[Topology], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
        async def press() -> str:
            try:
                return await act(topology)
            except (LookupError, TimeoutError, OSError) as error:
                return f"That did not work: {error}"

        return press

    async def lost() -> str:
        master = await topology.master()
        return f"{await load.lost(master)} of {load.acked} acknowledged writes are missing on {master.address}."

    return [
        DemoButton("stop-master", "Stop the master", "kill -9", on_topology(faults.stop_master)),
        DemoButton("hang-master", "Hang the master", "SIGSTOP: it answers nothing", on_topology(faults.hang_master)),
        DemoButton("cut-replica", "Cut a replica off", "no link to its master", on_topology(faults.cut_replica)),
        DemoButton("split-brain", "Split the brain", "two masters, one with clients", on_topology(faults.split_brain)),
        DemoButton("slow", "Slow the replication", "by 100 ms", on_topology(faults.slow_replication)),
        DemoButton("heal", "Mend everything", "links, hung and dead ones", on_topology(faults.heal_everything), "Mend"),
        DemoButton("lost", "Count lost writes", "look for every acknowledged key", lost, "Look"),
        DemoButton("kill-bot", "Kill the bot", "kill -9, at any moment", bot.kill, "The bot"),
        DemoButton("start-bot", "Start the bot", "it settles what was cut off", bot.start, "The bot"),
    ]


async def _watch(demo: Demo) -> None:
    """Keep the page's state line true."""
    began = time.monotonic()
    while True:
        try:
            masters = ", ".join(node.address for node in await demo.topology.masters()) or "none"
        except OSError as error:
            masters = str(error)
        recent = demo.load.longest_gap_ms(max(began, time.monotonic() - 30))
        demo.slack.demo_status = (
            f"Master: {masters}\nWrites acknowledged: {demo.load.acked:,}\nLongest gap in 30 s: {recent:,.0f} ms\n"
            f"The bot is {'running' if demo.bot.running else 'dead'}"
        )
        await asyncio.sleep(STATUS_EVERY_S)


def _welcome(demo: Demo) -> str:
    return (
        f"\n[bold]The incident channel:[/] {_page(demo)}\n\n"
        f"  Redis      {', '.join(demo.topology.node_addresses)}\n"
        f"  Sentinels  {', '.join(demo.topology.sentinel_addresses)}\n"
        f"  Bot's log  {demo.bot.log}\n\n"
        "Type [bold]/redis[/] as oncall. Break something with the buttons on the right. Ask for "
        "[bold]/redis failover[/]\nand approve it as lead. Ctrl-C ends it and leaves nothing behind.\n"
    )
