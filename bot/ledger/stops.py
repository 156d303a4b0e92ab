"""Runs that are to stop before their next step: whether they still can, who wants it, and what they are told.

A run is asked to stop in a transaction of its own, and its next step begins in another one: whichever comes first
counts, so that nothing irreversible begins once somebody was told that it stops.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from actions.kit.settlement import Answer, Question
from bot.ledger import audit, messages, questions, reading, runs
from bot.ledger.codec import PlanCodec
from bot.ledger.database import Database, Transaction
from bot.ledger.records import TANDEM, Decided, Lease, Person, Request, RequestState, RunState
from bot.ledger.requests import normal_id
from bot.ledger.tables import runs as table

_DONE = "It stops before its next step, and puts everything back."


class Stops:
    """Made by ``Ledger``.

    Args:
        database: where the runs are.
        codec: reads their plans.
        lasts: how long a lease is.
    """

    def __init__(self, database: Database, codec: PlanCodec, lasts: timedelta) -> None:
        self._database = database
        self._codec = codec
        self._lasts = lasts

    async def cancel(self, run_id: str, person: Person, why_not: str | None = None) -> Decided:
        """Have a run stop before its next step, if it still can; the answer says why not.

        Args:
            run_id: which run, as a person types it.
            person: who wants it.
            why_not: why this person may not, to be written down all the same.

        Raises:
            UnknownRequest: there is no such request.
        """
        async with self._database.writing() as tx:
            before = await reading.load(tx, self._codec, normal_id(run_id))
            why = _cannot(before, person) or why_not
            if why is None:
                await _mark(tx, before.id, person)
            said, tell = why or _DONE, messages.happened if why is None else audit.append
            await tell(tx, "run.cancel", person, before.id, counts=why is None, answer=said)
            return Decided(why is None, await reading.load(tx, self._codec, before.id), said)

    async def hand_over(self, lease: Lease, *, put_back: bool) -> None:
        """Let another process go on at once with a run that this one has to leave; it counts as no crash.

        ``put_back``: whether everything was, so that it begins again with its first step.

        Raises:
            LeaseLost: another process has it.
        """
        async with self._database.writing() as tx:
            await runs.renew(tx, lease, self._lasts)
            if put_back:
                await runs.reset_steps(tx, lease)
            said = Question(("The process that had it in hand was stopped.",), moved=False if put_back else None)
            await questions.rest(tx, lease, said, TANDEM, Answer.RESUME)
            await messages.happened(tx, "run.handed-over", TANDEM, lease.run_id, target=lease.target)


async def _mark(tx: Transaction, run_id: str, person: Person) -> None:
    await tx.connection.execute(
        update(table)
        .where(table.c.id == run_id)
        .values(
            cancelled_by_id=person.id,
            cancelled_by_name=person.name,
            cancelled_from=person.origin,
            cancelled_at=tx.now,
        )
    )


def _cannot(request: Request, person: Person) -> str | None:
    """Why the run cannot be stopped, as a sentence; ``None`` where it can."""
    run = request.run
    if run is None or request.state is not RequestState.RUNNING:
        return _not_running(request, person)
    if run.state is RunState.ASKING:
        back = run.question is None or Answer.ROLL_BACK in run.question.answers
        ways = "roll back or abandon" if back else "abandon"
        return f"{request.id} does nothing now: it asks what to do. Answer it with {ways}."
    if run.cancelled is not None:
        by = run.cancelled
        return f"{by.person.name} cancelled {request.id} already, at {by.at:%H:%M:%S} UTC. {_DONE}"
    if run.reached >= request.plan.turning:
        title = request.plan.steps[request.plan.turning].title
        return f"{request.id} cannot be stopped any more: “{title}” has begun. It goes on to its end."
    return None


def _not_running(request: Request, person: Person) -> str:
    if request.state is RequestState.WAITING:
        own = person.id == request.requester.id
        instead = "withdraw it" if own else f"an approver can deny it, and {request.requester.name} can withdraw it"
        return f"{request.id} has not begun: it waits for approval. To stop it, {instead}."
    if request.state is RequestState.APPROVED:
        return f"{request.id} is about to begin; cancel it once it has."
    return f"{request.id} is over: it is {request.standing}."
