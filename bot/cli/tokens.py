"""``token list`` and ``token revoke`` in a terminal: of one's own tokens, with one of them."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio

from bot.cli import screen
from bot.cli.exits import Exit
from bot.cli.office import office
from bot.ledger.tokens import Token
from bot.render import json_requests
from bot.render.words import listed


def show(*, as_json: bool) -> Exit:
    """The live tokens of whoever is at this terminal."""
    tokens = asyncio.run(_own())
    if as_json:
        screen.show_json(json_requests.tokens_json(tokens))
    else:
        from bot.render import terminal_requests

        screen.show(terminal_requests.tokens(tokens))
    return Exit.AS_IT_SHOULD_BE


def revoke(token_id: str | None, *, as_json: bool) -> Exit:
    """End all of them, this terminal's among them, or one.

    Raises:
        UsageError: there is no live one of this id.
    """
    ids = asyncio.run(_revoke(token_id))
    if as_json:
        screen.show_json({"revoked": list(ids)})
    else:
        screen.show(f"Revoked: {listed(ids)}.")
    return Exit.AS_IT_SHOULD_BE


async def _own() -> tuple[Token, ...]:
    async with office() as at:
        return await at.desk.tokens.of(await at.signed_in())


async def _revoke(token_id: str | None) -> tuple[str, ...]:
    async with office() as at:
        return await at.desk.tokens.revoke(await at.signed_in(), token_id)
