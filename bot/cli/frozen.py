"""Says below what was seen of targets which of them are frozen: whoever looks may be about to ask for a change.

Only after the look is shown, and not in the JSON: to ask the ledger takes longer than to ask Redis, and a look must
not wait for a database that is down as well.
"""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actions.kit.errors import SettingsError
from bot.cli import screen

if TYPE_CHECKING:  # It brings the database's library.
    from bot.ledger import Freeze


def tell_frozen(targets: Sequence[str]) -> None:
    """Show why nothing that changes begins on these targets; nothing where there is no ledger.

    Args:
        targets: their names.
    """
    from bot.cli.records import existing_ledger
    from bot.ledger import LedgerError

    try:
        freezes = asyncio.run(_freezes(existing_ledger()))
    except SettingsError:
        return
    except LedgerError as error:
        screen.tell(f"What is frozen is not known: {error}")
        return
    for name in targets:
        for freeze in freezes:
            if freeze.counts_for(name):
                screen.show(freeze.why_not(name))


async def _freezes(url: str) -> tuple[Freeze, ...]:
    """What is frozen; a look neither makes nor upgrades a ledger."""
    from bot.ledger import schema
    from bot.ledger.database import Database
    from bot.ledger.freezes import Freezes

    database = Database(url)
    try:
        await schema.require(database)
        return await Freezes(database).on()
    finally:
        await database.aclose()
