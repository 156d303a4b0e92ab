"""What waits in the ledger now, in numbers: any process on it reads the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Label, Table, func, select

from bot.ledger.database import Transaction
from bot.ledger.records import RequestState
from bot.ledger.runs import ASKS
from bot.ledger.tables import debts, incidents, outbox, requests, reviews, runs


@dataclass(frozen=True, slots=True)
class Figures:
    """How many there are; ages in seconds, 0 where there is none.

    ``runs_asking``: those of the runs in progress that wait for a person's answer. ``posts`` and ``updates``: messages
    that Slack has to show for the first time, and those that stand and have changed; ``failing``: both, tried in vain.
    """

    approvals_waiting: int
    oldest_approval_s: float
    runs: int
    runs_asking: int
    debts: int
    reviews: int
    incidents: int
    posts: int
    updates: int
    failing: int
    oldest_post_s: float


async def figures(tx: Transaction) -> Figures:
    """One statement."""
    waiting = (requests.c.state == RequestState.WAITING) & (requests.c.expires_at > tx.now)
    under_way = runs.c.ended_at.is_(None)
    pending = (outbox.c.shown < outbox.c.wanted) & outbox.c.gone.is_(None)
    new = pending & outbox.c.ts.is_(None)
    row = await tx.connection.execute(
        select(
            _count("approvals_waiting", requests, waiting),
            _oldest("oldest_approval_s", requests, waiting),
            _count("runs", runs, under_way),
            _count("runs_asking", runs, under_way & ASKS),
            _count("debts", debts, debts.c.paid_at.is_(None)),
            _count("reviews", reviews, reviews.c.signed_at.is_(None)),
            _count("incidents", incidents, incidents.c.closed_at.is_(None)),
            _count("posts", outbox, new),
            _count("updates", outbox, pending & outbox.c.ts.is_not(None)),
            _count("failing", outbox, pending & (outbox.c.attempts > 0)),
            _oldest("oldest_post_s", outbox, new),
        )
    )
    found: dict[str, Any] = dict(row.mappings().one())
    ages = {name: _age(found[name], tx.now) for name in ("oldest_approval_s", "oldest_post_s")}
    return Figures(**found | ages)


def _count(name: str, table: Table, which: ColumnElement[bool]) -> Label[int]:
    return select(func.count()).select_from(table).where(which).scalar_subquery().label(name)


def _oldest(name: str, table: Table, which: ColumnElement[bool]) -> Label[datetime]:
    return select(func.min(table.c.created_at)).where(which).scalar_subquery().label(name)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
