"""The terminal's JSON of plans, requests and runs, key by key as programs rely on it. Add keys, never rename them.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.render.json import Json, finding_json, text_of, time_of
from bot.render.questions import effects

if TYPE_CHECKING:  # It brings the database's library, which planning does without.
    from actions.kit.plan import Plan, Refusal
    from bot.directory import Human
    from bot.ledger.records import Decision, Person, Request, Review, Run, StepRecord
    from bot.ledger.tokens import Token


def plan_json(plan: Plan, approvals_needed: int) -> Json:
    """What ``plan`` prints where there is one."""
    cost = plan.cost
    return {
        "target": plan.target,
        "action": plan.action,
        "risk": plan.risk.value,
        "because": plan.because,
        "cost": {
            "loss_bytes": cost.loss_bytes,
            "loss_keys": cost.loss_keys,
            "pause_ms": cost.pause_ms,
            "notes": list(cost.notes),
        },
        "candidate": text_of(plan.candidate),
        "rejected": [{"node": str(one.node), "why": one.why} for one in plan.rejected],
        "steps": [{"title": step.title, "command": step.command} for step in plan.steps],
        "fingerprint": plan.fingerprint,
        "approvals_needed": approvals_needed,
        **({"settings": _settings(plan)} if cost.settings_only else {}),
    }


def _settings(plan: Plan) -> list[Json]:
    """Every value that changes, as the servers print it."""
    changes = (change for step in plan.steps for change in step.changes)
    return [{"node": str(one.node), "name": one.name, "now": one.old, "then": one.new} for one in changes]


def refusal_json(refusal: Refusal) -> Json:
    """What ``plan`` prints where there is none."""
    return {"refusal": {"reason": refusal.reason, "findings": [finding_json(one) for one in refusal.findings]}}


def request_json(request: Request) -> Json:
    """What ``show`` prints: the request, its plan and decisions, and the run with its steps and times if any."""
    return {
        **_glance_of_request(request),
        "options": dict(request.options),
        "channel": request.channel,
        "reason": request.reason,
        "expires_at": time_of(request.expires_at),
        "approvals_needed": request.approvals_needed,
        "why": request.why,
        "fingerprint": request.plan.fingerprint,
        "because": request.plan.because,
        "plan": plan_json(request.plan, request.approvals_needed),
        "break_glass": request.break_glass,
        "review": _review(request.review) if request.review else None,
        "decisions": [_decision(one) for one in request.decisions],
        "run": _run(request.run) if request.run else None,
    }


def requests_json(requests: Sequence[Request]) -> Json:
    """What ``runs`` prints: the newest first."""
    return {
        "runs": [
            _glance_of_request(one)
            | {
                "break_glass": one.break_glass,
                "review_open": one.review is not None and one.review.signed_at is None,
                "run_state": one.run.state.value if one.run else None,
                "started_at": time_of(one.run.started_at) if one.run else None,
                "ended_at": time_of(one.run.ended_at) if one.run else None,
            }
            for one in requests
        ]
    }


def human_json(human: Human) -> Json:
    """Somebody who can approve."""
    return {"id": human.id, "name": human.name}


def tokens_json(tokens: Sequence[Token]) -> Json:
    """What ``token list`` prints."""
    return {
        "tokens": [
            {
                "id": one.id,
                "issued_at": time_of(one.issued_at),
                "used_at": time_of(one.used_at),
                "expires_at": time_of(one.expires_at),
            }
            for one in tokens
        ]
    }


def _glance_of_request(request: Request) -> Json:
    return {
        "id": request.id,
        "target": request.target,
        "action": request.action,
        "state": request.state.value,
        "requester": _person(request.requester),
        "created_at": time_of(request.created_at),
    }


def _run(run: Run) -> Json:
    return {
        "state": run.state.value,
        "started_at": time_of(run.started_at),
        "ended_at": time_of(run.ended_at),
        "failures": list(run.failures),
        "question": _question(run),
        "cancelled": _cancelled(run),
        "steps": [_step(one) for one in run.steps],
    }


def _review(review: Review) -> Json:
    return {
        "opened_at": time_of(review.opened_at),
        "signed_by": _person(review.signed_by) if review.signed_by else None,
        "signed_at": time_of(review.signed_at),
        "note": review.note,
    }


def _cancelled(run: Run) -> Json | None:
    return {"by": _person(run.cancelled.person), "at": time_of(run.cancelled.at)} if run.cancelled else None


def _question(run: Run) -> Json | None:
    if run.question is None:
        return None
    answers = [{"answer": answer.value, "does": effect} for answer, effect in effects(run.question)]
    return {"asked_at": time_of(run.asked_at), "seen": list(run.question.seen), "answers": answers}


def _step(step: StepRecord) -> Json:
    return {
        "index": step.index,
        "title": step.title,
        "command": step.command,
        "state": step.state,
        "started_at": time_of(step.started_at),
        "ended_at": time_of(step.ended_at),
        "note": step.note,
        "results": dict(step.results),
    }


def _decision(one: Decision) -> Json:
    return {
        "person": _person(one.person),
        "verdict": one.verdict.value,
        "reason": one.reason,
        "at": time_of(one.at),
    }


def _person(person: Person) -> Json:
    return {"id": person.id, "name": person.name, "origin": person.origin.value}
