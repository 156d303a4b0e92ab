"""Freezes, and lifted cooldowns: who set them, for which target, when and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Table, delete, insert, select

from bot.ledger import audit, messages
from bot.ledger.database import Database, Transaction
from bot.ledger.records import ALL, Freeze, Person
from bot.ledger.tables import freezes, lifts


@dataclass(frozen=True, slots=True)
class News:
    """What the channels of a target are told; ``channel`` is told besides.

    ``text`` makes the sentence, from the freeze that was taken away and those that still count.
    """

    text: Callable[[Freeze | None, tuple[Freeze, ...]], str]
    channel: str | None = None


class Freezes:
    """What is frozen. A target's own freeze and that of all targets stand beside each other; either is enough."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def freeze(self, target: str, person: Person, reason: str, news: News | None = None) -> Freeze | None:
        """Freeze a target, or all (``*``); where it is so already nothing is changed, and that freeze is returned.

        Args:
            target: its name, or ``*``.
            person: who freezes it.
            reason: why.
            news: what the channels of the target are told of it.
        """
        async with self._database.writing() as tx:
            before = next((one for one in await _on(tx, target) if one.target == target), None)
            if before is None:
                await _set(tx, freezes, target, person, reason)
                await _tell(tx, target, news, None)
            await audit.append(tx, "target.freeze", person, target, counts=before is None, reason=reason)
            return before

    async def thaw(
        self, target: str, person: Person, reason: str, news: News | None = None, *, lift: bool
    ) -> Freeze | None:
        """Take the freeze of exactly this name away, and with ``lift`` end the cooldowns that are on now.

        Returns:
            The freeze that was taken away; ``None`` where there was none.
        """
        async with self._database.writing() as tx:
            before = next((one for one in await _on(tx, target) if one.target == target), None)
            await tx.connection.execute(delete(freezes).where(freezes.c.target == target))
            await audit.append(tx, "target.thaw", person, target, counts=before is not None, reason=reason)
            if lift:
                await _set(tx, lifts, target, person, reason)
                await audit.append(tx, "cooldown.lift", person, target, reason=reason)
            if before is not None or lift:
                await _tell(tx, target, news, before)
            return before

    async def on(self, target: str | None = None) -> tuple[Freeze, ...]:
        """The freezes that count for a target, that of all targets among them; without a name, every one."""
        async with self._database.reading() as tx:
            return await _on(tx, target)

    async def why_not(self, target: str) -> str | None:
        """Why nothing that changes begins on this target; ``None`` where it is not frozen."""
        async with self._database.reading() as tx:
            return await why_not(tx, target)


async def why_not(tx: Transaction, target: str) -> str | None:
    """The same within the transaction that begins a run."""
    found = await _on(tx, target)
    return " ".join(one.why_not(target) for one in found) or None


async def _on(tx: Transaction, target: str | None) -> tuple[Freeze, ...]:
    query = select(freezes).order_by(freezes.c.at)
    if target is not None:
        query = query.where(freezes.c.target.in_((target, ALL)))
    rows = (await tx.connection.execute(query)).mappings().all()
    return tuple(Freeze(row["target"], Person(row["by_id"], row["by_name"]), row["reason"], row["at"]) for row in rows)


async def _tell(tx: Transaction, target: str, news: News | None, before: Freeze | None) -> None:
    if news is not None:
        left = await _on(tx, None if target == ALL else target)
        await messages.announce(tx, target, news.text(before, left), news.channel)


async def _set(tx: Transaction, table: Table, target: str, person: Person, reason: str) -> None:
    await tx.connection.execute(delete(table).where(table.c.target == target))
    row = {"target": target, "by_id": person.id, "by_name": person.name, "reason": reason, "at": tx.now}
    await tx.connection.execute(insert(table).values(row))
