"""Tells the audit who may do what, whenever that is no longer as it was when the audit was last told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from bot.ledger import audit
from bot.ledger.chain import row_of, told
from bot.ledger.database import Database, Transaction
from bot.ledger.records import ALL, TANDEM
from bot.ledger.tables import audit as rows

KIND = "policy.changed"
_NONE = "nothing"


class Policies:
    """The policies that the audit has been told, one row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, policy: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Write the policy down, unless the last one that was written down is the same.

        Args:
            policy: values that JSON knows; no secrets.

        Returns:
            What is different, a line each; all of it where none was written down before. ``None`` where it is the same.
        """
        async with self._database.writing() as tx:
            _, before = await _last(tx)
            lines = difference(before, policy)
            if before is not None and not lines:
                return None
            await _write(tx, policy, lines)
            return lines


async def retell(tx: Transaction, number: int) -> None:
    """Write the last policy down again, if the row that tells it is none after this number: the others are removed."""
    at, policy = await _last(tx)
    if policy is not None and at <= number:
        await _write(tx, policy, ())


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[str, ...]:
    """What is not the same in two nested mappings, a line for each value: ``rules.0.approvals: was 2, is now 1``."""
    old, new = dict(_values(before or {})), dict(_values(after))
    names = [*new, *(name for name in old if name not in new)]
    changed = [name for name in names if old.get(name, _NONE) != new.get(name, _NONE)]
    return tuple(f"{name}: was {old.get(name, _NONE)}, is now {new.get(name, _NONE)}" for name in changed)


async def _write(tx: Transaction, policy: Mapping[str, Any], lines: Sequence[str]) -> None:
    digest = hashlib.sha256(audit.canonical(policy).encode()).hexdigest()
    await audit.append(tx, KIND, TANDEM, ALL, hash=digest, difference=list(lines), policy=dict(policy))


async def _last(tx: Transaction) -> tuple[int, Mapping[str, Any] | None]:
    """The last policy and the number of its row; none where somebody changed that row: the audit says so."""
    query = select(rows).where(rows.c.kind == KIND).order_by(rows.c.number.desc()).limit(1)
    row = next(map(row_of, (await tx.connection.execute(query)).mappings()), None)
    policy = told(row).get("policy") if row is not None else None
    return (row.number, policy) if row is not None and isinstance(policy, dict) else (0, None)


def _values(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name in sorted(value):
            yield from _values(value[name], f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value):
            yield from _values(one, f"{path}.{number}")
    else:
        yield path, (", ".join(map(str, value)) or _NONE) if isinstance(value, list | tuple) else str(value)
