"""Removes what is over and old: requests with all of theirs, tokens, messages, incidents, the oldest audit rows.

The audit loses a prefix, never a row in the middle. It ends before the first row that is young, or that belongs to a
request or a token that stays: what may still be asked about keeps its past. A new row tells what went, and
``audit_head`` remembers where the chain begins since.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, ColumnElement, and_, delete, exists, func, or_, select, update

from actions.kit.errors import Refused
from bot.ledger import audit, policies, schema
from bot.ledger.chain import PRUNED, AuditRow
from bot.ledger.database import Clock, Database, Transaction
from bot.ledger.records import Person, RequestState
from bot.ledger.tables import alerts, audit_head, debts, incidents, metadata, outbox, requests, reviews, runs, tokens
from bot.ledger.tables import audit as audit_rows

LEAST = timedelta(days=30)
"""Nothing that is younger is removed: cooldowns, approvals and tokens still go by it."""

_OPEN = (RequestState.WAITING, RequestState.APPROVED, RequestState.RUNNING)
_AT_ONCE = 500
"""Ids in one statement: databases limit them."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What can go: all that was over at ``cutoff``, and the ``rows`` rows of the audit up to number ``last``.

    ``hash``: that of the last of these rows.
    """

    cutoff: datetime
    requests: tuple[str, ...]
    tokens: tuple[str, ...]
    messages: tuple[int, ...]
    incidents: tuple[str, ...]
    rows: int
    last: int
    hash: str

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.requests or self.tokens or self.messages or self.incidents or self.rows)


class Pruner:
    """Looks what can go, hands it out, and removes it. Made by ``open``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, clock: Clock | None = None) -> AsyncIterator[Pruner]:
        """On the ledger at this URL.

        Raises:
            LedgerError: it cannot be used, is no ledger, or another version wrote it.
        """
        database = Database(url, clock=clock)
        try:
            await schema.require(database)
            yield cls(database)
        finally:
            await database.aclose()

    async def planned(self, older_than: timedelta) -> Pruning:
        """What can go, after the whole audit was verified.

        Raises:
            Refused: the audit is not in order: what shows that would be gone with its oldest rows.
        """
        async with self._database.reading() as tx:
            check = await audit.verify(tx)
            if check.problem:
                raise Refused(f"The audit is not in order, so that nothing is removed from it. {check.problem}")
            cutoff = tx.now - older_than
            closed = incidents.c.closed_at < cutoff
            last = max(await _last(tx, cutoff), check.before)
            row = next(iter(await audit.trail(tx, last - 1, 1)), None) if last > check.before else None
            return Pruning(
                cutoff,
                tuple((await tx.connection.execute(select(requests.c.id).where(_over(cutoff)))).scalars()),
                tuple((await tx.connection.execute(select(tokens.c.id).where(_ended(cutoff)))).scalars()),
                tuple((await tx.connection.execute(select(outbox.c.id).where(_shown(cutoff)))).scalars()),
                tuple((await tx.connection.execute(select(incidents.c.id).where(closed))).scalars()),
                rows=last - check.before,
                last=last,
                hash=row.hash if row is not None else check.beginning,
            )

    async def rows(self, pruning: Pruning) -> AsyncIterator[AuditRow]:
        """The rows of the audit that go, the oldest first."""
        async with self._database.reading() as tx:
            number = pruning.last - pruning.rows
            while number < pruning.last:
                for row in await audit.trail(tx, number, min(1000, pruning.last - number)):
                    yield row
                    number = row.number

    async def carry_out(self, pruning: Pruning, person: Person, **details: object) -> None:
        """Remove it all, or nothing.

        Args:
            pruning: as it was planned.
            person: who does it.
            details: what else the audit has to tell of it.

        Raises:
            Refused: it was removed by somebody else meanwhile.
        """
        async with self._database.writing(at_length=True) as tx:
            if pruning.rows and not any(row.hash == pruning.hash for row in await audit.trail(tx, pruning.last - 1, 1)):
                raise Refused("Somebody else has pruned this ledger meanwhile; nothing was removed now.")
            for column in _of_requests():
                await _remove(tx, column, pruning.requests)
            await _remove(tx, tokens.c.id, pruning.tokens)
            await _remove(tx, outbox.c.id, pruning.messages)
            await _remove(tx, alerts.c.incident_id, pruning.incidents)
            await _remove(tx, incidents.c.id, pruning.incidents)
            await policies.retell(tx, pruning.last)
            told = {"number": pruning.last, "hash": pruning.hash, "rows": pruning.rows} | details
            counts = {"requests": len(pruning.requests), "tokens": len(pruning.tokens)}
            before = pruning.cutoff.astimezone(UTC).isoformat(timespec="seconds")
            await audit.append(tx, PRUNED, person, "audit", before=before, **told, **counts)
            await _cut(tx, pruning)


async def _cut(tx: Transaction, pruning: Pruning) -> None:
    """Let the chain begin later; only then do the triggers let go of the rows before."""
    begins = {"first_number": pruning.last + 1, "first_previous": pruning.hash}
    await tx.connection.execute(update(audit_head).values(begins))
    await tx.connection.execute(delete(audit_rows).where(audit_rows.c.number <= pruning.last))


async def _last(tx: Transaction, cutoff: datetime) -> int:
    """The number of the last row that can go."""
    stays = or_(
        audit_rows.c.at >= cutoff.astimezone(UTC).isoformat(timespec="microseconds"),
        audit_rows.c.what.in_(select(requests.c.id).where(~_over(cutoff))),
        audit_rows.c.what.in_(select(tokens.c.id).where(~_ended(cutoff))),
    )
    first = (await tx.connection.execute(select(func.min(audit_rows.c.number)).where(stays))).scalar()
    if first is not None:
        return int(first) - 1
    return int((await tx.connection.execute(select(audit_head.c.number))).scalar_one())


def _over(cutoff: datetime) -> ColumnElement[bool]:
    """The request can take no decision since then, its run has ended, its settings are back, its review is signed."""
    young_run = exists().where(runs.c.id == requests.c.id, _not_before(runs.c.ended_at, cutoff))
    young_debt = exists().where(debts.c.run_id == requests.c.id, _not_before(debts.c.paid_at, cutoff))
    young_review = exists().where(reviews.c.request_id == requests.c.id, _not_before(reviews.c.signed_at, cutoff))
    return and_(requests.c.state.not_in(_OPEN), requests.c.expires_at < cutoff, ~young_run, ~young_debt, ~young_review)


def _ended(cutoff: datetime) -> ColumnElement[bool]:
    revoked = and_(tokens.c.revoked_at.is_not(None), tokens.c.revoked_at < cutoff)
    return or_(tokens.c.expires_at < cutoff, revoked)


def _shown(cutoff: datetime) -> ColumnElement[bool]:
    """A message that belongs to no request, and that nobody waits for any more."""
    settled = or_(outbox.c.shown >= outbox.c.wanted, outbox.c.gone.is_not(None))
    return and_(outbox.c.request_id.is_(None), outbox.c.created_at < cutoff, settled)


def _not_before(column: Column[datetime | None], cutoff: datetime) -> ColumnElement[bool]:
    return or_(column.is_(None), column >= cutoff)


def _of_requests() -> Iterator[Column[str]]:
    """The columns that name a request, those that others refer to last."""
    for table in reversed(metadata.sorted_tables):
        yield from (
            column for column in table.c if any(key.column.table in {requests, runs} for key in column.foreign_keys)
        )
    yield requests.c.id


async def _remove(tx: Transaction, column: Column[str] | Column[int], ids: tuple[str, ...] | tuple[int, ...]) -> None:
    for start in range(0, len(ids), _AT_ONCE):
        await tx.connection.execute(delete(column.table).where(column.in_(ids[start : start + _AT_ONCE])))
