"""Runs: the lock of the target, the lease and its epoch, and the steps. Every write of a run names its epoch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, insert, select, update

from actions.kit.errors import Stopped
from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.note import results_of
from actions.kit.plan import Step
from bot.ledger import audit, debts, messages, reading, reviews
from bot.ledger.database import Transaction
from bot.ledger.errors import LeaseLost
from bot.ledger.records import TANDEM, UNKNOWN_STEP, Claim, Lease, Request, RequestState
from bot.ledger.requests import move
from bot.ledger.tables import lifts, requests, runs, steps

ASKS = runs.c.question.is_not(None) & runs.c.answer.is_(None)
"""A run that has not ended waits for a person's answer."""


async def insert_run(tx: Transaction, request: Request, owner: str, lasts: timedelta) -> Lease:
    """Take the lock of the target and write down the steps.

    Raises:
        IntegrityError: another run holds the target.
    """
    await tx.connection.execute(
        insert(runs).values(
            id=request.id,
            target=request.target,
            owner=owner,
            epoch=1,
            leased_until=tx.now + lasts,
            started_at=tx.now,
        )
    )
    rows = [
        {
            "run_id": request.id,
            "index": index,
            "title": step.title,
            "command": step.command,
            "state": StepState.WAITING,
        }
        for index, step in enumerate(request.plan.steps)
    ]
    if rows:
        await tx.connection.execute(insert(steps), rows)
    # Its message comes with its first step: until then it may still be void.
    await audit.append(tx, "run.began", TANDEM, request.id, target=request.target, owner=owner)
    if request.break_glass:
        await reviews.begin(tx, request.id)
    return Lease(request.id, request.target, owner, epoch=1)


class Holder(NamedTuple):
    """Which run holds a target, who asked for it, since when, and whether it asks a person how to go on."""

    run_id: str
    requester: str
    since: datetime
    asks: bool


async def holder(tx: Transaction, target: str) -> Holder | None:
    """Who holds the target."""
    query = (
        select(runs.c.id, requests.c.requester_name, runs.c.started_at, ASKS)
        .join(requests)
        .where(runs.c.target == target, runs.c.ended_at.is_(None))
    )
    row = (await tx.connection.execute(query)).first()
    return None if row is None else Holder(*row)


async def held(tx: Transaction) -> frozenset[str]:
    """The targets that somebody holds."""
    query = select(runs.c.target).where(runs.c.ended_at.is_(None))
    return frozenset((await tx.connection.execute(query)).scalars())


async def renew(tx: Transaction, lease: Lease, lasts: timedelta) -> None:
    """Prolong the lease; every other write of a run begins with this.

    Raises:
        LeaseLost: another process has the run now, or it has ended.
    """
    renewed = await tx.connection.execute(
        update(runs)
        .where(runs.c.id == lease.run_id, runs.c.epoch == lease.epoch, runs.c.ended_at.is_(None))
        .values(leased_until=tx.now + lasts)
    )
    if renewed.rowcount != 1:
        raise LeaseLost(f"{lease.run_id} was taken over by another process, or has ended; nothing more is done here.")


async def claim(tx: Transaction, run_id: str, owner: str, lasts: timedelta, lost: Collection[str] = ()) -> Claim | None:
    """Take over a run whose lease is over; ``None`` where somebody else was quicker, its owner came back, or it asks.

    An answer is used up by this. The time of an approval: a run that began in time may go on by itself for as long as
    its request could have waited.

    Args:
        tx: one writing transaction.
        run_id: which run.
        owner: who takes it over.
        lasts: how long the new lease is.
        lost: owners that are known to be gone: nobody has to wait for their leases.
    """
    query = select(runs, requests.c.created_at, requests.c.expires_at).join(requests)
    before = (await tx.connection.execute(query.where(runs.c.id == run_id, _left(tx, lost)))).mappings().first()
    if before is None:
        return None
    told = reading.answered(before) if before["question"] is not None else None
    times = before["cut_off"] + 1 if told is None else before["cut_off"] if told.person.id == TANDEM.id else 1
    claimed = await tx.connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.epoch == before["epoch"], _left(tx, lost))
        .values(
            epoch=runs.c.epoch + 1,
            owner=owner,
            leased_until=tx.now + lasts,
            question=None,
            cut_off=times,
        )
    )
    if claimed.rowcount != 1:
        return None
    cut_off = (steps.c.run_id == run_id) & (steps.c.state == StepState.RUNNING)
    await tx.connection.execute(update(steps).where(cut_off).values(state=UNKNOWN_STEP))
    epoch, target = before["epoch"] + 1, before["target"]
    await messages.happened(tx, "run.claimed", TANDEM, run_id, target=target, owner=owner, epoch=epoch)
    return Claim(
        run_id,
        target,
        owner,
        epoch,
        times=times,
        in_time=tx.now <= before["started_at"] + (before["expires_at"] - before["created_at"]),
        answered=told,
    )


async def not_cancelled(tx: Transaction, lease: Lease) -> None:
    """See that nobody wants the run to stop.

    Raises:
        Stopped: somebody does.
    """
    query = select(runs.c.cancelled_by_name).where(runs.c.id == lease.run_id, runs.c.cancelled_at.is_not(None))
    name = (await tx.connection.execute(query)).scalar()
    if name is not None:
        raise Stopped(f"{name} cancelled it.")


async def begin_step(tx: Transaction, lease: Lease, index: int, step: Step) -> None:
    """Write down that a step begins, and what it is going to change as owed."""
    await tx.connection.execute(
        update(steps)
        .where(steps.c.run_id == lease.run_id, steps.c.index == index)
        .values(state=StepState.RUNNING, started_at=tx.now, ended_at=None, note="")
    )
    for change in step.changes:
        await debts.owe(tx, lease, change)
    changes = [[str(change.node), change.name, change.new, change.old] for change in step.changes]
    await messages.happened(tx, "step.began", TANDEM, lease.run_id, index=index, title=step.title, changes=changes)


async def end_step(tx: Transaction, lease: Lease, index: int, state: StepState, note: str) -> None:
    """Write down how a step ended."""
    await tx.connection.execute(
        update(steps)
        .where(steps.c.run_id == lease.run_id, steps.c.index == index)
        .values(state=state, ended_at=tx.now, note=str(note), results=audit.canonical(results_of(note)))
    )
    await messages.happened(tx, "step.ended", TANDEM, lease.run_id, index=index, state=state, note=str(note))


async def reset_steps(tx: Transaction, lease: Lease) -> None:
    """Have every step wait as before the first one."""
    await tx.connection.execute(
        update(steps)
        .where(steps.c.run_id == lease.run_id)
        .values(state=StepState.WAITING, started_at=None, ended_at=None, note="", results="{}")
    )


async def end_run(tx: Transaction, lease: Lease, ending: Ending, state: RequestState, why: str = "") -> None:
    """End the run and its request, and free the target."""
    await tx.connection.execute(
        update(runs)
        .where(runs.c.id == lease.run_id)
        .values(ended_at=tx.now, outcome=ending.outcome, failures=audit.canonical(ending.failures))
    )
    left = (steps.c.run_id == lease.run_id) & (steps.c.state == StepState.WAITING)
    await tx.connection.execute(update(steps).where(left).values(state=StepState.SKIPPED))
    await move(tx, lease.run_id, (RequestState.RUNNING,), state, why)
    details = {"outcome": ending.outcome, "failures": list(ending.failures)}
    await messages.happened(tx, f"run.{state}", TANDEM, lease.run_id, target=lease.target, **details)
    if state is RequestState.VOID:
        await reviews.drop(tx, lease.run_id)


async def owners(tx: Transaction) -> Sequence[str]:
    """Who holds a run that has not ended."""
    query = select(runs.c.owner).where(runs.c.ended_at.is_(None)).distinct()
    return (await tx.connection.execute(query)).scalars().all()


async def overdue(tx: Transaction, lost: Collection[str] = ()) -> Sequence[str]:
    """The ids of the runs that can be claimed: nobody has them in hand, or an owner among the ``lost``."""
    query = select(runs.c.id).where(_left(tx, lost)).order_by(runs.c.started_at)
    return (await tx.connection.execute(query)).scalars().all()


async def last_moved(tx: Transaction, target: str, action: str) -> datetime | None:
    """When the last run of this action ended that changed the target for good, since a cooldown was last lifted."""
    lifted = exists().where(lifts.c.target == target, lifts.c.at >= runs.c.ended_at)
    query = (
        select(func.max(runs.c.ended_at))
        .join(requests)
        .where(
            runs.c.target == target,
            requests.c.action == action,
            runs.c.outcome.in_((Outcome.DONE, Outcome.INCOMPLETE)),
            ~lifted,
        )
    )
    ended: datetime | None = (await tx.connection.execute(query)).scalar()
    return ended


def _left(tx: Transaction, lost: Collection[str]) -> ColumnElement[bool]:
    """Nobody has it in hand, and it waits for nobody's answer."""
    free = (runs.c.leased_until <= tx.now) | runs.c.owner.in_(lost)
    return runs.c.ended_at.is_(None) & free & ~ASKS
