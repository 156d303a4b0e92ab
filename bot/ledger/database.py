"""One database, whichever it is: how a transaction begins, what time it is, and that its errors are sentences.

Transactions that write come one after the other: the hash chain of the audit makes each depend on the one before, so
that nothing is lost by it, and every compare-and-set is the plain statement that it seems to be. ``now`` is read once
the transaction has its turn: nothing that waited for the lock past a deadline counts as in time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.ledger import engines, failures
from bot.ledger.errors import LedgerError
from bot.ledger.watcher import NOBODY, TransactionKind, Watcher

Clock = Callable[[], datetime]

SOME = 500
"""Values in one statement: databases limit them."""
_PATIENCE_S = 10.0
"""What a transaction may take beyond its wait for other processes: a server that hangs must not keep a run waiting,
nor the fence that it has put up."""


class _FileGoneError(LedgerError):
    """Its file is."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction, and the time at which it got its turn.

    ``asked_at``: when it began to wait for that. ``topics``: what it writes that others in this process wait for; see
    ``Database.event``.
    """

    connection: AsyncConnection
    now: datetime
    asked_at: datetime
    topics: set[str] = field(default_factory=set)


class Database:
    """Opens transactions on a database, and turns its errors into sentences.

    Args:
        url: for example ``sqlite+aiosqlite:///tandem.db``.
        busy_s: how long a transaction waits for other processes, in seconds.
        clock: what time it is; the default is the machine's, or PostgreSQL's own.
        watcher: is told of every transaction, and by those who use this of what they have committed.
    """

    def __init__(self, url: str, *, busy_s: float = 5.0, clock: Clock | None = None, watcher: Watcher = NOBODY) -> None:
        parsed = engines.parsed(url)
        self.name = engines.shown(parsed)
        self._file = engines.SqliteFile()
        self._limit_s = busy_s + _PATIENCE_S
        self._clock = clock
        self.watcher = watcher
        self._turn = asyncio.Lock()
        self._events: dict[str, asyncio.Event] = {}
        if parsed.get_backend_name() == "sqlite":
            self._writing = engines.sqlite(parsed, busy_s, self._file)
            self._reading = self._writing.execution_options(reading=True)  # It sees one state anyway.
        else:
            self._writing = engines.postgresql(parsed, busy_s)
            self._reading = self._writing.execution_options(reading=True, isolation_level="REPEATABLE READ")

    @asynccontextmanager
    async def writing(self, *, at_length: bool = False) -> AsyncIterator[Transaction]:
        """A transaction that writes: committed at the end, rolled back on any error.

        Args:
            at_length: it may take as long as it takes, once it has its turn.

        Raises:
            LedgerError: the database failed. An ``IntegrityError`` comes through as it is: it is an answer.
        """
        # In one process it is cheaper to queue than to ask the database again and again.
        waiting = asyncio.timeout(self._limit_s)
        since = time.monotonic()
        async with self._translated("write"), waiting as limit, self._turn, self._begun(self._writing, since) as tx:
            if at_length:
                limit.reschedule(None)
            yield tx
        for topic in tx.topics:
            self.event(topic).set()

    def event(self, topic: str) -> asyncio.Event:
        """Set when a transaction of this process that wrote something about the topic was committed."""
        return self._events.setdefault(topic, asyncio.Event())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A transaction that sees one consistent state and writes nothing.

        Raises:
            LedgerError: the database failed.
        """
        since = time.monotonic()
        async with self._translated("read"), AsyncExitStack() as stack:
            async with asyncio.timeout(self._limit_s):
                tx = await stack.enter_async_context(self._begun(self._reading, since))
            yield tx

    async def aclose(self) -> None:
        """Close every connection."""
        await self._writing.dispose()

    @asynccontextmanager
    async def _begun(self, engine: AsyncEngine, since: float) -> AsyncIterator[Transaction]:
        if self._file.gone:
            raise _FileGoneError(
                f"The ledger {self.name} was removed or replaced while Tandem had it open, and nothing is written "
                "beside it. Put the file back, or start Tandem anew on the one that is there."
            )
        async with engine.begin() as connection:
            now = await self._now(connection)
            waited_s = 0.0 if self._clock is not None else time.monotonic() - since  # A clock of its own stands still.
            yield Transaction(connection, now, now - timedelta(seconds=waited_s))

    async def _now(self, connection: AsyncConnection) -> datetime:
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name != "postgresql":
            return datetime.now(UTC)
        now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return now.astimezone(UTC)

    @asynccontextmanager
    async def _translated(self, kind: TransactionKind) -> AsyncIterator[None]:
        since, failed = time.monotonic(), True
        try:
            yield
            failed = False
        except IntegrityError:
            failed = False
            raise
        except SQLAlchemyError as error:
            raise LedgerError(f"The ledger {self.name} {failures.meaning(error)}.") from error
        except TimeoutError as error:
            raise LedgerError(f"The ledger {self.name} {failures.LOST}.") from error
        except _FileGoneError:
            raise
        except BaseException:  # What is done in it has failed, or was stopped: no fault of the ledger's.
            failed = False
            raise
        finally:
            self.watcher.transacted(kind, time.monotonic() - since, failed=failed)
