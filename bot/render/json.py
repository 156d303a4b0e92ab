"""The terminal's JSON of what was seen, key by key as programs rely on it. Add keys, never rename them. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actions.kit.vantage import matrix
from bot.render.charting import chart_json
from bot.render.compared import comparison_json
from bot.render.connecting import connection_json
from bot.render.group import group_json
from bot.render.happenings import happenings_json
from bot.render.kubernetes import kubernetes_json
from bot.render.matrix import matrix_json
from bot.render.shards import shards_json

if TYPE_CHECKING:
    from actions.kit.action import Seen
    from actions.kit.findings import Finding
    from actions.kit.proof import Check
    from actions.kit.snapshot import NodeView, SentinelView, Snapshot, Unasked
    from actions.kit.topology import Address, Target

Json = dict[str, Any]


def seen_json(seen: Seen) -> Json:
    """What ``health`` prints."""
    snapshot, diagnosis = seen.snapshot, seen.diagnosis
    return {
        "target": snapshot.target,
        "kind": snapshot.kind.value,
        "observed_at": time_of(snapshot.observed_at),
        "verdict": diagnosis.verdict.id.value,
        "confidence": diagnosis.verdict.confidence.value,
        "master": text_of(diagnosis.master),
        "findings": [finding_json(one) for one in diagnosis.findings],
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
        "observed_at": time_of(snapshot.observed_at),
        **happenings_json(seen),
        "unasked": [{"source": one.source, "why": _why(one)} for one in snapshot.unasked],
    }


def connected_json(seen: Seen) -> Json:
    """What ``connect`` prints."""
    return _beside_the_verdict(seen, connection_json(seen))


def charted_json(seen: Seen) -> Json:
    """What ``chart`` prints."""
    return _beside_the_verdict(seen, chart_json(seen))


def _beside_the_verdict(seen: Seen, shown: Json) -> Json:
    """What was asked for, with what it was seen of, and who did not answer."""
    snapshot, verdict = seen.snapshot, seen.diagnosis.verdict
    return {
        "target": snapshot.target,
        "kind": snapshot.kind.value,
        "observed_at": time_of(snapshot.observed_at),
        "verdict": verdict.id.value,
        "confidence": verdict.confidence.value,
        "master": text_of(seen.diagnosis.master),
        **shown,
        "unasked": [{"source": one.source, "why": _why(one)} for one in snapshot.unasked],
    }


def fleet_json(fleet: Sequence[tuple[Target, Seen | str]]) -> Json:
    """What ``status`` prints: for each target its verdict, or why there is none."""
    return {"targets": [_glance(target, seen) for target, seen in fleet]}


def finding_json(finding: Finding) -> Json:
    """One finding."""
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
        "observed_at": time_of(seen.snapshot.observed_at),
        "severity": verdict.severity.word,
        "master": text_of(seen.diagnosis.master),
        "verdict": verdict.id.value,
        "confidence": verdict.confidence.value,
        "summary": verdict.summary,
    }


def _check(check: Check) -> Json:
    return {"title": check.title, "ok": check.ok, "observation": check.observation}


def _why(unasked: Unasked) -> str:
    return f"{unasked.reason.value}: {unasked.why}"


def text_of(address: Address | None) -> str | None:
    """An address as JSON has it."""
    return str(address) if address else None


def time_of(moment: datetime | None) -> str | None:
    """A moment as JSON has it: UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
