"""Reviews: what ran without approval, in an emergency, is open until a second person has signed it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, insert, select, update

from bot.ledger import audit, messages, reading
from bot.ledger.codec import PlanCodec
from bot.ledger.database import Database, Transaction
from bot.ledger.records import TANDEM, Decided, Person, Request
from bot.ledger.requests import normal_id
from bot.ledger.tables import reviews, runs


class Reviews:
    """The reviews in one ledger."""

    def __init__(self, database: Database, codec: PlanCodec) -> None:
        self._database = database
        self._codec = codec

    async def unsigned(self) -> tuple[Request, ...]:
        """The requests whose review nobody has signed, the oldest first."""
        async with self._database.reading() as tx:
            query = select(reviews.c.request_id).where(reviews.c.signed_at.is_(None)).order_by(reviews.c.opened_at)
            return await reading.load_all(tx, self._codec, (await tx.connection.execute(query)).scalars().all())

    async def due(self) -> tuple[Request, ...]:
        """Those that people have to be asked for now: their run has ended, and the time has come, or come again."""
        async with self._database.reading() as tx:
            query = (
                select(reviews.c.request_id)
                .join(runs, runs.c.id == reviews.c.request_id)
                .where(*_late(tx), runs.c.ended_at.is_not(None))
                .order_by(reviews.c.opened_at)
            )
            return await reading.load_all(tx, self._codec, (await tx.connection.execute(query)).scalars().all())

    async def ask_for(self, request: Request, people: Sequence[str], every: timedelta) -> bool:
        """Have a review asked for, unless another process has done so; it falls due again after ``every``.

        Args:
            request: what ran.
            people: the ids of those who can sign it.
            every: until the next time.
        """
        async with self._database.writing() as tx:
            mine = reviews.c.request_id == request.id
            row = (await tx.connection.execute(select(reviews).where(mine, *_late(tx)))).one_or_none()
            if row is None:
                return False
            await tx.connection.execute(update(reviews).where(mine).values(remind_at=tx.now + every))
            await audit.append(tx, "review.due", TANDEM, request.id)
            await messages.review_due(tx, request, people, first=row.remind_at == row.opened_at)
            return True

    async def sign(self, request_id: str, person: Person, note: str) -> Decided:
        """Close a review with what was found; it counts once, and never for who has asked for the run.

        Raises:
            UnknownRequest: there is no such request.
        """
        async with self._database.writing() as tx:
            request = await reading.load(tx, self._codec, normal_id(request_id))
            why = why_not_signed(request, person)
            if why is None:
                signed = {"signed_by_id": person.id, "signed_by_name": person.name, "signed_at": tx.now, "note": note}
                await tx.connection.execute(update(reviews).where(reviews.c.request_id == request.id).values(signed))
            answer = why or f"Signed: the review of {request.id} is closed."
            await audit.append(tx, "review.sign", person, request.id, counts=why is None, note=note, answer=answer)
            for kind in ("review", "card", "run") if why is None else ():
                await messages.again(tx, f"{kind}:{request.id}")
            return Decided(why is None, await reading.load(tx, self._codec, request.id), answer)


def why_not_signed(request: Request, person: Person) -> str | None:
    """Why a signature does not count, as a sentence; ``None`` where it does."""
    review, run = request.review, request.run
    if review is None or run is None:
        return f"{request.id} has no review: only what ran without approval, by --break-glass, leaves one."
    if review.signed_by is not None and review.signed_at is not None:
        return f"The review of {request.id} was signed by {review.signed_by.name} at {review.signed_at:%H:%M:%S} UTC."
    if request.requester.id == person.id:
        return f"You broke the glass for {request.id} yourself: a second person has to sign its review."
    if run.ended_at is None:
        return f"The run of {request.id} has not ended; sign its review after that."
    return None


async def begin(tx: Transaction, request_id: str) -> None:
    """A run without approval begins: from now on it has to be reviewed."""
    await tx.connection.execute(insert(reviews).values(request_id=request_id, opened_at=tx.now, remind_at=tx.now))
    await audit.append(tx, "review.open", TANDEM, request_id)


async def drop(tx: Transaction, request_id: str) -> None:
    """The run was void before it did anything: there is nothing to review."""
    dropped = await tx.connection.execute(delete(reviews).where(reviews.c.request_id == request_id))
    if dropped.rowcount:
        await audit.append(tx, "review.drop", TANDEM, request_id)


def _late(tx: Transaction) -> tuple[ColumnElement[bool], ...]:
    return (reviews.c.signed_at.is_(None), reviews.c.remind_at <= tx.now)
