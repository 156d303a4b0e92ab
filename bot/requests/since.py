"""Since when a ``verify`` searches an application's log: since the last run on its target, if the ledger tells."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta

from actions.kit.happenings import LONGEST
from bot.ledger import Ledger, LedgerError

TELLS_WITHIN_S = 2.0
"""A look never waits long for a ledger: it has to do without one, too."""


async def since_the_last_run(ledger: Ledger, target: str) -> dict[str, str]:
    """The option ``since``, in whole minutes; nothing where there was no run, or the ledger does not tell."""
    try:
        async with asyncio.timeout(TELLS_WITHIN_S):
            requests = await ledger.runs(limit=20, target=target)
    except (LedgerError, TimeoutError):
        return {}
    began = next((one.run.started_at for one in requests if one.run is not None), None)
    ago = datetime.now(UTC) - began if began else None
    if ago is None or not timedelta() < ago < LONGEST:
        return {}
    return {"since": f"{math.ceil(ago / timedelta(minutes=1))}m"}
