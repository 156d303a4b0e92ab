"""The audit: append-only by triggers, each row chained to the one before by its hash.

A row's hash covers its own text and the hash of the row before it, so that a changed, removed or reordered row shows,
in the database as well as in an export. ``audit_head`` remembers the last one, so that a removed end shows too, unless
that was changed with it: then only a hash that was noted elsewhere tells.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC

from sqlalchemy import RowMapping, Select, insert, select, update

from bot.ledger.database import Transaction
from bot.ledger.errors import UnknownRequest
from bot.ledger.records import ALL, Origin, Person
from bot.ledger.tables import audit, audit_head, storable

START = "0" * 64
"""What the first row names as the hash before it."""

_PAGE = 1000
"""Rows that are in memory at a time."""


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

    def columns(self) -> dict[str, int | str]:
        """Every column by its name."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def digest(self) -> str:
        """The hash that the row has to have: SHA-256 over the canonical JSON of all its other columns."""
        content = self.columns()
        del content["hash"]
        return hashlib.sha256(canonical(content).encode()).hexdigest()


_COLUMNS = tuple(field.name for field in fields(AuditRow))


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """How many rows were found in order, the hash of the last of them, and what is wrong with the one that follows.

    ``noted_at`` is the number of the row whose hash somebody had noted, once it was found.
    """

    rows: int = 0
    hash: str = START
    problem: str | None = None
    noted_at: int | None = None


_NOTHING = AuditCheck()


def canonical(value: object) -> str:
    """JSON with sorted keys and no blanks: the same text for the same value, always."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def row_of(columns: object) -> AuditRow | None:
    """The row with these columns; ``None`` where they are not a row's: one is missing, added or of another type."""
    if not isinstance(columns, Mapping) or set(columns) != set(_COLUMNS):
        return None
    row = AuditRow(**columns)
    texts = (value for name, value in row.columns().items() if name != "number")
    whole = type(row.number) is int and all(isinstance(value, str) for value in texts)
    return row if whole else None


def verify_rows(rows: Iterable[AuditRow | None], before: AuditCheck = _NOTHING, noted: str | None = None) -> AuditCheck:
    """Go through rows and stop at the first that is not as it was written.

    Args:
        rows: as they are stored, in the database or in an export; ``None`` for what is no longer a row.
        before: what was found in the rows before these, where not all are in memory at once.
        noted: the hash that an earlier check told, to be looked for.
    """
    check = before
    for row in () if before.problem else rows:
        if row is None or (problem := _problem(row, check.rows, check.hash)):
            return replace(check, problem=_unreadable(check.rows + 1) if row is None else problem)
        check = AuditCheck(row.number, row.hash, noted_at=row.number if row.hash == noted else check.noted_at)
    return check


def compared(check: AuditCheck, noted: str | None) -> AuditCheck:
    """Whether the hash that somebody had noted was found: if not, rows were cut off, or all was written anew."""
    if noted is None or check.problem or check.noted_at is not None:
        return check
    if noted == START:  # It was noted when there was no row yet.
        return replace(check, noted_at=0)
    problem = (
        f"No row of the audit has the hash that was noted, {noted}: the end was cut off since, or rows were written "
        f"anew. What is there ends with row {check.rows}."
    )
    return replace(check, problem=problem)


async def append(tx: Transaction, kind: str, who: Person, what: str, /, **details: object) -> None:
    """Add a row in the transaction that does what it tells of; ``details`` are values that JSON knows."""
    if who.origin is not Origin.SLACK:
        details["origin"] = who.origin
    if who.as_of is not None:
        details["as_slack_said_at"] = who.as_of.astimezone(UTC).isoformat(timespec="seconds")
    head = (await tx.connection.execute(select(audit_head))).one()
    at = tx.now.astimezone(UTC).isoformat(timespec="microseconds")
    who_id, name, told = map(storable, (who.id, who.name, what))  # The hash is that of what is stored.
    row = AuditRow(head.number + 1, at, kind, who_id, name, told, canonical(details), head.hash, hash="")
    digest = row.digest()
    await tx.connection.execute(insert(audit).values(row.columns() | {"hash": digest}))
    await tx.connection.execute(update(audit_head).values(number=row.number, hash=digest))


async def trail(tx: Transaction, after: int, limit: int) -> tuple[AuditRow, ...]:
    """The rows that follow number ``after``, at most ``limit`` of them, the oldest first."""
    return tuple(AuditRow(**row) for row in await _rows(tx, _ordered().where(audit.c.number > after).limit(limit)))


async def pages(tx: Transaction) -> AsyncIterator[tuple[AuditRow | None, ...]]:
    """All rows, the oldest first, so many at a time as memory bears; ``None`` for what is no longer a row."""
    await _take_any_text(tx)
    query = _ordered().limit(_PAGE)
    page = await _rows(tx, query)
    while page:
        yield tuple(row_of(row) for row in page)
        page = await _rows(tx, query.where(audit.c.number > page[-1]["number"]))


async def about(tx: Transaction, request_id: str) -> tuple[AuditRow, ...]:
    """What the audit holds of a request, and what was told of its target meanwhile, the oldest first.

    Raises:
        UnknownRequest: it holds nothing of it.
    """
    await _take_any_text(tx)
    own = [row for row in map(row_of, await _rows(tx, _ordered().where(audit.c.what == request_id))) if row]
    if not own:
        raise UnknownRequest(request_id)
    meanwhile = audit.c.number.between(own[0].number, own[-1].number) & audit.c.what.in_((_target(own[0]), ALL))
    rows = await _rows(tx, _ordered().where((audit.c.what == request_id) | meanwhile))
    return tuple(row for row in map(row_of, rows) if row)


async def verify(tx: Transaction, noted: str | None = None) -> AuditCheck:
    """Go through the whole chain and name the first row that is not as it was written; see ``verify_rows``."""
    check = _NOTHING
    async for page in pages(tx):
        check = verify_rows(page, check, noted)
    return compared(await ended(tx, check), noted)


async def ended(tx: Transaction, check: AuditCheck) -> AuditCheck:
    """Whether the last row that was found is the last one that was written."""
    head = (await tx.connection.execute(select(audit_head))).one_or_none()
    if check.problem or (head is not None and (head.number, head.hash) == (check.rows, check.hash)):
        return check
    if head is None:
        wrong = "nothing says any more which row was the last one"
    elif head.number > check.rows:
        wrong = f"row {head.number} was the last one: the end was removed"
    else:
        wrong = f"row {head.number} was the last one that Tandem wrote: rows were replaced or added"
    return replace(check, problem=f"The audit ends with row {check.rows}, but {wrong}.")


def _ordered() -> Select[tuple[object, ...]]:
    return select(audit).order_by(audit.c.number)


async def _rows(tx: Transaction, query: Select[tuple[object, ...]]) -> Sequence[RowMapping]:
    return (await tx.connection.execute(query)).mappings().all()


async def _take_any_text(tx: Transaction) -> None:
    """Read also what is not UTF-8: whoever put it into a row must not keep the others from being looked at."""
    if tx.connection.dialect.name == "sqlite":
        raw = (await tx.connection.get_raw_connection()).driver_connection
        if raw is not None:
            raw.text_factory = lambda text: text.decode("utf-8", "surrogateescape")


def _target(row: AuditRow) -> str | None:
    try:
        details = json.loads(row.details)
    except (ValueError, RecursionError):  # Somebody changed the row: what it says of the target is lost.
        return None
    target = details.get("target") if isinstance(details, dict) else None
    return target if isinstance(target, str) else None


def _unreadable(number: int) -> str:
    return f"Row {number} of the audit is not as Tandem writes one: it was changed, cut off, or put in another form."


def _problem(row: AuditRow, last: int, previous: str) -> str | None:
    if row.number > last + 1:
        return f"Row {last + 1} of the audit is missing or was moved: row {row.number} comes after row {last}."
    if row.number <= last:
        return f"Row {row.number} of the audit was repeated or moved: it comes after row {last}."
    if row.hash != row.digest():
        return f"Row {row.number} of the audit was changed: its hash is not that of its text."
    if row.previous != previous:
        return f"Row {row.number} of the audit does not follow row {last}: one of them was replaced or moved."
    return None
