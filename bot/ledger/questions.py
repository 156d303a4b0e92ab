"""Questions of runs: what a run that was cut off asks, who answered and how, and who may put things back meanwhile.

An answer is a compare-and-set on the question that it was given to: it counts once, and is used up when the run is
claimed. A question ends the lease, and raises the epoch, so that nobody goes on meanwhile.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from actions.kit.loop import Ending, Outcome
from actions.kit.settlement import Answer, Question
from bot.ledger import audit, messages, reading, runs
from bot.ledger.codec import PlanCodec
from bot.ledger.database import Database, Transaction
from bot.ledger.records import TANDEM, Decided, Lease, Person, Request, RequestState, Run
from bot.ledger.tables import runs as table

_DONE = {
    Answer.RESUME: "It is resumed.",
    Answer.ROLL_BACK: "It is rolled back.",
    Answer.ABANDON: "It is abandoned: what is still changed is put back as soon as that is safe.",
}


class Questions:
    """What runs ask and are told. Made by ``Ledger``.

    Args:
        database: where the runs are.
        codec: reads their plans.
        owner: this process.
        lasts: how long a lease is.
    """

    def __init__(self, database: Database, codec: PlanCodec, owner: str, lasts: timedelta) -> None:
        self._database = database
        self._codec = codec
        self._owner = owner
        self._lasts = lasts

    async def ask(self, lease: Lease, question: Question) -> Request:
        """Have the run wait for a person; its lease is over with that.

        Raises:
            LeaseLost: another process has it.
        """
        async with self._database.writing() as tx:
            await runs.renew(tx, lease, self._lasts)
            await rest(tx, lease, question)
            await messages.happened(tx, "run.asked", TANDEM, lease.run_id, target=lease.target, **asdict(question))
            await messages.asked(tx, lease.run_id, lease.epoch)
            return await reading.load(tx, self._codec, lease.run_id)

    async def answer(
        self, run_id: str, person: Person, answer: Answer, asked_at: datetime | None = None, why_not: str | None = None
    ) -> Decided:
        """Count an answer, once; one that gives the run up ends it.

        Args:
            run_id: of which run.
            person: who answers.
            answer: what is to be done.
            asked_at: of which question; without it the one that it asks now.
            why_not: why this person's answer does not count, to be written down all the same.

        Raises:
            UnknownRequest: there is no such request.
        """
        async with self._database.writing() as tx:
            before = await reading.load(tx, self._codec, run_id)
            why = why_not or _why_not(before, answer, asked_at)
            if why is None:
                await _take(tx, run_id, person, answer)
                if answer is Answer.ABANDON:
                    await _abandon(tx, before, person)
            said, tell = why or _DONE[answer], messages.happened if why is None else audit.append
            await tell(tx, "run.answered", person, run_id, counts=why is None, given=answer, answer=said)
            given = Decided(why is None, await reading.load(tx, self._codec, run_id), said)
        if given.ok and answer is Answer.ABANDON:
            self._database.watcher.became(given.request)
        return given

    async def again(self, lease: Lease) -> None:
        """All was put back, and the run begins again: its steps wait as before the first one.

        Raises:
            LeaseLost: another process has it.
        """
        async with self._database.writing() as tx:
            await runs.renew(tx, lease, self._lasts)
            await runs.reset_steps(tx, lease)
            await messages.happened(tx, "run.began-again", TANDEM, lease.run_id, target=lease.target, owner=self._owner)

    async def tend(self, run_id: str) -> Lease | None:
        """Take the lease of a run that asks, to put back what it left changed; ``None`` where that is not free.

        Nobody goes on with the run meanwhile, also when it is answered. End with ``release``.
        """
        async with self._database.writing() as tx:
            taken = await tx.connection.execute(
                update(table)
                .where(table.c.id == run_id, _asks(), table.c.leased_until <= tx.now)
                .values(epoch=table.c.epoch + 1, owner=self._owner, leased_until=tx.now + self._lasts)
            )
            if taken.rowcount != 1:
                return None
            row = (await tx.connection.execute(select(table).where(table.c.id == run_id))).one()
            return Lease(run_id, row.target, self._owner, row.epoch)

    async def release(self, lease: Lease) -> None:
        """End a lease early; nothing happens where it is lost."""
        async with self._database.writing() as tx:
            mine = (table.c.id == lease.run_id) & (table.c.epoch == lease.epoch)
            await tx.connection.execute(update(table).where(mine).values(leased_until=tx.now))


async def rest(
    tx: Transaction, lease: Lease, question: Question, person: Person | None = None, answer: Answer | None = None
) -> None:
    """End a lease with a question, which nobody has answered, or this person at once."""
    await tx.connection.execute(
        update(table)
        .where(table.c.id == lease.run_id)
        .values(
            epoch=lease.epoch + 1,
            leased_until=tx.now,
            asked_at=tx.now,
            question=audit.canonical(asdict(question)),
            **_answered(tx, person, answer),
        )
    )


def _answered(tx: Transaction, person: Person | None, answer: Answer | None) -> dict[str, object]:
    return {
        "answer": answer,
        "answered_by_id": person and person.id,
        "answered_by_name": person and person.name,
        "answered_from": person and person.origin,
        "answered_at": person and tx.now,
    }


async def _take(tx: Transaction, run_id: str, person: Person, answer: Answer) -> None:
    await tx.connection.execute(
        update(table)
        .where(table.c.id == run_id, _asks())
        .values(
            **_answered(tx, person, answer),
            cancelled_at=None,  # Whoever lets it go on knows of that; whoever cancels it from now on counts again.
        )
    )


async def _abandon(tx: Transaction, request: Request, person: Person) -> None:
    why = f"{person.name} abandoned it. It had asked: {' '.join(request.run.question.seen)}"  # type: ignore[union-attr]
    ending = Ending(Outcome.INCOMPLETE, (why,))
    await runs.end_run(tx, Lease(request.id, request.target, "", 0), ending, RequestState.ENDED)


def _asks() -> ColumnElement[bool]:
    return runs.ASKS & table.c.ended_at.is_(None)


def _why_not(request: Request, answer: Answer, asked_at: datetime | None) -> str | None:
    """Why an answer does not count, as a sentence for the person; ``None`` where it does."""
    run = request.run
    if run is None:
        return f"{request.id} has no run that could ask anything: it is {request.state}."
    if run.question is None:
        return f"{request.id} asks nothing now: it is {run.state}.{_already(run)}"
    if asked_at is not None and asked_at != run.asked_at:
        return f"{request.id} asks something else by now; look at its newest question, and answer that."
    if answer not in run.question.answers:
        return f"{request.id} cannot be rolled back any more: {' '.join(run.question.seen)}"
    return None


def _already(run: Run) -> str:
    if run.answered is None:
        return ""
    by = run.answered
    return f" {by.person.name} said at {by.at:%H:%M:%S} UTC: {by.answer.value.replace('-', ' ')}."
