"""However many scrape, and however slow the ledger is: it is asked once a second, and the answer comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from bot.ledger import LedgerError
from bot.ledger.figures import Figures
from bot.metrics import exposed
from bot.metrics.counts import Counts
from bot.metrics.exposed import Exposed

QUIET = Figures(0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0)


@asynccontextmanager
async def served(figures: Callable[[], Awaitable[Figures]], sockets: int | None = 2) -> AsyncIterator[str]:
    """The address of a process with this ledger, and as many connections to Slack."""

    async def alive() -> int | None:
        return sockets

    async def why_not_ready() -> str | None:
        return None if sockets else "No Socket Mode connection is alive."

    site = web.Application()
    Exposed(Counts(), figures, alive, why_not_ready).add(site)
    runner = web.AppRunner(site)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def scraped(url: str, accept: str = "") -> str:
    async with aiohttp.ClientSession() as session, session.get(url + "/metrics", headers={"Accept": accept}) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_many_that_scrape_at_once_ask_the_ledger_once() -> None:
    asked: list[Figures] = []

    async def figures() -> Figures:
        asked.append(replace(QUIET, runs=len(asked) + 1))
        await asyncio.sleep(0)
        return asked[-1]

    async with served(figures) as url:
        texts = await asyncio.gather(*(scraped(url) for _ in range(20)))
    assert len(asked) == 1
    assert all("tandem_runs_in_progress 1.0\n" in text for text in texts)


async def test_a_ledger_that_hangs_keeps_nobody_waiting_and_what_it_said_before_is_not_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exposed, "FRESH_S", 0.0)
    hangs = asyncio.Event()

    async def figures() -> Figures:
        if hangs.is_set():
            await asyncio.Event().wait()
        return QUIET

    async with served(figures) as url:
        assert "tandem_debts_unpaid 0.0\n" in await scraped(url)
        hangs.set()
        monkeypatch.setattr(exposed, "PATIENCE_S", 0.05)
        text = await scraped(url)
    assert "tandem_ledger_up 0.0\n" in text
    assert "tandem_debts_unpaid" not in text
    assert "tandem_socket_mode_connections 2.0\n" in text


async def test_without_socket_mode_there_are_no_connections_to_miss() -> None:
    async def figures() -> Figures:
        raise LedgerError("The ledger x cannot be reached.")

    async with served(figures, sockets=None) as url:
        text = await scraped(url)
    assert "tandem_socket_mode_connections" not in text
    assert "cannot be reached" not in text


async def test_what_is_asked_for_and_is_not_there_is_counted_under_one_name() -> None:
    async def figures() -> Figures:
        return QUIET

    async with served(figures) as url:
        async with aiohttp.ClientSession() as session:
            for number in range(5):
                await (await session.get(f"{url}/guess/{number}")).read()
        text = await scraped(url, "application/openmetrics-text; version=1.0.0")
    assert 'tandem_http_requests_total{code="404",path="other"} 5.0\n' in text
    assert "guess" not in text
    assert text.endswith("# EOF\n")
