"""What Slack said of people and user groups, and when. Whoever is said to be deactivated loses their tokens at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Table, delete, insert, select

from bot.directory import Human
from bot.ledger.database import Database, Transaction
from bot.ledger.tables import people, usergroups
from bot.ledger.tokens import end_all_of

FRESH_FOR = timedelta(seconds=50)
"""The same answer is written down no more often than this."""

Groups = Mapping[str, tuple[str, ...]]
"""The members of user groups, by the group's id."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that is remembered, with the time at which Slack said so."""

    humans: Mapping[str, tuple[Human, datetime]]
    groups: Mapping[str, tuple[tuple[str, ...], datetime]]
    now: datetime

    def stale(self, ids: Iterable[str], known: Mapping[str, tuple[object, datetime]]) -> list[str]:
        """Those that were never heard of or not lately, the longest ago first."""
        late = [one for one in dict.fromkeys(ids) if one not in known or known[one][1] <= self.now - FRESH_FOR]
        return sorted(late, key=lambda one: known[one][1].timestamp() if one in known else 0.0)


class People:
    """The people of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heard(self) -> Heard:
        """All that is remembered: the people named in the settings, and who has tokens."""
        async with self._database.reading() as tx:
            return await _heard(tx)

    async def remember(self, humans: Iterable[Human], groups: Groups) -> None:
        """Write down what Slack has just said, where it is new or the last time is a while ago."""
        said = [(people, people.c.id, asdict(human)) for human in humans]
        said += [
            (usergroups, usergroups.c.id, {"id": group, "members": json.dumps(members)})
            for group, members in groups.items()
        ]
        async with self._database.reading() as tx:  # Mostly it is known, and then nobody is kept from writing.
            new = [one for one in said if await _is_new(tx, *one)]
        if not new:
            return
        async with self._database.writing() as tx:
            for table, key, columns in new:
                await tx.connection.execute(delete(table).where(key == columns["id"]))
                await tx.connection.execute(insert(table).values(**columns, seen_at=tx.now))
                if columns.get("is_deleted"):
                    await end_all_of(tx, columns["id"], "since the account is deactivated")


async def _heard(tx: Transaction) -> Heard:
    humans = (await tx.connection.execute(select(people))).mappings().all()
    groups = (await tx.connection.execute(select(usergroups))).mappings().all()
    return Heard(
        humans={row["id"]: (Human(**{name: row[name] for name in _NAMES}), row["seen_at"]) for row in humans},
        groups={row["id"]: (tuple(json.loads(row["members"])), row["seen_at"]) for row in groups},
        now=tx.now,
    )


async def _is_new(tx: Transaction, table: Table, key: Column[Any], columns: Mapping[str, Any]) -> bool:
    row = (await tx.connection.execute(select(table).where(key == columns["id"]))).mappings().first()
    return row is None or row["seen_at"] <= tx.now - FRESH_FOR or any(row[name] != columns[name] for name in columns)


_NAMES = tuple(field.name for field in fields(Human))
