"""The audit: append-only by triggers, each row chained to the one before by its hash; see ``chain``.

``audit_head`` remembers the last row, so that a removed end shows too, unless that was changed with it: then only a
hash that was noted elsewhere tells. It also remembers where the chain begins, once its oldest rows were pruned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC

from sqlalchemy import RowMapping, Select, insert, select, update

from bot.ledger import chain
from bot.ledger.chain import AuditCheck, AuditRow, canonical
from bot.ledger.columns import storable
from bot.ledger.database import Transaction
from bot.ledger.errors import UnknownRequest
from bot.ledger.records import ALL, Origin, Person
from bot.ledger.tables import audit, audit_head

__all__ = [
    "AuditCheck",
    "AuditRow",
    "about",
    "append",
    "append_all",
    "begun",
    "canonical",
    "ended",
    "pages",
    "trail",
    "verify",
]

_PAGE = 1000
"""Rows that are in memory at a time."""


async def append(tx: Transaction, kind: str, who: Person, what: str, /, **details: object) -> None:
    """Add a row in the transaction that does what it tells of; ``details`` are values that JSON knows."""
    await append_all(tx, kind, who, {what: details})


async def append_all(tx: Transaction, kind: str, who: Person, facts: Mapping[str, Mapping[str, object]]) -> None:
    """The same for several at once: by what each is about, its details."""
    if not facts:
        return
    more: dict[str, object] = {} if who.origin is Origin.SLACK else {"origin": who.origin}
    if who.as_of is not None:
        more["as_slack_said_at"] = who.as_of.astimezone(UTC).isoformat(timespec="seconds")
    head = (await tx.connection.execute(select(audit_head))).one()
    at = tx.now.astimezone(UTC).isoformat(timespec="microseconds")
    number, digest, rows = head.number, head.hash, []
    for what, details in facts.items():
        who_id, name, told = map(storable, (who.id, who.name, what))  # The hash is that of what is stored.
        row = AuditRow(number + 1, at, kind, who_id, name, told, canonical({**details, **more}), digest, hash="")
        number, digest = row.number, row.digest()
        rows.append(row.columns() | {"hash": digest})
    await tx.connection.execute(insert(audit), rows)
    await tx.connection.execute(update(audit_head).values(number=number, hash=digest))


async def trail(tx: Transaction, after: int, limit: int) -> tuple[AuditRow, ...]:
    """The rows that follow number ``after``, at most ``limit`` of them, the oldest first."""
    return tuple(AuditRow(**row) for row in await _rows(tx, _ordered().where(audit.c.number > after).limit(limit)))


async def pages(tx: Transaction) -> AsyncIterator[tuple[AuditRow | None, ...]]:
    """All rows, the oldest first, so many at a time as memory bears; ``None`` for what is no longer a row."""
    await _take_any_text(tx)
    query = _ordered().limit(_PAGE)
    page = await _rows(tx, query)
    while page:
        yield tuple(chain.row_of(row) for row in page)
        page = await _rows(tx, query.where(audit.c.number > page[-1]["number"]))


async def about(tx: Transaction, request_id: str) -> tuple[AuditRow, ...]:
    """What the audit holds of a request, and what was told of its target meanwhile, the oldest first.

    Raises:
        UnknownRequest: it holds nothing of it.
    """
    await _take_any_text(tx)
    own = [row for row in map(chain.row_of, await _rows(tx, _ordered().where(audit.c.what == request_id))) if row]
    if not own:
        before = (await begun(tx)).before
        raise UnknownRequest(request_id, *([f"the first {before} rows of the audit were pruned"] if before else []))
    meanwhile = audit.c.number.between(own[0].number, own[-1].number) & audit.c.what.in_((_target(own[0]), ALL))
    rows = await _rows(tx, _ordered().where((audit.c.what == request_id) | meanwhile))
    return tuple(row for row in map(chain.row_of, rows) if row)


async def verify(tx: Transaction, noted: str | None = None) -> AuditCheck:
    """Go through the whole chain and name the first row that is not as it was written; see ``chain.verify_rows``."""
    check = await begun(tx)
    async for page in pages(tx):
        check = chain.verify_rows(page, check, noted)
    return chain.compared(await ended(tx, check), noted)


async def begun(tx: Transaction) -> AuditCheck:
    """The check before the first row, where ``audit_head`` says that it is."""
    head = (await tx.connection.execute(select(audit_head))).one_or_none()
    return AuditCheck() if head is None else chain.begun(head.first_number - 1, head.first_previous)


async def ended(tx: Transaction, check: AuditCheck) -> AuditCheck:
    """Whether the chain begins where it has to, and the last row that was found is the last one that was written."""
    check = chain.rooted(check)
    head = (await tx.connection.execute(select(audit_head))).one_or_none()
    if check.problem or (head is not None and (head.number, head.hash) == (check.last, check.hash)):
        return check
    if head is None:
        wrong = "nothing says any more which row was the last one"
    elif head.number > check.last:
        wrong = f"row {head.number} was the last one: the end was removed"
    else:
        wrong = f"row {head.number} was the last one that Tandem wrote: rows were replaced or added"
    return replace(check, problem=f"The audit ends with row {check.last}, but {wrong}.")


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
    target = chain.told(row).get("target")  # Where somebody changed the row, what it says of the target is lost.
    return target if isinstance(target, str) else None
