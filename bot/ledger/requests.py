"""Requests and decisions: each change of state is one statement that says from which state, and until when.

Every attempt, also one that does not count, is written to the audit in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, literal, select, update

from actions.kit.plan import Plan
from bot.ledger import audit, messages, reading
from bot.ledger.codec import PlanCodec
from bot.ledger.columns import Text, UtcDateTime
from bot.ledger.database import Transaction
from bot.ledger.ids import free_id, normal
from bot.ledger.records import TANDEM, Decided, Person, Request, RequestState, RunState, Verdict
from bot.ledger.tables import approvals, requests

_PREFIX = "R-"
_OPEN = (RequestState.WAITING, RequestState.APPROVED)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is filed: who asks for what, and the plan that was shown."""

    plan: Plan
    options: Mapping[str, str]
    requester: Person
    channel: str | None
    reason: str
    approvals_needed: int
    expires_in: timedelta
    break_glass: bool = False
    shown_in: str | None = None
    """In which channel its messages stand; by default where it was asked for."""
    crowd: Mapping[str, object] = field(default_factory=dict)
    """Who can approve it, for its card; values that JSON knows."""
    told: tuple[str, ...] = ()
    """The ids of those who are told directly that it goes without approval."""


def normal_id(text: str) -> str:
    """The id as it is stored, however a person typed it: ``r-7f3k9`` and ``7F3K9`` are ``R-7F3K9``."""
    return normal(text, _PREFIX)


async def file(tx: Transaction, codec: PlanCodec, ask: Ask) -> str:
    """Store a request; returns its id. One that needs no approval is approved at once."""
    request_id = await free_id(tx, requests.c.id, _PREFIX)
    state = RequestState.WAITING if ask.approvals_needed else RequestState.APPROVED
    expires_at = tx.now + ask.expires_in
    await tx.connection.execute(
        insert(requests).values(
            id=request_id,
            target=ask.plan.target,
            action=ask.plan.action,
            options=audit.canonical(dict(ask.options)),
            channel=ask.channel,
            requester_id=ask.requester.id,
            requester_name=ask.requester.name,
            origin=ask.requester.origin,
            reason=ask.reason,
            break_glass=ask.break_glass,
            plan=codec.dumps(ask.plan),
            approvals_needed=ask.approvals_needed,
            created_at=tx.now,
            expires_at=expires_at,
            state=state,
        )
    )
    shown_in = ask.shown_in or ask.channel
    if shown_in is not None:
        await messages.want(tx, messages.Want(f"card:{request_id}", "card", shown_in, request_id, body=ask.crowd))
    await audit.append(
        tx,
        "request.filed",
        ask.requester,
        request_id,
        target=ask.plan.target,
        action=ask.plan.action,
        options=dict(ask.options),
        reason=ask.reason,
        break_glass=ask.break_glass,
        fingerprint=ask.plan.fingerprint,
        approvals_needed=ask.approvals_needed,
        expires_at=expires_at.isoformat(),
    )
    await messages.glass_broken(tx, request_id, ask.told)
    return request_id


async def decide(
    tx: Transaction, codec: PlanCodec, request_id: str, person: Person, verdict: Verdict, reason: str
) -> Decided:
    """Count the decision of one person, if it may count: see ``_countable`` for all that it takes.

    Raises:
        UnknownRequest: there is none.
    """
    if verdict is Verdict.DENY:  # Somebody may think better of an approval while nothing has begun.
        await tx.connection.execute(
            delete(approvals).where(
                approvals.c.request_id == request_id,
                approvals.c.person_id == person.id,
                exists().where(requests.c.id == request_id, *_open(tx)),
            )
        )
    columns = ("request_id", "person_id", "person_name", "verdict", "reason", "at", "origin")
    counted = await tx.connection.execute(
        insert(approvals).from_select(columns, _countable(tx, request_id, person, verdict, reason))
    )
    ok = counted.rowcount == 1
    if ok:
        await _advance(tx, request_id, verdict)
    request = await reading.load(tx, codec, request_id)
    why = _thanks(request, verdict) if ok else _why_not(tx, request, person)
    tell = messages.happened if ok else audit.append
    await tell(tx, f"request.{verdict}", person, request_id, counts=ok, reason=reason, answer=why)
    return Decided(ok, request, why)


async def expire_due(tx: Transaction) -> tuple[str, ...]:
    """End every request whose deadline has passed before its run began; returns their ids."""
    ids = await due(tx)
    for request_id in ids:
        await move(tx, request_id, _OPEN, RequestState.EXPIRED)
        await messages.happened(tx, "request.expired", TANDEM, request_id)
    return ids


async def due(tx: Transaction) -> tuple[str, ...]:
    """The ids of the requests whose deadline has passed before their run began."""
    late = requests.c.state.in_(_OPEN) & (requests.c.expires_at <= tx.now)
    return tuple((await tx.connection.execute(select(requests.c.id).where(late))).scalars())


async def take(tx: Transaction, request_id: str) -> bool:
    """Let the run of an approved request begin, before its deadline; says whether it may."""
    taken = await tx.connection.execute(
        update(requests)
        .where(requests.c.id == request_id, requests.c.state == RequestState.APPROVED, requests.c.expires_at > tx.now)
        .values(state=RequestState.RUNNING)
    )
    return taken.rowcount == 1


async def refuse(tx: Transaction, request_id: str, why: str) -> bool:
    """An approved request cannot begin, for a reason that lies outside of it; says whether it was approved."""
    refused = await move(tx, request_id, (RequestState.APPROVED,), RequestState.REFUSED, why)
    if refused:
        await messages.happened(tx, "request.refused", TANDEM, request_id, why=why)
    return refused


async def withdraw(tx: Transaction, codec: PlanCodec, request_id: str, person: Person) -> Decided:
    """Take a request back; only who asked for it can, and only while it waits."""
    before = await reading.load(tx, codec, request_id)
    own = before.requester.id == person.id
    ok = own and await _taken_back(tx, request_id, person)
    request = await reading.load(tx, codec, request_id)
    waits = request.state is RequestState.WAITING and request.expires_at > tx.now
    why = "Withdrawn." if ok else _not_theirs(request) if waits and not own else _why_not(tx, request, person)
    tell = messages.happened if ok else audit.append
    await tell(tx, "request.withdrawn", person, request_id, counts=ok, answer=why)
    return Decided(ok, request, why)


async def move(
    tx: Transaction, request_id: str, before: tuple[RequestState, ...], after: RequestState, why: str = ""
) -> bool:
    """Change the state of a request, if it is in one of those; says whether it was."""
    moved = await tx.connection.execute(
        update(requests).where(requests.c.id == request_id, requests.c.state.in_(before)).values(state=after, why=why)
    )
    return moved.rowcount == 1


async def _taken_back(tx: Transaction, request_id: str, person: Person) -> bool:
    moved = await tx.connection.execute(
        update(requests).where(requests.c.id == request_id, *_open(tx)).values(state=RequestState.WITHDRAWN)
    )
    if moved.rowcount != 1:
        return False
    await tx.connection.execute(
        insert(approvals).values(
            request_id=request_id,
            person_id=person.id,
            person_name=person.name,
            verdict=Verdict.WITHDRAW,
            reason="",
            at=tx.now,
            origin=person.origin,
        )
    )
    return True


def _open(tx: Transaction) -> tuple[ColumnElement[bool], ...]:
    return (requests.c.state == RequestState.WAITING, requests.c.expires_at > tx.now)


def _countable(
    tx: Transaction, request_id: str, person: Person, verdict: Verdict, reason: str
) -> Select[tuple[str, str, str, str, str, datetime, str]]:
    """One row if the decision counts: the request waits, in time, for somebody else who has not decided yet."""
    decided = exists().where(approvals.c.request_id == requests.c.id, approvals.c.person_id == person.id)
    return select(
        requests.c.id,
        literal(person.id, Text),
        literal(person.name, Text),
        literal(verdict.value),
        literal(reason, Text),
        literal(tx.now, UtcDateTime),
        literal(person.origin.value),
    ).where(requests.c.id == request_id, requests.c.requester_id != person.id, ~decided, *_open(tx))


async def _advance(tx: Transaction, request_id: str, verdict: Verdict) -> None:
    """A denial ends the request; an approval approves it once there are enough."""
    if verdict is Verdict.DENY:
        await move(tx, request_id, (RequestState.WAITING,), RequestState.DENIED)
        return
    given = (
        select(func.count())
        .where(approvals.c.request_id == requests.c.id, approvals.c.verdict == Verdict.APPROVE)
        .scalar_subquery()
    )
    await tx.connection.execute(
        update(requests)
        .where(requests.c.id == request_id, *_open(tx), given >= requests.c.approvals_needed)
        .values(state=RequestState.APPROVED)
    )


def _thanks(request: Request, verdict: Verdict) -> str:
    if verdict is Verdict.DENY:
        return "Denied."
    missing = request.approvals_needed - len(request.approvals)
    return f"Your approval counts; {missing} more needed." if missing > 0 else "Approved."


def _why_not(tx: Transaction, request: Request, person: Person) -> str:
    """Why a decision did not count, as a sentence for the person."""
    if request.state is RequestState.EXPIRED or (request.state in _OPEN and request.expires_at <= tx.now):
        return f"{request.id} expired at {_clock(request.expires_at)}; ask for it anew."
    if request.denial is not None:
        return f"{request.id} was already denied by {request.denial.person.name} at {_clock(request.denial.at)}."
    if request.withdrawal is not None:
        by = request.withdrawal.person.name
        return f"{request.id} was already withdrawn by {by} at {_clock(request.withdrawal.at)}; ask for it anew."
    if request.state in (RequestState.VOID, RequestState.REFUSED):
        return f"{request.id} is {request.state}; ask for it anew. {request.why}".rstrip()
    if request.state is RequestState.WAITING:
        return _why_not_yours(request, person)
    given = ", ".join(f"{one.person.name} at {_clock(one.at)}" for one in request.approvals)
    so_far = {
        RunState.ASKING: " It was cut off and asks what to do.",
        RequestState.RUNNING: " It is running.",
        RequestState.ENDED: " It has ended.",
    }
    told = so_far.get(request.standing) or so_far.get(request.state, "")
    return f"{request.id} was already approved by {given or 'nobody: it needs no approval'}.{told}"


def _why_not_yours(request: Request, person: Person) -> str:
    if request.requester.id == person.id:
        return f"You asked for {request.id} yourself: a second person has to decide. You can withdraw it."
    own = next(one for one in request.decisions if one.person.id == person.id)
    missing = request.approvals_needed - len(request.approvals)
    return f"You approved {request.id} already, at {_clock(own.at)}; {missing} more needed from somebody else."


def _not_theirs(request: Request) -> str:
    return f"Only {request.requester.name}, who asked for {request.id}, can withdraw it; an approver can deny it."


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S UTC")
