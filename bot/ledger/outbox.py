"""The outbox as senders use it: what is due, who sends it, what became of it.

Any number of senders, in any number of processes, work on one outbox. A message is claimed by a compare-and-set for as
long as its sending may take. What Slack answered is written down under the claim: who has lost it learns so.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from bot.ledger import messages
from bot.ledger.agenda import (
    Agenda,
    Due,
    Entry,
    Place,
    agenda_of,
    entry_of,
    pending,
    pending_without_bodies,
    place_of,
    ready_at,
)
from bot.ledger.database import Database, Transaction
from bot.ledger.errors import LedgerError
from bot.ledger.messages import Want
from bot.ledger.owner import is_gone
from bot.ledger.tables import outbox, requests
from bot.waiting import Together

LEASE = timedelta(seconds=30)
"""Longer than a call to Slack can take."""
_AT_ONCE = 1_000
"""Pending messages that are looked at together, the oldest first."""


_FREE: Mapping[str, object] = {"claimed_by": None, "claimed_until": None}


@dataclass(frozen=True, slots=True)
class _Stands:
    """What ``Outbox.shown`` is told."""

    entry: Entry
    place: Place
    rest_s: float
    then: tuple[Want, ...]

    def changes(self, now: datetime) -> dict[str, object]:
        return {
            **_FREE,
            "shown": self.entry.wanted,
            "place": self.place.channel,
            "ts": self.place.ts,
            "posts": self.entry.posts + (self.entry.place is None),
            "attempts": 0,
            "due_at": now + timedelta(seconds=self.rest_s),
        }


class Outbox:
    """The messages of one ledger."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._claims = Together(self._claim_all, LedgerError)
        self._shows = Together(self._show_all, LedgerError)

    @property
    def changed(self) -> asyncio.Event:
        """Set whenever this process has committed a message that has to be shown; the sender clears it."""
        return self._database.event(messages.TOPIC)

    async def told(self, person_id: str, text: str, request_id: str | None = None) -> None:
        """Tell one person something directly; see ``messages.tell``."""
        async with self._database.writing() as tx:
            await messages.tell(tx, person_id, text, request_id)

    async def announced(self, target: str, text: str) -> None:
        """Tell all channels of a target something; see ``messages.announce``."""
        async with self._database.writing() as tx:
            await messages.announce(tx, target, text)

    async def refresh(self, key: str) -> Place | None:
        """Have a message shown as it is now; says where it stands."""
        async with self._database.writing() as tx:
            await messages.again(tx, key)
        return await self.place(key)

    async def place(self, key: str) -> Place | None:
        """Where a message stands."""
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(select(outbox).where(outbox.c.key == key))).one_or_none()
            return None if row is None else place_of(row)

    async def agenda(self) -> Agenda:
        """What is due, in the order in which it was first wanted."""
        async with self._database.reading() as tx:
            rows = (await tx.connection.execute(pending_without_bodies().limit(_AT_ONCE))).all()
            return agenda_of(rows, tx.now, self._lost)

    async def claim(self, due: Due) -> Entry | None:
        """Take a message to send it; ``None`` where somebody else has it, or it has been shown."""
        return await self._claims(due)

    async def shown(self, entry: Entry, place: Place, rest_s: float = 0.0, then: Iterable[Want] = ()) -> bool:
        """It stands there as it was wanted when it was claimed.

        Args:
            entry: what was claimed.
            place: where Slack says that it stands.
            rest_s: how long it is left so even if it changes, in seconds.
            then: what has to follow it.

        Returns:
            False where the claim had lapsed and somebody else sends it.
        """
        return await self._shows(_Stands(entry, place, rest_s, tuple(then)))

    async def later(self, entry: Entry, wait_s: float, *, failed: bool = True, doubtful: bool = False) -> None:
        """It could not be sent; it is due again after so many seconds.

        ``failed``: it counts as an attempt, see ``hurry``. ``doubtful``: it may have been posted all the same.
        """
        async with self._database.writing() as tx:
            changes: dict[str, object] = {
                "attempts": entry.attempts + failed,
                "due_at": tx.now + timedelta(seconds=wait_s),
            }
            kept = {"claimed_by": entry.claim, "claimed_until": tx.now} if doubtful else {}
            await self._settle(tx, entry, **changes, **kept)

    async def missing(self, entry: Entry) -> None:
        """It was deleted in Slack: it is to be posted anew."""
        async with self._database.writing() as tx:
            await self._settle(tx, entry, place=None, ts=None)

    async def give_up(self, entry: Entry, why: str, *, unseen: bool = True) -> None:
        """It is never shown; ``why`` is Slack's word.

        ``unseen``: somebody misses it. Then whoever asked for the request reads it in a direct message from now on.
        """
        async with self._database.writing() as tx:
            gone = await self._settle(tx, entry, gone=why)
            requester = await _requester(tx, entry.request_id)
            if gone and unseen and requester not in {None, entry.channel}:
                await messages.want(tx, _direct(entry.request_id, requester, why))

    async def move(self, entry: Entry) -> None:
        """The message in whose thread it belongs cannot be shown: it goes below the direct message instead."""
        async with self._database.writing() as tx:
            requester = await _requester(tx, entry.request_id)
            direct = f"direct:{entry.request_id}"
            row = (await tx.connection.execute(select(outbox.c.gone).where(outbox.c.key == direct))).one_or_none()
            if requester is None or row is None or row.gone is not None:
                await self._settle(tx, entry, gone="nowhere")
            else:
                await self._settle(tx, entry, channel=requester, under=direct)

    async def spread(self, entry: Entry, channels: Sequence[str]) -> None:
        """It is for several channels: there is one of its own for each from now on."""
        async with self._database.writing() as tx:
            gone = None if channels else "bound to no channel"
            if await self._settle(tx, entry, shown=entry.wanted, gone=gone):
                for channel in channels:
                    await messages.new(tx, messages.of_channel(entry.key, entry.kind, channel, entry.body))

    async def hurry(self) -> None:
        """Slack takes messages again: what has failed since is due now."""
        async with self._database.writing() as tx:
            await messages.hurry(tx)

    async def _claim_all(self, dues: Sequence[Due]) -> list[Entry | None]:
        async with self._database.writing() as tx:
            query = pending().where(outbox.c.id.in_([due.id for due in dues]))
            rows = {row.id: row for row in await tx.connection.execute(query) if ready_at(row, self._lost) <= tx.now}
            claims = {row_id: f"{self._owner}/{secrets.token_hex(4)}" for row_id in rows}
            until = {"claimed_until": tx.now + LEASE}
            await _update(tx, {row_id: {"claimed_by": claim, **until} for row_id, claim in claims.items()})
            entries = {row_id: await entry_of(tx, row, claims[row_id]) for row_id, row in rows.items()}
            return [entries.pop(due.id, None) for due in dues]  # One that was asked for twice is given once.

    async def _show_all(self, standing: Sequence[_Stands]) -> list[bool]:
        async with self._database.writing() as tx:
            tx.topics.add(messages.TOPIC)
            query = select(outbox.c.claimed_by).where(outbox.c.id.in_([one.entry.id for one in standing]))
            held = set((await tx.connection.execute(query)).scalars())
            kept = [one for one in standing if one.entry.claim in held]
            await _update(tx, {one.entry.id: one.changes(tx.now) for one in kept})
            await messages.want_all(tx, [want for one in kept for want in one.then])
            return [one.entry.claim in held for one in standing]

    def _lost(self, claim: str) -> bool:
        return is_gone(claim.rpartition("/")[0], self._owner)

    async def _settle(self, tx: Transaction, entry: Entry, **changes: object) -> bool:
        """Write down what became of it, and give the claim back; says whether the claim still held."""
        tx.topics.add(messages.TOPIC)
        mine = (outbox.c.id == entry.id) & (outbox.c.claimed_by == entry.claim)
        return (await tx.connection.execute(update(outbox).where(mine).values({**_FREE, **changes}))).rowcount == 1


async def _update(tx: Transaction, changes: Mapping[int, Mapping[str, object]]) -> None:
    """Change several messages, the same columns of each."""
    if changes:
        rows = [{"entry_id": entry_id, **columns} for entry_id, columns in changes.items()]
        await tx.connection.execute(update(outbox).where(outbox.c.id == bindparam("entry_id")), rows)


async def _requester(tx: Transaction, request_id: str | None) -> str | None:
    query = select(requests.c.requester_id).where(requests.c.id == request_id)
    requester: str | None = (await tx.connection.execute(query)).scalar()
    return requester


def _direct(request_id: str | None, requester: str | None, why: str) -> Want:
    return Want(f"direct:{request_id}", "direct", requester or "", request_id, body={"why": why})
