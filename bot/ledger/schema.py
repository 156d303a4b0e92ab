"""Brings the tables to the newest revision when the ledger is opened."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.ledger.database import Database
from bot.ledger.errors import LedgerError

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every revision that this version knows, the newest last; a test compares them with ``migrations/versions``."""


async def ensure(database: Database) -> str | None:
    """Apply what is missing; cheap where nothing is. Returns the revision that was found, ``None`` for an empty one.

    Raises:
        LedgerError: the ledger cannot be used, a newer version wrote it, or the database holds something else.
    """
    async with database.reading() as tx:
        found = await tx.connection.run_sync(_revision, database.name)
    if _is_newest(found, database.name):
        return found
    async with database.writing(at_length=True) as tx:  # Another process may have done it meanwhile: look again, alone.
        found = await tx.connection.run_sync(_revision, database.name)
        if not _is_newest(found, database.name):
            await tx.connection.run_sync(upgrade)
    return found


async def require(database: Database) -> None:
    """See that there is a ledger of this version's schema, and change nothing.

    Raises:
        LedgerError: there is none, or a newer or an older version wrote it.
    """
    async with database.reading() as tx:
        found = await tx.connection.run_sync(_revision, database.name)
    if found is None:
        raise LedgerError(f"The database {database.name} holds no ledger; set TANDEM_LEDGER_URL to the bot's.")
    if not _is_newest(found, database.name):
        raise LedgerError(
            f"The ledger {database.name} is of an older schema ({found}); run tandem ledger upgrade first."
        )


def _revision(connection: Connection, name: str) -> str | None:
    """The revision of the ledger that is there; ``None`` where there is nothing at all."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if not tables >= {"alembic_version", "audit_head"}:
        raise LedgerError(f"The database {name} is not a ledger: it holds something else. Give Tandem one of its own.")
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _is_newest(found: str | None, name: str) -> bool:
    if found is not None and found not in REVISIONS:
        raise LedgerError(
            f"The ledger {name} was written by a newer version of Tandem (schema {found}; this one knows up to "
            f"{REVISIONS[-1]}). Start that version, or give this one a ledger of its own."
        )
    return found == REVISIONS[-1]


def upgrade(connection: Connection) -> None:
    """Apply every revision that is missing, in the transaction of this connection."""
    # Alembic takes a third of a second to import, so that only a ledger that needs it pays for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
