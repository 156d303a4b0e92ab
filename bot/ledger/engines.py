"""Engines for both databases: all that differs between SQLite and PostgreSQL, but for the words of their errors."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from bot.ledger.errors import LedgerError

_POSTGRESQL_LOCK = 7_461_646_118
"""The advisory lock that all writers of one PostgreSQL ledger share; any constant will do."""

_STALLED_MS = 4_000
"""A process that stops in the middle of a transaction has the turn of all others; after so long it loses it."""

_EXAMPLES = "write for example sqlite+aiosqlite:///tandem.db or postgresql+psycopg://tandem@db.example.com/tandem"


class SqliteFile:
    """The file that was opened first. Whoever went on with it after it was removed would write for nobody."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._identity: tuple[int, int] | None = None

    def remember(self, cursor: Any) -> None:
        """Take this connection's file for the one, unless there is one already."""
        if self._path is None:
            cursor.execute("PRAGMA database_list")
            ((_, _, path),) = cursor.fetchall()
            self._identity, self._path = _identity(Path(path)), Path(path)

    @property
    def gone(self) -> bool:
        """Whether it is no longer where it was; what never was a file is never gone."""
        return self._path is not None and _identity(self._path) != self._identity


def parsed(text: str) -> URL:
    """The URL of a database that a ledger can be on.

    Raises:
        LedgerError: it is none; the sentence holds no password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # The text may hold a password: it is not repeated.
        raise LedgerError(f"TANDEM_LEDGER_URL is no database's URL; {_EXAMPLES}.") from error
    if "@" in (url.host or ""):  # So it is taken for the host, which is repeated.
        raise LedgerError("The ledger's URL has an @ in its user or password; write it as %40.")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise LedgerError(f"The ledger {shown(url)} has to be on SQLite or PostgreSQL.")
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise LedgerError("The ledger has to be a file: what is in memory does not outlive a crash.")
    return url


def shown(url: URL | str) -> str:
    """The URL as people may see it: the password and the options, which may hold one too, are left out."""
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def sqlite(url: URL, busy_s: float, file: SqliteFile) -> AsyncEngine:
    """An engine on a file, which is remembered with the first connection."""
    engine = _create(url, connect_args={"timeout": busy_s})

    def prepare(connection: Any, _record: object) -> None:
        # Transactions are in our own hands, and each commit is on the disk before it returns.
        connection.isolation_level = None
        cursor = connection.cursor()
        _keep_a_log(cursor, busy_s)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        file.remember(cursor)
        cursor.close()

    def begin(connection: Connection) -> None:
        # One that writes takes its turn now, since a lock taken half-way can fail half-way.
        connection.exec_driver_sql("BEGIN" if _is_reading(connection) else "BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _keep_a_log(cursor: Any, busy_s: float) -> None:
    """Switch to WAL. Where several open a new file SQLite says at once that it is locked, and waits for nobody."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            await_only(asyncio.sleep(0.02))
        else:
            return


def postgresql(url: URL, busy_s: float) -> AsyncEngine:
    """An engine on PostgreSQL, also behind PgBouncer: it prepares nothing, and sets nothing beyond a transaction."""
    options: dict[str, Any] = {
        "prepare_threshold": None,
        "connect_timeout": max(2, math.ceil(busy_s)),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
        "application_name": "tandem",
    }
    given = {name: value for name, value in options.items() if name not in url.query}
    # Whatever the database's default is: one that writes has to see what was committed while it waited for its turn.
    engine = _create(url, connect_args=given, pool_pre_ping=True, isolation_level="READ COMMITTED")

    def begin(connection: Connection) -> None:
        if not _is_reading(connection):
            connection.exec_driver_sql(
                f"SELECT set_config('lock_timeout', '{math.ceil(busy_s * 1000)}', true), "
                f"set_config('idle_in_transaction_session_timeout', '{_STALLED_MS}', true), "
                f"pg_advisory_xact_lock({_POSTGRESQL_LOCK})"
            )

    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _create(url: URL, **options: Any) -> AsyncEngine:
    # A decision is an INSERT whose count of rows says whether it counts; without this, PostgreSQL's is not kept.
    counting = {"preserve_rowcount": True}
    try:
        return create_async_engine(url, hide_parameters=True, execution_options=counting, **options)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise LedgerError(f"The ledger {shown(url)} names a driver that is not there; {_EXAMPLES}.") from error


def _is_reading(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reading", False))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
