"""Follows a request step by step to its end, whoever carries it out; begins it where nobody else does."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime

from bot.cli import screen
from bot.cli.office import PATIENCE_S, Office
from bot.ledger import LedgerError, Request, RequestState, RunState
from bot.render.words import duration
from bot.waiting import within

LOOK_EVERY_S = 0.2
LEFT_TO_OTHERS_S = 6.0
"""A bot goes over the ledger every three seconds: what is approved or cut off is first left to it, twice."""

_OPEN = (RequestState.APPROVED, RequestState.RUNNING)
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def follow(office: Office, request: Request) -> Request:
    """Show every step until the request is over, or somebody wants to stop; returns it as it is then.

    A run that another process has in hand goes on without us. One of our own is brought to its end or given up in
    order when the office closes: that it is not left in the middle is worth more than to be gone at once.
    """
    untaken = _Untaken()
    async with _stopped() as stop:  # Before anything is said: whoever reads it may press Ctrl-C.
        if request.state is RequestState.APPROVED:
            others = duration(LEFT_TO_OTHERS_S)
            screen.tell(f"{request.id} begins as soon as a bot takes it; in {others} this terminal does, if none has.")
        with _watched(request) as show:
            while _goes_on(request) and not stop.is_set():
                await untaken.see_to(office, request)
                await within(stop, LOOK_EVERY_S)
                request = await _looked_again(office, request)
                show(request)
        if not stop.is_set() or not _goes_on(request):
            return request
        return await _left(office, request)


class _Untaken:
    """Since when the request has stood as it does."""

    def __init__(self) -> None:
        self._standing: object = None
        self._until = 0.0

    async def see_to(self, office: Office, request: Request) -> None:
        """Take in hand what nobody else does; what fails is tried again as often as a bot would."""
        now = asyncio.get_running_loop().time()
        if request.standing is not self._standing:
            self._standing, self._until = request.standing, now + LEFT_TO_OTHERS_S
        if request.standing in (RequestState.APPROVED, RunState.UNSETTLED) and now >= self._until:
            self._until = now + LEFT_TO_OTHERS_S
            await office.desk.see_to(request)


async def _left(office: Office, request: Request) -> Request:
    """Stop following; what this process has in hand is first brought to an end or given up in order."""
    ours = request.run is not None and request.run.owner == office.ledger.owner
    if ours:
        _say(
            f"{request.id} is carried out by this process, which waits for its end, at most {duration(PATIENCE_S)}. To "
            f"have it go back while it still can, type in another terminal: tandem cancel {request.id}"
        )
        await _end_of(office, request)
    await office.desk.aclose(PATIENCE_S)
    request = await _looked_again(office, request)
    if _goes_on(request):
        left = f"is left to a bot, or to: tandem follow {request.id}" if ours else "goes on without this terminal."
        _say(f"{request.id} {left}")
    return request


async def _end_of(office: Office, request: Request) -> None:
    """Wait for the end of our own run before the desk closes: that begins no further step where a run can go back."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while _goes_on(request):
                await asyncio.sleep(LOOK_EVERY_S)
                request = await _looked_again(office, request)


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):  # The terminal may be gone.
        screen.tell(sentence)


def _goes_on(request: Request) -> bool:
    return request.state in _OPEN and request.standing.value != "asking"


async def _looked_again(office: Office, request: Request) -> Request:
    """The request as it is now; while the ledger cannot be asked, as it was."""
    try:
        return await office.desk.show(request.id)
    except LedgerError as error:
        _say(f"{error} How {request.id} stands is asked again.")
        await asyncio.sleep(1)
        return request


@asynccontextmanager
async def _stopped() -> AsyncIterator[asyncio.Event]:
    """Set by Ctrl-C, by SIGTERM, and when the connection to the terminal is lost."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in _STOPS:
        loop.add_signal_handler(one, stop.set)
    try:
        yield stop
    finally:
        for one in _STOPS:
            loop.remove_signal_handler(one)


@contextmanager
def _watched(request: Request) -> Iterator[Callable[[Request], None]]:
    """Shows a request as it changes: a live table for people, else a line for each step that has ended."""
    if not sys.stderr.isatty():
        yield _line_by_line()
        return
    from rich.console import Console, RenderableType
    from rich.live import Live

    from bot.render import terminal_requests

    def drawn(shown: Request) -> RenderableType:
        return terminal_requests.request(shown, now=datetime.now(UTC))

    with Live(drawn(request), console=Console(stderr=True), transient=True, refresh_per_second=8) as live:
        yield lambda shown: live.update(drawn(shown))


def _line_by_line() -> Callable[[Request], None]:
    told: set[tuple[int, str]] = set()

    def show(request: Request) -> None:
        for step in request.run.steps if request.run else ():
            if step.state != "waiting" and (step.index, step.state) not in told:
                told.add((step.index, step.state))
                screen.tell(f"{step.index + 1}. {step.title}: {step.state}{f', {step.note}' if step.note else ''}")

    return show
