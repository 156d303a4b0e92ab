"""Where the terminal writes: results to stdout, everything else to stderr. Rich is for people only."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from actions.kit.action import Progress
from actions.kit.errors import UsageError
from bot.render.words import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

PIPED_WIDTH = 200
"""Columns where there is no terminal: nothing that is piped is to be cut at the default of 80."""

_TICK_S = 0.1


def show(result: RenderableType) -> None:
    """Write a result for a person; colours only in a terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width, highlight=False, emoji=False, markup=False).print(result)


def show_json(result: dict[str, Any]) -> None:
    """Write a result for a program: one object, all of it ASCII, so that nothing in it reaches a terminal raw."""
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def show_text(text: str) -> None:
    """Write a result as it stands, such as a program: every character of it is our own or escaped already."""
    sys.stdout.write(text)


def tell(sentence: str) -> None:
    """Write one sentence to stderr."""
    sys.stderr.write(plain(sentence) + "\n")


def can_ask(*, as_json: bool) -> None:
    """Make sure that there is somebody who can be asked.

    Raises:
        UsageError: there is nobody; says what to do instead.
    """
    if as_json or not sys.stdin.isatty():
        raise UsageError("Here nobody can be asked whether to go on; look at it with tandem show, and add --yes.")


def agreed(question: str) -> bool:
    """Ask the person at the terminal; anything but a yes is a no."""
    return answer(f"{question} [y/N]").lower() in {"y", "yes"}


def answer(question: str) -> str:
    """What the person at the terminal types; they are asked on stderr."""
    sys.stderr.write(f"{plain(question)} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


class Warnings(logging.Handler):
    """What is logged while a command runs, as sentences: with the error's own words, without where it came from."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell a record."""
        error = record.exc_info[1] if record.exc_info else None
        tell(f"{record.getMessage()} {error}" if error else record.getMessage())


async def say(sentence: str) -> None:
    """``tell`` as the progress of an action."""
    tell(sentence)


@asynccontextmanager
async def waiting(seconds: float) -> AsyncIterator[Progress]:
    """A progress that tells, and then shows a bar for the wait of so many seconds that follows.

    The sentence stands above the bar: beside it, it leaves the bar no room in 80 columns.
    """
    if not sys.stderr.isatty():
        yield say
        return
    from rich.console import Console
    from rich.progress import BarColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(BarColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        ticking: list[asyncio.Task[None]] = []

        async def progress(sentence: str) -> None:
            bars.console.print(plain(sentence), markup=False, highlight=False)
            bar = bars.add_task("", total=seconds)
            ticking.append(asyncio.create_task(_tick(lambda: bars.advance(bar, _TICK_S))))

        try:
            yield progress
        finally:
            for task in ticking:
                task.cancel()
            await asyncio.gather(*ticking, return_exceptions=True)


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Show a person that something is going on."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} …"):
        yield


@contextlib.contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar over so many things; yields what is called for each that is done."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda: bars.advance(bar)


async def _tick(advance: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        advance()
