"""The chain of the audit: what a row is, what its hash covers, and which row is not as it was written. No I/O here.

A row's hash covers its own text and the hash of the row before it, so that a changed, removed or reordered row shows,
in the database as well as in an export. A chain need not begin with row 1: what was pruned is vouched for by a later
row of the same chain, which names the last row that went.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

START = "0" * 64
"""What the first row names as the hash before it."""

PRUNED = "audit.pruned"
"""The kind of row that tells which rows are gone: ``number`` and ``hash`` are those of the last one."""


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
    """What was found: the number and the hash of the last row in order, and what is wrong with the one that follows.

    ``noted_at``: the number of the row whose hash somebody had noted, once it was found. ``before``: the number of the
    row before the first one, 0 in a chain from the beginning; ``beginning``: its hash. ``vouched``: whether the rows
    before the first one are known to have been pruned, or to be elsewhere.
    """

    last: int = 0
    hash: str = START
    problem: str | None = None
    noted_at: int | None = None
    before: int = 0
    beginning: str = START
    vouched: bool = True

    @property
    def rows(self) -> int:
        """How many rows are in order."""
        return self.last - self.before


FROM_THE_START = AuditCheck()


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


def begun(before: int, beginning: str, *, vouched: bool = False) -> AuditCheck:
    """The check of a chain whose first row follows row ``before``, of which only the hash is known."""
    return AuditCheck(before, beginning, None, None, before, beginning, vouched or before == 0)


def verify_rows(
    rows: Iterable[AuditRow | None], before: AuditCheck = FROM_THE_START, noted: str | None = None
) -> AuditCheck:
    """Go through rows and stop at the first that is not as it was written.

    Args:
        rows: as they are stored, in the database or in an export; ``None`` for what is no longer a row.
        before: what was found in the rows before these, where not all are in memory at once.
        noted: the hash that an earlier check told, to be looked for.
    """
    check = before
    for row in () if before.problem else rows:
        if row is None or (problem := _problem(row, check.last, check.hash)):
            return replace(check, problem=_unreadable(check.last + 1) if row is None else problem)
        noted_at = row.number if row.hash == noted else check.noted_at
        check = replace(
            check, last=row.number, hash=row.hash, noted_at=noted_at, vouched=check.vouched or _vouches(row, check)
        )
    return check


def verify_export(rows: Iterator[AuditRow | None], noted: str | None = None, after: str | None = None) -> AuditCheck:
    """Go through the rows of an export, which may begin later than the audit did.

    Args:
        rows: as in ``verify_rows``.
        noted: as in ``verify_rows``.
        after: the last hash of the export that this one continues; without it a row has to vouch for what is missing.
    """
    first = next(rows, None)
    start = FROM_THE_START
    if first is not None and first.number > 1:
        start = begun(first.number - 1, first.previous, vouched=after == first.previous)
    if first is not None and after not in {None, first.previous}:
        problem = f"Row {first.number} of the audit, the first one here, does not follow the row with the hash {after}."
        return replace(start, problem=problem)
    return compared(rooted(verify_rows(itertools.chain((first,), rows), start, noted)), noted)


def rooted(check: AuditCheck) -> AuditCheck:
    """Whether the chain begins where it has to, once all of it was gone through."""
    if check.vouched:
        return check
    begins = f"it begins with row {check.before + 1}, and no row tells that those before it were pruned."
    if check.problem:
        return replace(check, problem=f"{check.problem} Also, {begins}")
    return replace(check, problem=f"Row 1 of the audit is missing or was moved: {begins}")


def compared(check: AuditCheck, noted: str | None) -> AuditCheck:
    """Whether the hash that somebody had noted was found: if not, rows were cut off, or all was written anew."""
    if noted is None or check.problem or check.noted_at is not None:
        return check
    if noted in {START, check.beginning}:  # It was noted when there was no row yet, or is that of the last pruned one.
        return replace(check, noted_at=0 if noted == START else check.before)
    pruned = f", unless it is that of one of the {check.before} rows that were pruned" if check.before else ""
    problem = (
        f"No row of the audit has the hash that was noted, {noted}: the end was cut off since, or rows were written "
        f"anew{pruned}. What is there ends with row {check.last}."
    )
    return replace(check, problem=problem)


def told(row: AuditRow) -> dict[str, Any]:
    """What the details of a row say; nothing where somebody changed them so that they say nothing any more."""
    try:
        details = json.loads(row.details)
    except (ValueError, RecursionError):
        return {}
    return details if isinstance(details, dict) else {}


def _vouches(row: AuditRow, check: AuditCheck) -> bool:
    if row.kind != PRUNED:
        return False
    details = told(row)
    return (details.get("number"), details.get("hash")) == (check.before, check.beginning)


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
