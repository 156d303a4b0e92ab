"""The audit: append-only by triggers, each row chained to the one before by its hash.

A row's hash covers its own text and the hash of the row before it, so that a changed, removed or reordered row shows,
in the database as well as in an export. ``audit_head`` remembers the last one, so that a removed end shows too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC

from sqlalchemy import insert, select, update

from bot.ledger.database import Transaction
from bot.ledger.records import Person
from bot.ledger.tables import audit, audit_head

START = "0" * 64
"""What the first row names as the hash before it."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row: ``who`` did ``kind`` to ``what`` (a request id or a target). ``details`` is canonical JSON."""

    number: int
    at: str
    kind: str
    who_id: str
    who_name: str
    what: str
    details: str
    previous: str
    hash: str

    def digest(self) -> str:
        """The hash that the row has to have: SHA-256 over the canonical JSON of all its other columns."""
        content = asdict(self)
        del content["hash"]
        return hashlib.sha256(canonical(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """How many rows were found in order, and what is wrong with the first that is not."""

    rows: int
    problem: str | None = None


def canonical(value: object) -> str:
    """JSON with sorted keys and no blanks: the same text for the same value, always."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


async def append(tx: Transaction, kind: str, who: Person, what: str, /, **details: object) -> None:
    """Add a row in the transaction that does what it tells of; ``details`` are values that JSON knows."""
    head = (await tx.connection.execute(select(audit_head))).one()
    at = tx.now.astimezone(UTC).isoformat(timespec="microseconds")
    row = AuditRow(head.number + 1, at, kind, who.id, who.name, what, canonical(details), head.hash, hash="")
    digest = row.digest()
    await tx.connection.execute(insert(audit).values({**asdict(row), "hash": digest}))
    await tx.connection.execute(update(audit_head).values(number=row.number, hash=digest))


async def trail(tx: Transaction, after: int, limit: int) -> tuple[AuditRow, ...]:
    """The rows that follow number ``after``, at most ``limit`` of them, the oldest first."""
    query = select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(limit)
    return tuple(AuditRow(**row) for row in (await tx.connection.execute(query)).mappings())


async def verify(tx: Transaction) -> AuditCheck:
    """Go through the whole chain and name the first row that is not as it was written."""
    last, previous = 0, START
    while rows := await trail(tx, last, 1000):
        for row in rows:
            if problem := _problem(row, last, previous):
                return AuditCheck(last, problem)
            last, previous = row.number, row.hash
    head = (await tx.connection.execute(select(audit_head))).one_or_none()
    if head is None or (head.number, head.hash) != (last, previous):
        ends = f"row {head.number}" if head else "a row that nothing names any more"
        return AuditCheck(last, f"The audit ends with row {last}, but {ends} was the last one: the end was removed.")
    return AuditCheck(last)


def verify_rows(rows: Iterable[AuditRow]) -> AuditCheck:
    """The same for rows from an export. A removed end cannot show here: nothing says where it was."""
    last, previous = 0, START
    for row in rows:
        if problem := _problem(row, last, previous):
            return AuditCheck(last, problem)
        last, previous = row.number, row.hash
    return AuditCheck(last)


def _problem(row: AuditRow, last: int, previous: str) -> str | None:
    if row.number != last + 1:
        return f"Row {last + 1} of the audit is missing: row {row.number} comes after row {last}."
    if row.hash != row.digest():
        return f"Row {row.number} of the audit was changed: its hash is not that of its text."
    if row.previous != previous:
        return f"Row {row.number} of the audit does not follow row {last}: one of them was replaced or moved."
    return None
