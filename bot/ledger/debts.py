"""Debts: the settings that a run changed, and that are not yet back as they were.

The place of one that is a server's is kept by host and port; any other by kind and name, with port 0.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, RowMapping, insert, select, update

from actions.kit.plan import SettingChange
from actions.kit.topology import Address, Place, Resource
from bot.ledger import audit, messages
from bot.ledger.database import Transaction
from bot.ledger.records import TANDEM, Debt, Lease
from bot.ledger.tables import debts as table
from bot.ledger.tables import requests, runs


async def unpaid(tx: Transaction, target: str | None) -> tuple[Debt, ...]:
    """What is owed, of one target or of all, the oldest first."""
    query = (
        select(table, runs.c.ended_at, runs.c.question, runs.c.answer)
        .join(runs)
        .where(table.c.paid_at.is_(None))
        .order_by(table.c.id)
    )
    if target is not None:
        query = query.where(table.c.target == target)
    rows = (await tx.connection.execute(query)).mappings().all()
    return tuple(_debt(row) for row in rows)


async def repay(tx: Transaction, lease: Lease, change: SettingChange) -> None:
    """The run has put this setting back."""
    mine = (table.c.run_id == lease.run_id) & _same(change) & table.c.paid_at.is_(None)
    paid = await tx.connection.execute(update(table).where(mine).values(paid_at=tx.now))
    if paid.rowcount:
        await _tell_paid(tx, lease.run_id, change, "")


async def pay(tx: Transaction, debt: Debt, note: str) -> None:
    """A setting that an ended run had left changed is back, or somebody else changed it: ``note`` says which."""
    paid = await tx.connection.execute(
        update(table).where(table.c.id == debt.id, table.c.paid_at.is_(None)).values(paid_at=tx.now, note=note)
    )
    if paid.rowcount:
        await _tell_paid(tx, debt.run_id, debt.change, note)
        requester = select(requests.c.requester_id).where(requests.c.id == debt.run_id)
        who = (await tx.connection.execute(requester)).scalar_one()
        await messages.tell(tx, who, f"{debt.run_id}: {note}", debt.run_id)


async def owe(tx: Transaction, lease: Lease, change: SettingChange) -> None:
    """The run is going to change this setting, and owes its old value from now on."""
    own = (table.c.run_id == lease.run_id) & _same(change) & table.c.paid_at.is_(None)
    if (await tx.connection.execute(select(table.c.id).where(own))).first() is not None:
        return  # The step is done again after a crash; what was so before the first time is what counts.
    host, port = _columns(change.node)
    left_at = await _replaced(tx, lease, change)
    await tx.connection.execute(
        insert(table).values(
            run_id=lease.run_id,
            target=lease.target,
            host=host,
            port=port,
            name=change.name,
            new=left_at or change.new,
            old=change.old,
            owed_at=tx.now,
        )
    )


async def _replaced(tx: Transaction, lease: Lease, change: SettingChange) -> str | None:
    """Owe no longer what an earlier run does; gives the value that it is still at, if one did.

    Whom a Sentinel is to name is the newest run's to say. Any other setting is taken over only as the very same
    change: with another value the run would put back the earlier one's. Earlier runs of a target have ended.
    """
    older = (table.c.target == lease.target) & _same(change) & table.c.paid_at.is_(None)
    if not change.is_naming:
        older &= (table.c.new == change.new) & (table.c.old == change.old)
    row = (await tx.connection.execute(select(table.c.run_id, table.c.new).where(older))).first()
    if row is None:
        return None
    as_what = f", as {change.old}" if change.is_naming else ""
    note = f"{change.name} of {change.node} is owed by {lease.run_id} now{as_what}."
    await tx.connection.execute(update(table).where(older).values(paid_at=tx.now, note=note))
    await _tell_paid(tx, row.run_id, change, note)
    return str(row.new)


async def _tell_paid(tx: Transaction, run_id: str, change: SettingChange, note: str) -> None:
    await audit.append(
        tx, "debt.paid", TANDEM, run_id, node=str(change.node), name=change.name, value=change.old, note=note
    )


def _same(change: SettingChange) -> ColumnElement[bool]:
    host, port = _columns(change.node)
    return (table.c.host == host) & (table.c.port == port) & (table.c.name == change.name)


def _debt(row: RowMapping) -> Debt:
    change = SettingChange(_place(row["host"], row["port"]), row["name"], new=row["new"], old=row["old"])
    asks = row["question"] is not None and row["answer"] is None
    return Debt(row["id"], row["run_id"], row["target"], change, row["owed_at"], asks or row["ended_at"] is not None)


def _columns(place: Place) -> tuple[str, int]:
    """``host`` and ``port`` of the row."""
    return place if isinstance(place, Address) else (f"{place.kind}/{place.name}", 0)


def _place(host: str, port: int) -> Place:
    """What ``_columns`` has written."""
    if port:
        return Address(host, port)
    kind, _, name = host.partition("/")
    return Resource(kind, name)
