"""Keeps a lease from lapsing while its run is in hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.ledger import runs
from bot.ledger.database import Database
from bot.ledger.errors import LeaseLost, LedgerError
from bot.ledger.records import Lease
from bot.waiting import within

log = logging.getLogger(__name__)


@asynccontextmanager
async def kept(database: Database, lease: Lease, lasts: timedelta) -> AsyncIterator[None]:
    """Renew the lease at a third of its length while the body runs."""
    over = asyncio.Event()
    beating = asyncio.create_task(_heartbeat(database, lease, lasts, over))
    try:
        yield
    finally:
        over.set()
        await beating


async def _heartbeat(database: Database, lease: Lease, lasts: timedelta, over: asyncio.Event) -> None:
    while not await within(over, lasts.total_seconds() / 3):
        try:
            async with database.writing() as tx:
                await runs.renew(tx, lease, lasts)
        except LeaseLost as error:
            log.warning("%s", error)  # The journal refuses the next step.
            return
        except LedgerError as error:
            log.warning("The lease of %s could not be renewed: %s", lease.run_id, error)
