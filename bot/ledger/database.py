"""One database, whichever it is: how a transaction begins, what time it is, and what its errors mean.

All that differs between SQLite and PostgreSQL stands here. Transactions that write come one after the other: the hash
chain of the audit makes each depend on the one before, so that nothing is lost by it, and every compare-and-set is
the plain statement that it seems to be. ``now`` is read once the transaction has its turn: nothing that waited for
the lock past a deadline counts as in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.ledger.errors import LedgerError

Clock = Callable[[], datetime]

_MEANINGS = {
    "locked": "is locked by another process, and did not come free in time. Nothing was written; try again",
    "readonly": "is read-only: let this user write the file and its folder",
    "unable to open": "cannot be opened: its folder has to be there, and this user has to be allowed to write in it",
    "not a database": "is not a ledger: the file holds something else",
    "malformed": "is damaged: the file is no longer a whole database. Restore it from a copy",
    "full": "cannot grow: the disk is full",
}
_POSTGRESQL_LOCK = 7_461_646_118
"""The advisory lock that all writers of one PostgreSQL ledger share; any constant will do."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction, and the time at which it got its turn."""

    connection: AsyncConnection
    now: datetime


class Database:
    """Opens transactions on a database, and turns its errors into sentences.

    Args:
        url: for example ``sqlite+aiosqlite:///tandem.db``.
        busy_s: how long a transaction waits for other processes, in seconds.
        clock: what time it is; the default is the machine's, or PostgreSQL's own.
    """

    def __init__(self, url: str, *, busy_s: float = 5.0, clock: Clock | None = None) -> None:
        self.name, self._engine = _engine(url, busy_s)
        # SQLite reads one state anyway.
        one_state = {"isolation_level": "REPEATABLE READ"} if self._engine.name == "postgresql" else {}
        self._reading = self._engine.execution_options(reading=True, **one_state)
        self._clock = clock
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """A transaction that writes: committed at the end, rolled back on any error.

        Raises:
            LedgerError: the database failed. An ``IntegrityError`` comes through as it is: it is an answer.
        """
        # In one process it is cheaper to queue than to ask SQLite again and again.
        async with self._turn, self._translated(), self._engine.begin() as connection:
            yield Transaction(connection, await self._now(connection))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A transaction that sees one consistent state and writes nothing.

        Raises:
            LedgerError: the database failed.
        """
        async with self._translated(), self._reading.begin() as connection:
            yield Transaction(connection, await self._now(connection))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def _now(self, connection: AsyncConnection) -> datetime:
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name != "postgresql":
            return datetime.now(UTC)
        now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return now.astimezone(UTC)

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise LedgerError(f"The ledger {self.name} {_meaning(error)}.") from error
        except OSError as error:  # What PostgreSQL's drivers raise when nothing listens.
            raise LedgerError(f"The ledger {self.name} cannot be reached: {error}.") from error


def _engine(url: str, busy_s: float) -> tuple[str, AsyncEngine]:
    try:
        parsed = make_url(url)
        name = parsed.render_as_string(hide_password=True)
        _check(parsed, name)
        busy = {"connect_args": {"timeout": busy_s}} if parsed.get_backend_name() == "sqlite" else {}
        engine = create_async_engine(parsed, **busy)
    except ArgumentError as error:  # The text may hold a password: it is not repeated.
        raise LedgerError("The ledger's URL is none; write for example sqlite+aiosqlite:///tandem.db.") from error
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise LedgerError(f"The ledger {name} needs a driver that is not there: {error}") from error
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
    return name, engine


def _check(url: URL, name: str) -> None:
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise LedgerError(f"The ledger {name} has to be on SQLite or PostgreSQL.")
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise LedgerError("The ledger has to be a file: what is in memory does not outlive a crash.")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Take transactions into our own hands, and have each commit on the disk before it returns."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin; one that writes takes its turn now, since a lock taken half-way can fail half-way."""
    reading = connection.get_execution_options().get("reading", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
    elif not reading:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})")


def _meaning(error: SQLAlchemyError) -> str:
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return next((meaning for sign, meaning in _MEANINGS.items() if sign in said), f"failed: {said}")
