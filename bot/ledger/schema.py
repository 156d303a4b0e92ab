"""Brings the tables to the newest revision when the ledger is opened."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.ledger.database import Database
from bot.ledger.errors import LedgerError

REVISIONS = ("0001", "0002")
"""Every revision that this version knows, the newest last; a test compares them with ``migrations/versions``."""


async def ensure(database: Database) -> None:
    """Apply what is missing; cheap where nothing is.

    Raises:
        LedgerError: the ledger cannot be used, or a newer version wrote it.
    """
    async with database.reading() as tx:
        found = await tx.connection.run_sync(_revision)
    if _is_newest(found, database.name):
        return
    async with database.writing() as tx:  # Another process may have done it meanwhile: looked at again, alone.
        found = await tx.connection.run_sync(_revision)
        if not _is_newest(found, database.name):
            await tx.connection.run_sync(_upgrade)


async def require(database: Database) -> None:
    """See that there is a ledger of this version's schema, and change nothing.

    Raises:
        LedgerError: there is none, or a newer or an older version wrote it.
    """
    async with database.reading() as tx:
        found = await tx.connection.run_sync(_revision)
    if found is None:
        raise LedgerError(f"The database {database.name} holds no ledger; set TANDEM_LEDGER_URL to the bot's.")
    if not _is_newest(found, database.name):
        raise LedgerError(
            f"The ledger {database.name} is of an older schema ({found}); start this version of Tandem on it first."
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _is_newest(found: str | None, name: str) -> bool:
    if found is not None and found not in REVISIONS:
        raise LedgerError(
            f"The ledger {name} was written by a newer version of Tandem (schema {found}; this one knows up to "
            f"{REVISIONS[-1]}). Start that version, or give this one a ledger of its own."
        )
    return found == REVISIONS[-1]


def _upgrade(connection: Connection) -> None:
    # Alembic takes a third of a second to import, so that only a ledger that needs it pays for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
