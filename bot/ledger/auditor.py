"""The audit of a ledger that is there, for who looks at it from outside: creates, upgrades and writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.ledger import audit, schema
from bot.ledger.chain import AuditCheck, AuditRow, verify_rows
from bot.ledger.database import Database, Transaction
from bot.ledger.errors import LedgerError
from bot.ledger.exported import line
from bot.ledger.requests import normal_id


class Auditor:
    """Reads the audit in one consistent state, whatever is written meanwhile. Made by ``open``."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Auditor]:
        """Look at the ledger at this URL.

        Raises:
            LedgerError: it cannot be read, is no ledger, or a newer version wrote it.
        """
        database = Database(url)
        try:
            await schema.require(database)
            async with database.reading() as tx:
                yield cls(tx)
        finally:
            await database.aclose()

    async def verify(self, noted: str | None = None) -> AuditCheck:
        """Go through the whole audit; ``noted`` is a hash that an earlier check told."""
        return await audit.verify(self._tx, noted)

    async def export(self, write: Callable[[str], object]) -> AuditCheck:
        """Write every row as a line, also one that was changed, and verify them on the way.

        Raises:
            LedgerError: a row cannot be written, since it no longer is one.
        """
        check = await audit.begun(self._tx)
        async for page in audit.pages(self._tx):
            check = verify_rows(page, check)
            for row in page:
                if row is None:
                    raise LedgerError(f"The audit cannot be exported. {check.problem}")
                write(line(row))
        return await audit.ended(self._tx, check)

    async def about(self, request_id: str) -> tuple[AuditRow, ...]:
        """The rows of a request, and those of its target meanwhile; the id as a person types it.

        Raises:
            UnknownRequest: the audit holds nothing of it.
        """
        return await audit.about(self._tx, normal_id(request_id))
