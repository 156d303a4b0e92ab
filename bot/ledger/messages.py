"""Which messages Slack has to show: written in the transaction of the fact that they show, so that none gets lost.

Whatever happens to a request is told by ``happened``: to the audit, which remembers it, and here, where its messages
follow from its state. They are rendered when they are sent, from what the ledger holds then.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, insert, select, update

from bot.ledger import audit
from bot.ledger.database import SOME, Transaction
from bot.ledger.records import Person, Request, RequestState
from bot.ledger.tables import outbox, requests

TOPIC = "outbox"
"""What a sender in this process waits for."""

TARGET = "target:"
"""What a channel begins with that stands for all channels which a target is bound to; ``target:*``: any target."""

MENDABLE = ("not_in_channel", "channel_not_found", "is_archived", "restricted_action")
"""Slack's words for why a channel does not take a message that somebody can do something about."""

_WORDS = {
    RequestState.APPROVED: "approved",
    RequestState.DENIED: "denied",
    RequestState.EXPIRED: "expired",
    RequestState.REFUSED: "refused",
}
"""The states that the requester is told of, and the kind of message that does."""


@dataclass(frozen=True, slots=True)
class Want:
    """A message that there has to be.

    ``channel``: an id, a user's id for a direct message, or ``TARGET`` and a name. ``under``: the key of the message in
    whose thread it stands. ``body``: what it is rendered with besides the request, values that JSON knows; ``None``
    keeps what was given before.
    """

    key: str
    kind: str
    channel: str
    request_id: str | None = None
    under: str | None = None
    body: Mapping[str, object] | None = None


async def happened(tx: Transaction, kind: str, who: Person, request_id: str, /, **details: object) -> None:
    """Tell the audit what happened to a request or its run, and have its messages show it."""
    await audit.append(tx, kind, who, request_id, **details)
    query = select(requests.c.state, requests.c.requester_id).where(requests.c.id == request_id)
    row = (await tx.connection.execute(query)).one()
    channel = await _channel(tx, request_id)
    of_run = kind.partition(".")[0] in {"run", "step"}
    for one in _following(request_id, RequestState(row.state), channel, row.requester_id, of_run=of_run):
        await want(tx, one)
    await again(tx, f"direct:{request_id}")


async def want(tx: Transaction, one: Want) -> None:
    """Have a message posted, once; where it stands already, have it brought up to date."""
    await want_all(tx, [one])


async def want_all(tx: Transaction, wanted: Sequence[Want]) -> None:
    """The same for several, each with a key of its own."""
    there = await _there(tx, wanted)
    for one in wanted:
        if one.key in there:
            await again(tx, one.key, one.body)
    await _insert(tx, [one for one in wanted if one.key not in there])


async def new(tx: Transaction, one: Want) -> None:
    """Have a message posted; where there is one of this key already, nothing is changed."""
    if not await _there(tx, [one]):
        await _insert(tx, [one])


async def _there(tx: Transaction, wanted: Sequence[Want]) -> set[str]:
    """The keys of those that there are."""
    found: set[str] = set()
    for at in range(0, len(wanted), SOME):
        keys = [one.key for one in wanted[at : at + SOME]]
        found |= set((await tx.connection.execute(select(outbox.c.key).where(outbox.c.key.in_(keys)))).scalars())
    return found


async def _insert(tx: Transaction, wanted: Sequence[Want]) -> None:
    rows = [
        {
            "key": one.key,
            "kind": one.kind,
            "channel": one.channel,
            "request_id": one.request_id,
            "under": one.under,
            "body": None if one.body is None else audit.canonical(one.body),
            "created_at": tx.now,
            "due_at": tx.now,
        }
        for one in wanted
    ]
    for at in range(0, len(rows), SOME):
        await tx.connection.execute(insert(outbox), rows[at : at + SOME])
    if rows:
        tx.topics.add(TOPIC)


async def again(tx: Transaction, key: str, body: Mapping[str, object] | None = None) -> bool:
    """Have a message brought up to date, if there is one; says whether there is.

    What is new of an incident is tried again also where its channel did not take the message: nobody else tells of it.
    """
    tried = (outbox.c.kind == "incident") & outbox.c.gone.in_(MENDABLE)
    changed: dict[str, object] = {} if body is None else {"body": audit.canonical(body)}
    changed["gone"] = case((tried, None), else_=outbox.c.gone)
    done = await tx.connection.execute(
        update(outbox).where(outbox.c.key == key).values(wanted=outbox.c.wanted + 1, **changed)
    )
    if done.rowcount:
        tx.topics.add(TOPIC)
    return bool(done.rowcount)


async def tell(tx: Transaction, person_id: str, text: str, request_id: str | None = None) -> None:
    """Tell one person something directly; a sentence, which may mention people as ``<@U…>``."""
    await want(tx, Want(_new("told"), "told", person_id, request_id, body={"text": text}))


async def announce(tx: Transaction, target: str, text: str, channel: str | None = None) -> None:
    """Tell all channels which a target is bound to, and this one; ``*``: all targets. ``text`` as in ``tell``."""
    one = Want(_new("notice"), "notice", TARGET + target, body={"text": text})
    await want(tx, one)
    if channel is not None:
        await want(tx, of_channel(one.key, one.kind, channel, {"text": text}))


async def hurry(tx: Transaction) -> None:
    """Slack is there again: what could not be sent since is due now."""
    failed = (outbox.c.shown < outbox.c.wanted) & outbox.c.gone.is_(None) & (outbox.c.attempts > 0)
    await tx.connection.execute(update(outbox).where(failed).values(due_at=tx.now))
    tx.topics.add(TOPIC)


def of_channel(key: str, kind: str, channel: str, body: Mapping[str, object]) -> Want:
    """One of the messages which together make up one that is for several channels."""
    return Want(f"{key}/{channel}", kind, channel, body=body)


async def drifted(tx: Transaction, request: Request, difference: Sequence[str]) -> None:
    """Say that an approval is void, and why, a line for each difference."""
    channel = await _channel(tx, request.id) or request.requester.id
    await want(tx, Want(f"drifted:{request.id}", "drifted", channel, request.id, body={"difference": list(difference)}))


async def glass_broken(tx: Transaction, request_id: str, people: Sequence[str]) -> None:
    """Tell each of these people directly that a request goes without approval."""
    for person_id in people:
        await want(tx, Want(f"glass:{request_id}/{person_id}", "glass", person_id, request_id))


async def review_due(tx: Transaction, request: Request, people: Sequence[str], *, first: bool) -> None:
    """Ask for a review: by a message that stays, and each further time in its thread; without a channel, directly."""
    channel = await _channel(tx, request.id)
    key, body = f"review:{request.id}", {"people": list(people)}
    if channel is None:
        for person_id in people:
            await want(tx, Want(_new("reminder"), "reminder", person_id, request.id, body=body))
        return
    await want(tx, Want(key, "review", channel, request.id, body=body))
    if not first:
        await want(tx, Want(_new("reminder"), "reminder", channel, request.id, under=key, body=body))


async def asked(tx: Transaction, request_id: str, number: int) -> None:
    """Call the people who know of a run to what it asks; ``number`` tells one question from another."""
    under = f"run:{request_id}"
    query = select(outbox.c.channel).where(outbox.c.key == under)
    channel: str | None = (await tx.connection.execute(query)).scalar()
    if channel is not None:
        await want(tx, Want(f"asked:{request_id}:{number}", "asked", channel, request_id, under=under))


async def _channel(tx: Transaction, request_id: str) -> str | None:
    """Where the messages of a request stand: where its card does; ``None`` where it has none."""
    card = select(outbox.c.channel).where(outbox.c.key == f"card:{request_id}").scalar_subquery()
    asked_in = select(requests.c.channel).where(requests.c.id == request_id).scalar_subquery()
    found: str | None = (await tx.connection.execute(select(func.coalesce(card, asked_in)))).scalar()
    return found


def _new(kind: str) -> str:
    return f"{kind}:{secrets.token_hex(6)}"


def _following(
    request_id: str, state: RequestState, channel: str | None, requester: str, *, of_run: bool
) -> Iterator[Want]:
    """What has to be seen of a request that is in this state now; who asked in no channel is told directly."""
    card, run = f"card:{request_id}", f"run:{request_id}"
    if of_run and state is not RequestState.VOID:
        if channel is not None:
            yield Want(run, "run", channel, request_id)
            if state is RequestState.ENDED:
                yield Want(f"transcript:{request_id}", "transcript", channel, request_id, under=run)
        return
    if channel is not None:
        yield Want(card, "card", channel, request_id)
    word = _WORDS.get(state)
    if word is not None:
        under = card if channel is not None else None
        yield Want(f"{word}:{request_id}", word, channel or requester, request_id, under)
