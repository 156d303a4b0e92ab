"""The bots that work on one ledger: which of them live, and whether they go by the same settings.

Each writes down every few seconds that it lives. One that was not heard of for the length of a lease does not count,
nor does a process of this host that is gone. Settings are compared by hashes of their parts: no value is stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from bot.ledger import audit
from bot.ledger.database import Database, Transaction
from bot.ledger.owner import is_gone
from bot.ledger.tables import replicas

_KEPT = timedelta(days=1)
"""How long one that is not heard of any more stays in the table."""

Hashes = Mapping[str, str]
"""A hash for each part of the settings, by words for people."""


class Replicas:
    """Made by ``Ledger``.

    Args:
        database: where they are written down.
        owner: this process.
        lasts: how long one that is silent counts as alive.
    """

    def __init__(self, database: Database, owner: str, lasts: timedelta) -> None:
        self._database = database
        self._owner = owner
        self._lasts = lasts

    async def beat(self, settings: Hashes) -> None:
        """This process is a bot, goes by these settings, and lives."""
        text = audit.canonical(dict(settings))
        async with self._database.writing() as tx:
            mine = replicas.c.owner == self._owner
            seen = await tx.connection.execute(update(replicas).where(mine).values(settings=text, seen_at=tx.now))
            if seen.rowcount:
                return
            await tx.connection.execute(delete(replicas).where(replicas.c.seen_at < tx.now - _KEPT))
            row = {"owner": self._owner, "settings": text, "seen_at": tx.now}
            await tx.connection.execute(insert(replicas).values(row))

    async def leave(self) -> None:
        """This process ends, and nobody has to reckon with it any more."""
        async with self._database.writing() as tx:
            await tx.connection.execute(delete(replicas).where(replicas.c.owner == self._owner))

    async def others(self) -> tuple[str, ...]:
        """The other bots that live, as people know them: by host and process."""
        async with self._database.reading() as tx:
            return tuple(_name(owner) for owner, _ in await self._living(tx))

    async def differing(self, settings: Hashes) -> str | None:
        """Which other bot goes by different settings, and what differs, in a sentence; ``None`` where all agree."""
        async with self._database.reading() as tx:
            living = await self._living(tx)
        for owner, theirs in living:
            parts = [part for part in dict.fromkeys([*settings, *theirs]) if settings.get(part) != theirs.get(part)]
            if parts:
                return (
                    f"Two bots go by different settings, {_name(self._owner)} and {_name(owner)}: {', '.join(parts)}. "
                    "Nothing that changes anything begins until all go by the same; end one, or restart it."
                )
        return None

    async def _living(self, tx: Transaction) -> Sequence[tuple[str, Hashes]]:
        recent = (replicas.c.owner != self._owner) & (replicas.c.seen_at > tx.now - self._lasts)
        rows = (await tx.connection.execute(select(replicas).where(recent).order_by(replicas.c.owner))).all()
        return [(row.owner, json.loads(row.settings)) for row in rows if not is_gone(row.owner, self._owner)]


def _name(owner: str) -> str:
    place, pid, _ = owner.rsplit(":", 2)
    return f"process {pid} on {place.partition('/')[0]}"
