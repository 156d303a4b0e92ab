"""What of the outbox is due, and what a sender has to know of a message that it sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from bot.ledger.database import Transaction
from bot.ledger.tables import outbox

_AS_THEY_ARE = (
    *("id", "key", "kind", "request_id", "channel", "under"),
    *("wanted", "posts", "attempts", "created_at"),
)


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
    cannot be shown. ``claimed_at``: by the ledger's clock. ``doubtful``: nobody knows whether it was posted, since a
    sender was lost while it posted it.
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
    claimed_at: datetime
    place: Place | None = None
    thread: Place | None = None
    homeless: bool = False
    doubtful: bool = False


_FOR_AGENDA = ("id", "key", "kind", "request_id", "channel", "under", "ts", "due_at", "claimed_by", "claimed_until")
"""What it is made from: not the bodies, which are most of it."""


def pending() -> Select[Any]:
    """The messages that have to be shown, or brought up to date, the oldest first."""
    return _pending(select(outbox))


def pending_without_bodies() -> Select[Any]:
    """The same, with no more than ``agenda_of`` reads."""
    return _pending(select(*(outbox.c[name] for name in _FOR_AGENDA)))


def _pending(query: Select[Any]) -> Select[Any]:
    return query.where(outbox.c.shown < outbox.c.wanted, outbox.c.gone.is_(None)).order_by(outbox.c.id)


Lost = Callable[[str], bool]
"""Whether the process that made this claim is known to be gone: nobody has to wait for it."""


def agenda_of(rows: Sequence[Row[Any]], now: datetime, lost: Lost) -> Agenda:
    """Which of the pending messages are due.

    What belongs into a thread waits until the message above has been brought up to date; what is new of a request
    waits until all that was wanted before is posted. What changes on incidents that people can read already comes
    after those that nobody has been told of yet.
    """
    waiting = {row.key for row in rows}
    due, later, waits, unposted = list[Due](), list[Due](), list[float](), dict[str, list[Row[Any]]]()
    for row in rows:
        before = unposted.setdefault(row.request_id or row.key, [])
        in_turn = row.ts is not None or not any(one.under != row.key for one in before)
        if row.ts is None:
            before.append(row)
        if row.under in waiting or not in_turn:
            continue
        if (at := ready_at(row, lost)) <= now:
            known = row.kind == "incident" and row.ts is not None
            (later if known else due).append(Due(row.id, row.request_id or row.key, row.channel))
        else:
            waits.append((at - now).total_seconds())
    return Agenda((*due, *later), sum(row.ts is not None for row in rows), min(waits, default=None))


def ready_at(row: Row[Any], lost: Lost) -> datetime:
    """From when on a message can be claimed."""
    due_at: datetime = row.due_at
    free = row.claimed_until is None or lost(row.claimed_by)
    return due_at if free else max(due_at, row.claimed_until)


def place_of(row: Row[Any]) -> Place | None:
    """Where a message stands."""
    return None if row.ts is None else Place(row.place, row.ts)


async def entry_of(tx: Transaction, row: Row[Any], claim: str) -> Entry:
    """A message as it was before this claim."""
    above = None
    if row.under is not None:
        above = (await tx.connection.execute(select(outbox).where(outbox.c.key == row.under))).one_or_none()
    return Entry(
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        body=json.loads(row.body or "{}"),
        claim=claim,
        claimed_at=tx.now,
        place=place_of(row),
        thread=None if above is None else place_of(above),
        homeless=above is not None and above.gone is not None,
        doubtful=row.ts is None and row.claimed_by is not None,
    )
