"""``tandem demo``: a real Redis under write load, the local Slack, and the bot between them.

Everything runs on this machine, in a directory of its own that goes with it. The bot is a process like any other:
it is configured by the same settings, and the page can kill it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from actions.kit.errors import SettingsError, UsageError
from sandbox.demo.bot import Bot
from sandbox.demo.cluster_stage import with_cluster
from sandbox.demo.redis_stages import described, with_nobody_in_charge, with_sentinel
from sandbox.demo.stage import Stage, state, targets
from sandbox.demo.watching import Watching, watching
from sandbox.redis import Build, build
from sandbox.slack import DemoButton, LocalSlack
from sandbox.slack.manifest import own_manifest

__all__ = ["STAGES", "Bot", "Demo", "described", "run", "running", "targets"]

STATUS_EVERY_S = 1.0


def _with_elasticache(build: Build) -> AbstractAsyncContextManager[Stage]:
    from sandbox.demo.elasticache_stage import with_elasticache  # noqa: PLC0415 -- botocore takes a while to load.

    return with_elasticache(build)


def _with_kubernetes(build: Build) -> AbstractAsyncContextManager[Stage]:
    from sandbox.demo.kubernetes_stage import with_kubernetes  # noqa: PLC0415 -- Only this kind needs all of it.

    return with_kubernetes(build)


STAGES: Mapping[str, Callable[[Build], AbstractAsyncContextManager[Stage]]] = {
    "sentinel": with_sentinel,
    "replication": with_nobody_in_charge,
    "cluster": with_cluster,
    "elasticache": _with_elasticache,
    "kubernetes": _with_kubernetes,
}
"""What can stand on the stage, by the word that a person chooses it by; the first one by default."""


def run(*, kind: str = "sentinel", port: int = 8070, open_page: bool = True, build_name: str | None = None) -> None:
    """Run until Ctrl-C or SIGTERM.

    Args:
        kind: one of ``STAGES``.
        port: where the page is; another free one where that is taken.
        open_page: whether to open it in the browser.
        build_name: which server, by the name that ``sandbox.redis.builds`` gives it; by default the first.

    Raises:
        UsageError: there is no such kind.
        SettingsError: there is no Redis or Valkey on this machine.
    """
    if kind not in STAGES:
        raise UsageError(f"There is no demo of kind {kind[:40]!r}; choose one of {', '.join(STAGES)}.")
    try:
        build(build_name)
    except LookupError as error:
        raise SettingsError(f"{error} Install one with: pip install 'tandem-bot[demo]'") from error
    asyncio.run(_demo(kind, port, open_page=open_page, build_name=build_name))


@dataclass(frozen=True, slots=True)
class Demo:
    """What runs while the demo runs."""

    slack: LocalSlack
    stage: Stage
    bot: Bot
    watching: Watching


@contextlib.asynccontextmanager
async def running(kind: str = "sentinel", port: int = 0, *, build_name: str | None = None) -> AsyncIterator[Demo]:
    """Start everything, and stop it on leaving; ``port`` 0 takes a free one."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-demo-")))
        stage = await stack.enter_async_context(STAGES[kind](build(build_name)))
        slack = await stack.enter_async_context(_slack(port))
        others = await stack.enter_async_context(watching(stage.watched))
        environment = {**stage.environment, **others.environment}
        content = targets({**stage.target, **others.target})
        bot = await stack.enter_async_context(Bot(slack, content, folder, environment=environment))
        slack.demo_buttons = [*stage.buttons, *_of_the_bot(bot)]
        demo = Demo(slack, stage, bot, others)
        watch = asyncio.create_task(_watch(demo))
        try:
            yield demo
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def _demo(kind: str, port: int, *, open_page: bool, build_name: str | None) -> None:
    console = Console(stderr=True, soft_wrap=True)
    stop = _stopped()
    status = console.status(f"Starting Redis ({kind}), the local Slack and the bot …")
    status.start()
    async with running(kind, port, build_name=build_name) as demo:
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


def _of_the_bot(bot: Bot) -> list[DemoButton]:
    return [
        DemoButton("kill-bot", "Kill the bot", "kill -9, at any moment", bot.kill, "The bot"),
        DemoButton("start-bot", "Start the bot", "it settles what was cut off", bot.start, "The bot"),
    ]


async def _watch(demo: Demo) -> None:
    """Keep the page's state line true."""
    began = time.monotonic()
    while True:
        alive = "running" if demo.bot.running else "dead"
        demo.slack.demo_status = f"{await state(demo.stage, began)}\nThe bot is {alive}\n{demo.watching.told}"
        await asyncio.sleep(STATUS_EVERY_S)


def _welcome(demo: Demo) -> str:
    terminal = ("In a terminal", f". {demo.bot.write_exports()}; tandem status")
    places = [*demo.stage.places, *demo.watching.places, ("Bot's log", str(demo.bot.log)), terminal]
    width = max(len(word) for word, _ in places)
    lines = "".join(f"  {word:{width}}  {where}\n" for word, where in places)
    return (
        f"\n[bold]The incident channel:[/] {_page(demo)}\n\n{lines}\n"
        "Type [bold]/redis[/] as oncall. Break something with the buttons on the right. Ask for "
        "[bold]/redis failover[/]\nand approve it as lead. Ctrl-C ends it and leaves nothing behind.\n"
    )
