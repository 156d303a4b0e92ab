"""The outbox as senders use it: what is due, who sends it, what became of it.

Any number of senders, in any number of processes, work on one outbox. A message is claimed by a compare-and-set for as
long as its sending may take. What Slack answered is written down under the claim: who has lost it learns so.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select, update

from bot.ledger import messages
from bot.ledger.database import Database, Transaction
from bot.ledger.messages import Want
from bot.ledger.tables import outbox, requests

LEASE = timedelta(seconds=30)
"""Longer than a call to Slack can take."""
_AT_ONCE = 1_000
"""Pending messages that are looked at together, the oldest first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: a channel id and Slack's time stamp."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Due:
    """A message that can be sent now. ``lane``: what has the same lane comes one after the other."""

    id: int
    lane: str
    channel: str


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is due; how many messages that stand already wait for an update; in how many seconds more falls due."""

    due: tuple[Due, ...]
    updates: int
    next_s: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that this sender has claimed, as it was then.

    ``place``: where it stands; ``thread``: where the message stands in whose thread it belongs. ``homeless``: that one
    cannot be shown. ``doubtful``: nobody knows whether it was posted, since a sender was lost while it posted it.
    """

    id: int
    key: str
    kind: str
    request_id: str | None
    channel: str
    under: str | None
    body: Mapping[str, Any]
    wanted: int
    posts: int
    attempts: int
    created_at: datetime
    claim: str
    place: Place | None = None
    thread: Place | None = None
    homeless: bool = False
    doubtful: bool = False


class Outbox:
    """The messages of one ledger."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

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
            return None if row is None else _place(row)

    async def agenda(self) -> Agenda:
        """What is due, in the order in which it was first wanted."""
        async with self._database.reading() as tx:
            rows = (await tx.connection.execute(_pending().limit(_AT_ONCE))).all()
            return _agenda(rows, tx.now)

    async def claim(self, due: Due) -> Entry | None:
        """Take a message to send it; ``None`` where somebody else has it, or it has been shown."""
        async with self._database.writing() as tx:
            row = (await tx.connection.execute(_pending().where(outbox.c.id == due.id))).one_or_none()
            if row is None or _ready_at(row) > tx.now:
                return None
            claim = f"{self._owner}/{secrets.token_hex(4)}"
            await self._set(tx, due.id, claimed_by=claim, claimed_until=tx.now + LEASE)
            return await _entry(tx, row, claim)

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
        async with self._database.writing() as tx:
            done = await self._settle(
                tx,
                entry,
                shown=entry.wanted,
                place=place.channel,
                ts=place.ts,
                posts=entry.posts + (entry.place is None),
                attempts=0,
                due_at=tx.now + timedelta(seconds=rest_s),
            )
            for one in then if done else ():
                await messages.want(tx, one)
            return done

    async def later(self, entry: Entry, wait_s: float, *, failed: bool = True, doubtful: bool = False) -> None:
        """It could not be sent; it is due again after so many seconds.

        ``failed``: it counts as an attempt, see ``hurry``. ``doubtful``: it may have been posted all the same.
        """
        async with self._database.writing() as tx:
            changes: dict[str, object] = {"attempts": entry.attempts + failed, "due_at": tx.now + _seconds(wait_s)}
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
            await tx.connection.execute(
                update(outbox)
                .where(outbox.c.shown < outbox.c.wanted, outbox.c.gone.is_(None), outbox.c.attempts > 0)
                .values(due_at=tx.now)
            )
            tx.topics.add(messages.TOPIC)

    async def _settle(self, tx: Transaction, entry: Entry, **changes: object) -> bool:
        """Write down what became of it, and give the claim back; says whether the claim still held."""
        tx.topics.add(messages.TOPIC)
        free = {"claimed_by": None, "claimed_until": None}
        return await self._set(tx, entry.id, entry.claim, **free | changes)

    async def _set(self, tx: Transaction, entry_id: int, claim: str | None = None, **changes: object) -> bool:
        mine = outbox.c.id == entry_id
        if claim is not None:
            mine &= outbox.c.claimed_by == claim
        return (await tx.connection.execute(update(outbox).where(mine).values(changes))).rowcount == 1


def _pending() -> Select[Any]:
    return select(outbox).where(outbox.c.shown < outbox.c.wanted, outbox.c.gone.is_(None)).order_by(outbox.c.id)


def _agenda(rows: Sequence[Row[Any]], now: datetime) -> Agenda:
    """Which of the pending messages are due.

    What belongs into a thread waits until the message above has been brought up to date; what is new of a request
    waits until all that was wanted before is posted.
    """
    pending = {row.key for row in rows}
    due, waits, unposted = [], [], dict[str, list[Row[Any]]]()
    for row in rows:
        before = unposted.setdefault(row.request_id or row.key, [])
        in_turn = row.ts is not None or not any(one.under != row.key for one in before)
        if row.ts is None:
            before.append(row)
        if row.under in pending or not in_turn:
            continue
        if (at := _ready_at(row)) <= now:
            due.append(Due(row.id, row.request_id or row.key, row.channel))
        else:
            waits.append((at - now).total_seconds())
    return Agenda(tuple(due), sum(row.ts is not None for row in rows), min(waits, default=None))


def _ready_at(row: Row[Any]) -> datetime:
    due_at: datetime = row.due_at
    return due_at if row.claimed_until is None else max(due_at, row.claimed_until)


def _place(row: Row[Any]) -> Place | None:
    return None if row.ts is None else Place(row.place, row.ts)


def _seconds(wait_s: float) -> timedelta:
    return timedelta(seconds=wait_s)


async def _entry(tx: Transaction, row: Row[Any], claim: str) -> Entry:
    above = None
    if row.under is not None:
        above = (await tx.connection.execute(select(outbox).where(outbox.c.key == row.under))).one_or_none()
    return Entry(
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        body=json.loads(row.body or "{}"),
        claim=claim,
        place=_place(row),
        thread=None if above is None else _place(above),
        homeless=above is not None and above.gone is not None,
        doubtful=row.ts is None and row.claimed_by is not None,
    )


_AS_THEY_ARE: Collection[str] = (
    *("id", "key", "kind", "request_id", "channel", "under"),
    *("wanted", "posts", "attempts", "created_at"),
)


async def _requester(tx: Transaction, request_id: str | None) -> str | None:
    query = select(requests.c.requester_id).where(requests.c.id == request_id)
    requester: str | None = (await tx.connection.execute(query)).scalar()
    return requester


def _direct(request_id: str | None, requester: str | None, why: str) -> Want:
    return Want(f"direct:{request_id}", "direct", requester or "", request_id, body={"why": why})
