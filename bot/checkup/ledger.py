"""Whether the ledger is there, of this version, and its audit as it was written. It is never made or changed here."""

from __future__ import annotations

from bot.checkup.checks import Check, State
from bot.ledger import Auditor, LedgerError
from bot.ledger.engines import shown
from bot.render.words import counted

LEDGER = "ledger"


async def look(url: str) -> tuple[Check, ...]:
    """Everything about the ledger at this URL."""
    name = shown(url)
    try:
        async with Auditor.open(url) as auditor:
            check = await auditor.verify()
    except LedgerError as error:
        return (Check(LEDGER, State.FAULT, str(error)),)
    if check.problem:
        return (Check(LEDGER, State.FAULT, f"{name}: {check.problem}", "tandem audit verify tells more."),)
    rows = counted(check.rows, "row")
    return (Check(LEDGER, State.OK, f"{name} is there, and its audit of {rows} in order."),)
