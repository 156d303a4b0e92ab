"""Reads rows into records."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from types import MappingProxyType

from sqlalchemy import RowMapping, Select, select

from actions.kit.settlement import Answer, Question
from bot.ledger.codec import PlanCodec
from bot.ledger.database import Transaction
from bot.ledger.errors import LedgerError, UnknownRequest
from bot.ledger.records import (
    Answered,
    Cancelled,
    Decision,
    Origin,
    Person,
    Request,
    RequestState,
    Review,
    Run,
    RunState,
    StepRecord,
    Verdict,
)
from bot.ledger.tables import approvals, requests, reviews, runs, steps

log = logging.getLogger(__name__)


async def load(tx: Transaction, codec: PlanCodec, request_id: str) -> Request:
    """One request with its decisions and its run.

    Raises:
        UnknownRequest: there is none.
    """
    row = (await tx.connection.execute(select(requests).where(requests.c.id == request_id))).mappings().first()
    if row is None:
        raise UnknownRequest(request_id)
    return await _request(tx, codec, row)


async def newest(
    tx: Transaction, codec: PlanCodec, limit: int, target: str | None, states: Sequence[RequestState] = ()
) -> tuple[Request, ...]:
    """The newest requests, the newest first; of one target, or in certain states."""
    query = select(requests).order_by(requests.c.created_at.desc(), requests.c.id).limit(limit)
    if target is not None:
        query = query.where(requests.c.target == target)
    if states:
        query = query.where(requests.c.state.in_(states))
    rows = (await tx.connection.execute(query)).mappings().all()
    return tuple([one for row in rows if (one := await _readable(tx, codec, row)) is not None])


async def load_all(tx: Transaction, codec: PlanCodec, ids: Iterable[str]) -> tuple[Request, ...]:
    """These requests, in this order; one that this version cannot read is left out."""
    query = select(requests).where(requests.c.id.in_(tuple(ids)))
    rows = {row["id"]: row for row in (await tx.connection.execute(query)).mappings().all()}
    found = [await _readable(tx, codec, rows[one]) for one in ids if one in rows]
    return tuple(one for one in found if one is not None)


async def _readable(tx: Transaction, codec: PlanCodec, row: RowMapping) -> Request | None:
    """One that another version wrote must not keep all others from being seen to."""
    try:
        return await _request(tx, codec, row)
    except LedgerError as error:
        log.error("%s is left out: %s", row["id"], error)  # noqa: TRY400 -- The sentence says all there is.
        return None


async def load_run(tx: Transaction, run_id: str) -> Run | None:
    """The run of a request, with its steps."""
    row = (await tx.connection.execute(select(runs).where(runs.c.id == run_id))).mappings().first()
    if row is None:
        return None
    return Run(
        id=row["id"],
        state=_run_state(tx, row),
        steps=await _steps(tx, run_id),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        failures=tuple(json.loads(row["failures"])),
        owner=row["owner"],
        question=_question(row),
        asked_at=row["asked_at"],
        answered=answered(row),
        cancelled=_cancelled(row),
    )


async def _request(tx: Transaction, codec: PlanCodec, row: RowMapping) -> Request:
    return Request(
        id=row["id"],
        target=row["target"],
        action=row["action"],
        options=MappingProxyType(json.loads(row["options"])),
        channel=row["channel"],
        requester=Person(row["requester_id"], row["requester_name"], Origin(row["origin"])),
        reason=row["reason"],
        plan=codec.loads(row["plan"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        approvals_needed=row["approvals_needed"],
        state=RequestState(row["state"]),
        why=row["why"],
        decisions=await _decisions(tx, row["id"]),
        run=await load_run(tx, row["id"]),
        break_glass=row["break_glass"],
        review=await _review(tx, row["id"]) if row["break_glass"] else None,
    )


async def _review(tx: Transaction, request_id: str) -> Review | None:
    row = (await tx.connection.execute(select(reviews).where(reviews.c.request_id == request_id))).one_or_none()
    if row is None:
        return None
    signed_by = None if row.signed_by_id is None else Person(row.signed_by_id, row.signed_by_name)
    return Review(row.opened_at, signed_by, row.signed_at, row.note)


async def _decisions(tx: Transaction, request_id: str) -> tuple[Decision, ...]:
    query: Select[tuple[object, ...]] = (
        select(approvals).where(approvals.c.request_id == request_id).order_by(approvals.c.at)
    )
    rows = (await tx.connection.execute(query)).mappings().all()
    return tuple(
        Decision(
            Person(row["person_id"], row["person_name"], Origin(row["origin"])),
            Verdict(row["verdict"]),
            row["reason"],
            row["at"],
        )
        for row in rows
    )


async def _steps(tx: Transaction, run_id: str) -> tuple[StepRecord, ...]:
    query = select(steps).where(steps.c.run_id == run_id).order_by(steps.c.index)
    rows = (await tx.connection.execute(query)).mappings().all()
    left_out = {"run_id", "results"}
    return tuple(
        StepRecord(
            **{name: row[name] for name in row if name not in left_out},
            results=MappingProxyType(json.loads(row["results"])),
        )
        for row in rows
    )


def answered(row: RowMapping) -> Answered | None:
    """The latest answer to a run, whether it is used up or not."""
    if row["answer"] is None:
        return None
    person = Person(row["answered_by_id"], row["answered_by_name"], Origin(row["answered_from"]))
    return Answered(Answer(row["answer"]), person, row["answered_at"])


def _cancelled(row: RowMapping) -> Cancelled | None:
    if row["cancelled_at"] is None:
        return None
    person = Person(row["cancelled_by_id"], row["cancelled_by_name"], Origin(row["cancelled_from"]))
    return Cancelled(person, row["cancelled_at"])


def _question(row: RowMapping) -> Question | None:
    if row["question"] is None or row["answer"] is not None or row["ended_at"] is not None:
        return None
    content = json.loads(row["question"])
    return Question(tuple(content["seen"]), content["moved"], content["destroys"])


def _run_state(tx: Transaction, row: RowMapping) -> RunState:
    if row["ended_at"] is not None:
        return RunState(row["outcome"])
    if row["question"] is not None:
        return RunState.ASKING if row["answer"] is None else RunState.UNSETTLED
    return RunState.RUNNING if row["leased_until"] > tx.now else RunState.UNSETTLED
