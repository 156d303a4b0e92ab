"""Incidents: alerts come in, people look after them, Tandem looks at Redis; each has one message in each channel.

An alert that comes again says nothing new. An incident ends when its alerts have and Redis was seen to be well:
"resolved" is said by whoever sent the alert, and also when nobody watches any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, or_, select, update

from bot.ledger import audit, incident_message, sorting
from bot.ledger.database import Database, Transaction
from bot.ledger.incident_records import Incident, Sight, Signal, Taken
from bot.ledger.records import Person
from bot.ledger.tables import alerts, incidents

TOPIC = "incidents"
"""What those in this process wait for who look at Redis."""

EVERY = timedelta(seconds=10)
"""How often an open incident is looked at, while nothing new comes."""
SETTLED = timedelta(seconds=5)
"""What Tandem saw itself is not over before this: a look may come between two moments of one fault."""
LOOK = timedelta(seconds=30)
"""Longer than a look at all of an incident's targets takes; after this another process does it."""


class Incidents:
    """The incidents of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changed = database.event(TOPIC)
        """Set whenever this process has committed something that wants a look; who looks clears it."""

    async def received(self, signals: Sequence[Signal]) -> Taken:
        """Take in what one delivery holds, all of it or nothing; says what became of it.

        Raises:
            LedgerError: it could not be written down, and has to be sent again.
        """
        async with self._database.writing() as tx:
            taken, touched = await sorting.sort_in(tx, signals)
            await incident_message.show_all(tx, touched)
            if touched:
                tx.topics.add(TOPIC)
        self._database.watcher.received(taken)
        return taken

    async def due(self, most: int = 50) -> tuple[tuple[Incident, ...], float | None]:
        """The incidents that want a look now, so many at most, and in how many seconds the next one does."""
        async with self._database.reading() as tx:
            times = select(incidents.c.id, incidents.c.look_at, incidents.c.looking_until).where(_open())
            rows = (await tx.connection.execute(times.order_by(incidents.c.look_at))).mappings().all()
            ready = [row for row in rows if _ready_at(row) <= tx.now]
            later = [(_ready_at(row) - tx.now).total_seconds() for row in rows if _ready_at(row) > tx.now]
            return await _found(tx, [row["id"] for row in ready[:most]]), min(later, default=None)

    async def claim(self, incident: Incident) -> datetime | None:
        """Take a look upon oneself; says when it begins, ``None`` where somebody else has, or none is due any more."""
        async with self._database.writing() as tx:
            free = or_(incidents.c.looking_until.is_(None), incidents.c.looking_until <= tx.now)
            mine = update(incidents).where(incidents.c.id == incident.id, _open(), incidents.c.look_at <= tx.now, free)
            done = await tx.connection.execute(mine.values(looking_until=tx.now + LOOK, look_at=tx.now + EVERY))
            return tx.now if done.rowcount else None

    async def seen(self, incident: Incident, begun: datetime, sights: Iterable[Sight]) -> None:
        """What a look has found that began then. The incident ends if its alerts have, and all is well.

        What could not be seen is not well; then it ends once somebody has acknowledged it. Of what has come since the
        look began it says nothing.
        """
        found = tuple(sights)
        async with self._database.writing() as tx:
            row = await _row(tx, incident.id)
            if row is None or row["closed_at"] is not None:
                return
            before = incident_message.sights_of(row)
            ended = await _end_own(tx, row["id"], [sight.target for sight in found if sight.well], begun)
            over = row["changed_at"] <= begun and await _is_over(tx, row, found)
            unmuted = row["muted_until"] is not None and row["muted_until"] <= tx.now
            told = json.dumps([asdict(sight) for sight in found])
            values: dict[str, object] = {"sights": told, "looking_until": None}
            values |= ({"closed_at": tx.now} if over else {}) | ({"muted_until": None} if over or unmuted else {})
            await tx.connection.execute(update(incidents).where(incidents.c.id == row["id"]).values(values))
            if over or ended or unmuted or [one.essence for one in before] != [one.essence for one in found]:
                await incident_message.show(tx, row["id"], whatever=over)

    async def look_again(self, target: str) -> None:
        """Something has happened to a target: its incidents want a look at once."""
        about = _open() & incidents.c.id.in_(select(alerts.c.incident_id).where(alerts.c.target == target))
        async with self._database.reading() as tx:  # Mostly there is none, and then nobody is kept from writing.
            if (await tx.connection.execute(select(incidents.c.id).where(about))).first() is None:
                return
        async with self._database.writing() as tx:
            await tx.connection.execute(update(incidents).where(about).values(look_at=tx.now))
            tx.topics.add(TOPIC)

    async def acknowledge(self, incident_id: str, person: Person) -> str:
        """Somebody has read it; the answer is a sentence for them."""
        return await self._tend(incident_id, person, "acknowledged", {"acknowledged_by": person.id})

    async def assign(self, incident_id: str, person: Person) -> str:
        """Somebody looks after it; the answer is a sentence for them."""
        values = {"acknowledged_by": person.id, "assigned_to": person.id}
        return await self._tend(incident_id, person, "assigned to you", values)

    async def mute(self, incident_id: str, person: Person, span: timedelta) -> str:
        """Let its message rest; the answer is a sentence for them."""
        minutes = f"muted for {span.total_seconds() / 60:g} minutes"
        return await self._tend(incident_id, person, minutes, {"muted_by": person.id}, span)

    async def _tend(
        self, incident_id: str, person: Person, done: str, values: Mapping[str, str], mutes: timedelta | None = None
    ) -> str:
        async with self._database.writing() as tx:
            row = await _row(tx, incident_id)
            if row is None:
                return f"There is no incident {incident_id} any more."
            if row["closed_at"] is not None:
                await incident_message.show(tx, incident_id, whatever=True)
                return f"{incident_id} is over since {row['closed_at']:%H:%M:%S} UTC."
            until: dict[str, datetime] = {} if mutes is None else {"muted_until": tx.now + mutes}
            await tx.connection.execute(
                update(incidents).where(incidents.c.id == incident_id).values(**values, **until)
            )
            await audit.append(tx, "incident.tended", person, incident_id, how=done)
            await incident_message.show(tx, incident_id, whatever=True)
            return f"{incident_id} is {done}."


def _open() -> ColumnElement[bool]:
    return incidents.c.closed_at.is_(None)


def _ready_at(row: RowMapping) -> datetime:
    at: datetime = row["look_at"]
    return max(at, row["looking_until"]) if row["looking_until"] is not None else at


async def _row(tx: Transaction, incident_id: str) -> RowMapping | None:
    return (await tx.connection.execute(select(incidents).where(incidents.c.id == incident_id))).mappings().first()


async def _end_own(tx: Transaction, incident_id: str, targets: Sequence[str], begun: datetime) -> bool:
    """What Tandem saw itself of these targets is over: a look that began later finds them well; says whether any is."""
    about = (alerts.c.incident_id == incident_id) & alerts.c.own & alerts.c.target.in_(targets)
    ripe = alerts.c.ended_at.is_(None) & (alerts.c.seen_at <= begun - SETTLED)
    return (await tx.connection.execute(update(alerts).where(about, ripe).values(ended_at=tx.now))).rowcount > 0


async def _is_over(tx: Transaction, row: RowMapping, found: Sequence[Sight]) -> bool:
    tended = row["acknowledged_by"] is not None
    well = all(sight.well or (sight.well is None and tended) for sight in found)
    fires = select(alerts.c.fingerprint).where(alerts.c.incident_id == row["id"], alerts.c.ended_at.is_(None))
    return well and (await tx.connection.execute(fires.limit(1))).first() is None


async def _found(tx: Transaction, incident_ids: Sequence[str]) -> tuple[Incident, ...]:
    columns = (alerts.c[name] for name in ("incident_id", "target", "severity", "starts_at", "ended_at", "own"))
    query = select(*columns).where(alerts.c.incident_id.in_(incident_ids))
    rows = sorted((await tx.connection.execute(query)).mappings(), key=incident_message.order)
    targets: dict[str, dict[str, None]] = {incident_id: {} for incident_id in incident_ids}
    for row in rows:
        if row["target"]:
            targets[row["incident_id"]][row["target"]] = None
    return tuple(Incident(incident_id, tuple(about)) for incident_id, about in targets.items())
