"""Sorts the alerts of one delivery into incidents: what is known already, what changes one, what opens one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, insert, or_, select, update

from bot.ledger import audit
from bot.ledger.columns import storable
from bot.ledger.database import SOME, Transaction
from bot.ledger.ids import free_ids
from bot.ledger.incident_records import SEVERAL, Alert, Signal, Taken
from bot.ledger.records import TANDEM
from bot.ledger.tables import alerts, incidents

REOPENS = timedelta(minutes=10)
"""What comes again so soon goes into the incident that has ended: it flaps, and is counted."""
APART = timedelta(minutes=1)
"""So far apart two Prometheus servers notice the same, and two Alertmanagers tell it."""
STORM = 5
"""When more targets than this want a message in the same channels within ``AT_ONCE``, they share one."""
AT_ONCE = timedelta(minutes=1)


async def sort_in(tx: Transaction, signals: Sequence[Signal]) -> tuple[Taken, tuple[str, ...]]:
    """Write the signals down; says what became of them, and which incidents have changed."""
    heard = {storable(one.alert.fingerprint): one for one in _newest_last(signals) if one.channels}
    known = await _known(tx, heard)
    touched: dict[str, None] = {}
    changed = 0
    new = []
    for fingerprint, signal in heard.items():
        rows = known.get(fingerprint, [])
        told = [row for row in rows if await _again(tx, row, signal)]
        touched |= dict.fromkeys(row["incident_id"] for row in told)
        if signal.alert.firing and all(_is_found(row, signal) for row in rows):
            new.append(signal)
        else:
            changed += bool(told)
    opened = await _open(tx, new, touched)
    unheard = sum(not one.channels for one in signals)
    counts = Taken(opened, changed + len(new), len(signals) - unheard - changed - len(new), unheard)
    return counts, tuple(touched)


def _newest_last(signals: Iterable[Signal]) -> list[Signal]:
    """Of one alert that is there twice the newest episode counts, and of that its end."""
    return sorted(signals, key=lambda one: (one.alert.starts_at, not one.alert.firing))


def _written(channels: Sequence[str]) -> str:
    return json.dumps(list(channels))


async def _known(tx: Transaction, fingerprints: Iterable[str]) -> dict[str, list[RowMapping]]:
    """The alerts of open incidents, and of those that have only just ended, the oldest first.

    There are several of one where it was of no target that the settings of then knew.
    """
    listed = sorted(fingerprints)
    lately = or_(incidents.c.closed_at.is_(None), incidents.c.closed_at > tx.now - REOPENS)
    found: dict[str, list[RowMapping]] = {}
    for at in range(0, len(listed), SOME):
        query = (
            select(alerts)
            .join(incidents)
            .where(alerts.c.fingerprint.in_(listed[at : at + SOME]), lately)
            .order_by(incidents.c.opened_at)
        )
        for row in (await tx.connection.execute(query)).mappings():
            found.setdefault(row["fingerprint"], []).append(row)
    return found


def _is_found(row: RowMapping, signal: Signal) -> bool:
    """Whether it was of no target that anybody knew, and is of one now."""
    return row["target"] is None and signal.target is not None


async def _again(tx: Transaction, row: RowMapping, signal: Signal) -> bool:
    """An alert that is known already; says whether it tells anything new."""
    alert = signal.alert
    if not alert.firing or _is_found(row, signal):
        if row["ended_at"] is not None or _ended_before(row, alert):
            return False
        values: dict[str, Any] = {"ended_at": alert.ended_by(tx.now)}
    elif _fires_anew(row, alert, tx.now):
        values = {"starts_at": alert.starts_at, "ended_at": None, "times": row["times"] + 1}
        values |= _told(alert)
    else:
        return False
    mine = (alerts.c.incident_id == row["incident_id"]) & (alerts.c.fingerprint == row["fingerprint"])
    await tx.connection.execute(update(alerts).where(mine).values(seen_at=tx.now, **values))
    await _touch(tx, row["incident_id"])
    return True


def _ended_before(row: RowMapping, alert: Alert) -> bool:
    """Whether it tells late of an end before this beginning.

    An end behind it is this one's: where two Prometheus servers tell of it, its beginning becomes the earlier one.
    """
    return alert.starts_at < row["starts_at"] and not (alert.ended_at and alert.ended_at > row["starts_at"])


def _fires_anew(row: RowMapping, alert: Alert, now: datetime) -> bool:
    """Whether it is not merely sent again, or late.

    One that has the beginning of the one that has ended fires again, once nobody can have sent it before that end.
    """
    began: datetime = row["starts_at"]
    seen: datetime = row["seen_at"]
    if row["ended_at"] is None:
        return not alert.own and alert.starts_at - began > APART
    return alert.starts_at > began or (alert.starts_at == began and now - seen > APART)


async def _touch(tx: Transaction, incident_id: str) -> None:
    """It has changed, and wants a look; one that had ended goes on."""
    await tx.connection.execute(
        update(incidents).where(incidents.c.id == incident_id).values(changed_at=tx.now, look_at=tx.now, closed_at=None)
    )


async def _open(tx: Transaction, new: Sequence[Signal], touched: dict[str, None]) -> int:
    """Put alerts that are new into the incidents of their targets, made where there are none; says how many were."""
    places, made = await _places(tx, new)
    rows = []
    for signal in new:
        incident_id = places[signal.scope, _written(signal.channels)]
        if incident_id not in made and incident_id not in touched:
            await _touch(tx, incident_id)
        touched[incident_id] = None
        rows.append(_row(tx, incident_id, signal))
    for at in range(0, len(rows), SOME):
        await tx.connection.execute(insert(alerts), rows[at : at + SOME])
    return len(made)


async def _places(tx: Transaction, new: Sequence[Signal]) -> tuple[dict[tuple[str, str], str], set[str]]:
    """Which incident each scope and its channels have, or share, and which of these were made for it.

    Those that are open, or have only just ended, are taken before any is made.
    """
    lately = or_(incidents.c.closed_at.is_(None), incidents.c.closed_at > tx.now - REOPENS)
    query = select(incidents).where(lately).order_by(incidents.c.opened_at)
    rows = (await tx.connection.execute(query)).mappings().all()
    places: dict[tuple[str, str], str] = {(row["scope"], row["channels"]): row["id"] for row in rows}
    young = Counter(row["channels"] for row in rows if row["opened_at"] > tx.now - AT_ONCE)
    for row in await _sharing(tx, rows):
        places.setdefault((row["target"], row["channels"]), row["incident_id"])
    wanted = dict.fromkeys((signal.scope, _written(signal.channels)) for signal in new)
    missing = Counter(channels for scope, channels in wanted if (scope, channels) not in places)
    shared = {
        (scope, channels): (SEVERAL, channels)
        for scope, channels in wanted
        if (scope, channels) not in places and missing[channels] + young[channels] > STORM
    }
    lacking = dict.fromkeys(one for one in (shared.get(one, one) for one in wanted) if one not in places)
    made = await _insert(tx, tuple(lacking))
    places |= made
    return places | {one: places[several] for one, several in shared.items()}, set(made.values())


async def _sharing(tx: Transaction, rows: Sequence[RowMapping]) -> Sequence[RowMapping]:
    """The targets for which something fires in a message that several share: what is new of one belongs there too."""
    shared = [row["id"] for row in rows if row["scope"] == SEVERAL and row["closed_at"] is None]
    if not shared:
        return ()
    about = alerts.c.incident_id.in_(shared) & alerts.c.ended_at.is_(None) & alerts.c.target.is_not(None)
    query = select(alerts.c.target, alerts.c.incident_id, incidents.c.channels).join(incidents).where(about).distinct()
    return (await tx.connection.execute(query)).mappings().all()


async def _insert(tx: Transaction, lacking: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """An incident for each of these scopes and their channels; its id."""
    made: dict[tuple[str, str], str] = {}
    for at in range(0, len(lacking), SOME):
        some = lacking[at : at + SOME]
        ids = await free_ids(tx, incidents.c.id, "I-", len(some))
        # It begins when it was heard of, also where the ledger had others to serve before.
        times = {"opened_at": tx.asked_at, "changed_at": tx.now, "look_at": tx.now}
        begun = dict(zip(some, ids, strict=True))
        rows = [{"id": one, "scope": scope, "channels": channels, **times} for (scope, channels), one in begun.items()]
        await tx.connection.execute(insert(incidents), rows)
        opened = {one: {"scope": scope} for (scope, _), one in begun.items()}
        await audit.append_all(tx, "incident.opened", TANDEM, opened)
        made |= begun
    return made


def _row(tx: Transaction, incident_id: str, signal: Signal) -> dict[str, Any]:
    alert = signal.alert
    return {
        "incident_id": incident_id,
        "fingerprint": alert.fingerprint,
        "target": signal.target,
        "starts_at": alert.starts_at,
        "seen_at": tx.now,
        **_told(alert),
    }


def _told(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.name,
        "severity": alert.severity,
        "own": alert.own,
        "labels": json.dumps(dict(alert.labels)),
        "summary": alert.summary,
        "links": json.dumps(alert.links),
    }
