"""What the message of an incident is rendered from: written in the transaction that changes what it tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from bot.ledger import messages
from bot.ledger.database import SOME, Transaction
from bot.ledger.incident_records import Sight
from bot.ledger.messages import Want
from bot.ledger.tables import alerts, incidents

SHOWN, SIGHTS = 12, 10
"""Alerts and targets that the message tells of one by one; of the others it says how many there are."""
_WORST = ("critical", "page", "error", "warning", "info")


async def show(tx: Transaction, incident_id: str, *, whatever: bool = False) -> None:
    """Have the incident's message posted, or brought up to date. While it is muted only ``whatever`` changes it."""
    await show_all(tx, [incident_id], whatever=whatever)


async def show_all(tx: Transaction, incident_ids: Sequence[str], *, whatever: bool = False) -> None:
    """The same for several."""
    for at in range(0, len(incident_ids), SOME):
        some = incident_ids[at : at + SOME]
        query = select(incidents).where(incidents.c.id.in_(some))
        rows = {row["id"]: row for row in (await tx.connection.execute(query)).mappings()}
        muted = {row["id"] for row in rows.values() if row["muted_until"] is not None and row["muted_until"] > tx.now}
        shown = [rows[one] for one in some if whatever or one not in muted]  # In the order in which they came.
        told = await _alerts_of(tx, [row["id"] for row in shown])
        bodies = [(row, _body(row, told.get(row["id"], []), muted=row["id"] in muted)) for row in shown]
        wanted = (
            Want(f"incident:{row['id']}/{channel}", "incident", channel, body=body)
            for row, body in bodies
            for channel in json.loads(row["channels"])
        )
        await messages.want_all(tx, tuple(wanted))


async def _alerts_of(tx: Transaction, incident_ids: Sequence[str]) -> dict[str, list[RowMapping]]:
    """The alerts of each incident: those that fire first, the worst first, then the oldest.

    Of those that have ended what Tandem saw itself comes first, in the order of time: that is the story, and holds what
    a failover has cost.
    """
    rows = (await tx.connection.execute(select(alerts).where(alerts.c.incident_id.in_(incident_ids)))).mappings()
    found: dict[str, list[RowMapping]] = {}
    for row in sorted(rows, key=order):
        found.setdefault(row["incident_id"], []).append(row)
    return found


def order(row: RowMapping) -> tuple[bool, int, datetime]:
    """What alerts are sorted by."""
    if row["ended_at"] is None:
        return False, worst_first(row["severity"]), row["starts_at"]
    return True, 0 if row["own"] else 1 + worst_first(row["severity"]), row["starts_at"]


def worst_first(severity: str) -> int:
    """A number to sort by; a severity that is not known stands between a warning and information."""
    return _WORST.index(severity) if severity in _WORST else len(_WORST) - 1


def sights_of(row: RowMapping) -> tuple[Sight, ...]:
    """What was seen last."""
    found: list[dict[str, Any]] = json.loads(row["sights"])
    return tuple(Sight(**one | {name: tuple(one[name]) for name in ("evidence", "suggests")}) for one in found)


def _body(row: RowMapping, rows: Sequence[RowMapping], *, muted: bool) -> dict[str, Any]:
    closed = row["closed_at"]
    return {
        "id": row["id"],
        "scope": row["scope"],
        "opened_at": row["opened_at"].timestamp(),
        "closed_at": closed.timestamp() if closed else None,
        "alerts": [_alert(one) for one in rows[:SHOWN]],
        "firing": sum(one["ended_at"] is None for one in rows),
        "ended": sum(one["ended_at"] is not None for one in rows),
        "targets": len({one["target"] for one in rows}),
        "links": list({word: url for one in rows for word, url in json.loads(one["links"])}.items()),
        "sights": json.loads(row["sights"])[:SIGHTS],
        "seen": len(json.loads(row["sights"])),
        "acknowledged_by": row["acknowledged_by"],
        "assigned_to": row["assigned_to"],
        "muted_until": row["muted_until"].timestamp() if muted else None,
        "muted_by": row["muted_by"] if muted else None,
    }


def _alert(row: RowMapping) -> dict[str, Any]:
    ended = row["ended_at"]
    return {
        "name": row["name"],
        "severity": row["severity"],
        "target": row["target"],
        "summary": row["summary"],
        "labels": json.loads(row["labels"]),
        "since": row["starts_at"].timestamp(),
        "ended": ended.timestamp() if ended else None,
        "times": row["times"],
        "own": row["own"],
    }
