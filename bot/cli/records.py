"""``show`` and ``runs`` in a terminal: what the ledger holds. They never create one."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
from pathlib import Path

from actions.kit.errors import SettingsError
from bot.cli import screen
from bot.cli.exits import Exit, exit_of_request
from bot.environment import ledger_url, targets_file
from bot.ledger import Ledger, Request, RequestState
from bot.ledger.engines import parsed
from bot.render import json_requests
from bot.targets import load_targets


def show(request_id: str, *, as_json: bool) -> Exit:
    """One request with its run; the exit code says how it stands."""
    request = asyncio.run(_request(existing_ledger(), request_id))
    if as_json:
        screen.show_json(json_requests.request_json(request))
    else:
        from bot.render import terminal_requests

        waits = request.state is RequestState.WAITING
        screen.show(terminal_requests.to_approve(request) if waits else terminal_requests.request(request))
    return exit_of_request(request)


def runs(target_name: str | None, limit: int, *, as_json: bool) -> Exit:
    """The latest requests and their runs."""
    if target_name is not None:
        load_targets(targets_file()).target(target_name)
    latest = asyncio.run(_runs(existing_ledger(), limit, target_name))
    if as_json:
        screen.show_json(json_requests.requests_json(latest))
    else:
        from bot.render import terminal_requests

        screen.show(terminal_requests.requests(latest))
    return Exit.AS_IT_SHOULD_BE


def existing_ledger() -> str:
    """The ledger's URL, once it is seen that opening it would not make a new, empty one.

    Raises:
        LedgerError: the URL is none.
        SettingsError: there is no ledger.
    """
    text = ledger_url()
    url = parsed(text)
    if url.get_backend_name() == "sqlite" and not _holds_something(Path(url.database or "")):
        raise SettingsError(
            f"There is no ledger at {url.database}; run this where the bot runs, or set TANDEM_LEDGER_URL to the bot's."
        )
    return text


def _holds_something(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


async def _request(url: str, request_id: str) -> Request:
    ledger = await Ledger.open(url, upgrades=False)
    try:
        return await ledger.request(request_id)
    finally:
        await ledger.aclose()


async def _runs(url: str, limit: int, target_name: str | None) -> tuple[Request, ...]:
    ledger = await Ledger.open(url, upgrades=False)
    try:
        return await ledger.runs(limit, target_name)
    finally:
        await ledger.aclose()
