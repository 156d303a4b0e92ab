"""The terminal's JSON, key by key as programs rely on it. Add keys, never rename them. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actions.kit.action import Seen
from actions.kit.findings import Finding
from actions.kit.plan import Plan, Refusal
from actions.kit.proof import Check
from actions.kit.snapshot import NodeView, SentinelView, Snapshot, Unasked
from actions.kit.topology import Address, Target
from actions.kit.vantage import matrix
from bot.render.compared import comparison_json
from bot.render.group import group_json
from bot.render.happenings import happenings_json
from bot.render.kubernetes import kubernetes_json
from bot.render.matrix import matrix_json
from bot.render.questions import effects
from bot.render.shards import shards_json

if TYPE_CHECKING:  # It brings the database's library, which most commands do without.
    from bot.directory import Human
    from bot.ledger.records import Decision, Person, Request, Review, Run, StepRecord
    from bot.ledger.tokens import Token

Json = dict[str, Any]


def seen_json(seen: Seen) -> Json:
    """What ``health`` prints."""
    snapshot, diagnosis = seen.snapshot, seen.diagnosis
    return {
        "target": snapshot.target,
        "kind": snapshot.kind.value,
        "observed_at": _time(snapshot.observed_at),
        "verdict": diagnosis.verdict.id.value,
        "confidence": diagnosis.verdict.confidence.value,
        "master": _address(diagnosis.master),
        "findings": [_finding(one) for one in diagnosis.findings],
        "nodes": [_node(snapshot, one) for one in snapshot.nodes],
        "sentinels": [_sentinel(one) for one in snapshot.sentinels],
        "unasked": [{"source": one.source, "why": _why(one)} for one in snapshot.unasked],
        **comparison_json(seen),
        **({"shards": shards_json(snapshot)} if snapshot.in_cluster else {}),
        **({"group": group_json(snapshot.group)} if snapshot.group else {}),
        **({"kubernetes": kubernetes_json(snapshot.kubernetes)} if snapshot.kubernetes else {}),
    }


def diagnosed_json(seen: Seen) -> Json:
    """What ``diagnose`` prints: as ``health``, with who sees whom."""
    return seen_json(seen) | {"matrix": matrix_json(matrix(seen.snapshot))}


def verified_json(seen: Seen) -> Json:
    """What ``verify`` prints: as ``health``, with the checks."""
    return seen_json(seen) | {"ok": all(one.ok for one in seen.checks), "checks": [_check(one) for one in seen.checks]}


def events_json(seen: Seen) -> Json:
    """What ``events`` prints."""
    snapshot = seen.snapshot
    return {
        "target": snapshot.target,
        "kind": snapshot.kind.value,
        "observed_at": _time(snapshot.observed_at),
        **happenings_json(seen),
        "unasked": [{"source": one.source, "why": _why(one)} for one in snapshot.unasked],
    }


def fleet_json(fleet: Sequence[tuple[Target, Seen | str]]) -> Json:
    """What ``status`` prints: for each target its verdict, or why there is none."""
    return {"targets": [_glance(target, seen) for target, seen in fleet]}


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
        "candidate": _address(plan.candidate),
        "rejected": [{"node": str(one.node), "why": one.why} for one in plan.rejected],
        "steps": [{"title": step.title, "command": step.command} for step in plan.steps],
        "fingerprint": plan.fingerprint,
        "approvals_needed": approvals_needed,
    }


def refusal_json(refusal: Refusal) -> Json:
    """What ``plan`` prints where there is none."""
    return {"refusal": {"reason": refusal.reason, "findings": [_finding(one) for one in refusal.findings]}}


def request_json(request: Request) -> Json:
    """What ``show`` prints: the request, its plan and decisions, and the run with its steps and times if any."""
    return {
        **_glance_of_request(request),
        "options": dict(request.options),
        "channel": request.channel,
        "reason": request.reason,
        "expires_at": _time(request.expires_at),
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
                "started_at": _time(one.run.started_at) if one.run else None,
                "ended_at": _time(one.run.ended_at) if one.run else None,
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
                "issued_at": _time(one.issued_at),
                "used_at": _time(one.used_at),
                "expires_at": _time(one.expires_at),
            }
            for one in tokens
        ]
    }


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.id.value,
        "severity": finding.severity.word,
        "confidence": finding.confidence.value,
        "summary": finding.summary,
        "nodes": [str(node) for node in finding.nodes],
        "evidence": [{"source": one.source, "observation": one.observation} for one in finding.evidence],
        "suggests": list(finding.suggests),
    }


def _node(snapshot: Snapshot, node: NodeView) -> Json:
    info = node.info
    return {
        "address": str(node.address),
        "role": info.role.value if info else None,
        "reachable": info is not None,
        "error": _why(node.unasked) if node.unasked else None,
        "replid": info.replid if info else None,
        "offset": info.offset if info else None,
        "lag_bytes": snapshot.lag_bytes(node),
        "link": link_word(node),
    }


def link_word(node: NodeView) -> str | None:
    """``up``, ``syncing`` or ``down`` for a replica's link to its master; ``None`` for a master or where unknown."""
    link = node.info.link if node.info else None
    if link is None:
        return None
    return "syncing" if link.sync_in_progress else "up" if link.up else "down"


def _sentinel(view: SentinelView) -> Json:
    master = view.master
    return {
        "address": str(view.address),
        "reachable": view.unasked is None or bool(view.knows),
        "error": _why(view.unasked) if view.unasked else None,
        "master": str(master.address) if master else None,
        "config_epoch": master.config_epoch if master else None,
        "flags": sorted(master.flags) if master else [],
        "quorum": master.quorum if master else None,
        "quorum_ok": view.quorum_ok,
        "quorum_text": view.quorum_text,
        "tilt": view.tilt,
        "knows": list(view.knows),
    }


def _glance(target: Target, seen: Seen | str) -> Json:
    glance: Json = {"target": target.name, "kind": target.kind.value, "environment": target.environment}
    if isinstance(seen, str):
        nothing: Json = dict.fromkeys(("observed_at", "severity", "master"))
        return glance | nothing | {"verdict": "undetermined", "confidence": "undetermined", "summary": seen}
    verdict = seen.diagnosis.verdict
    return glance | {
        "observed_at": _time(seen.snapshot.observed_at),
        "severity": verdict.severity.word,
        "master": _address(seen.diagnosis.master),
        "verdict": verdict.id.value,
        "confidence": verdict.confidence.value,
        "summary": verdict.summary,
    }


def _glance_of_request(request: Request) -> Json:
    return {
        "id": request.id,
        "target": request.target,
        "action": request.action,
        "state": request.state.value,
        "requester": _person(request.requester),
        "created_at": _time(request.created_at),
    }


def _run(run: Run) -> Json:
    return {
        "state": run.state.value,
        "started_at": _time(run.started_at),
        "ended_at": _time(run.ended_at),
        "failures": list(run.failures),
        "question": _question(run),
        "cancelled": _cancelled(run),
        "steps": [_step(one) for one in run.steps],
    }


def _review(review: Review) -> Json:
    return {
        "opened_at": _time(review.opened_at),
        "signed_by": _person(review.signed_by) if review.signed_by else None,
        "signed_at": _time(review.signed_at),
        "note": review.note,
    }


def _cancelled(run: Run) -> Json | None:
    return {"by": _person(run.cancelled.person), "at": _time(run.cancelled.at)} if run.cancelled else None


def _question(run: Run) -> Json | None:
    if run.question is None:
        return None
    answers = [{"answer": answer.value, "does": effect} for answer, effect in effects(run.question)]
    return {"asked_at": _time(run.asked_at), "seen": list(run.question.seen), "answers": answers}


def _step(step: StepRecord) -> Json:
    return {
        "index": step.index,
        "title": step.title,
        "command": step.command,
        "state": step.state,
        "started_at": _time(step.started_at),
        "ended_at": _time(step.ended_at),
        "note": step.note,
    }


def _decision(one: Decision) -> Json:
    return {
        "person": _person(one.person),
        "verdict": one.verdict.value,
        "reason": one.reason,
        "at": _time(one.at),
    }


def _person(person: Person) -> Json:
    return {"id": person.id, "name": person.name, "origin": person.origin.value}


def _check(check: Check) -> Json:
    return {"title": check.title, "ok": check.ok, "observation": check.observation}


def _why(unasked: Unasked) -> str:
    return f"{unasked.reason.value}: {unasked.why}"


def _address(address: Address | None) -> str | None:
    return str(address) if address else None


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
