"""Rules about what a node keeps on its disk: its dump and its AOF. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actions.kit.diagnosis.about import about
from actions.kit.diagnosis.facts import Facts
from actions.kit.findings import Finding, FindingId, Severity
from actions.kit.snapshot import NodeInfo, NodeView

PATIENCE_S = 3_600
"""A save point that is overdue by so much and its own time once more is not kept: a long dump may be the reason."""

AT_ONCE_S = 2
"""Servers that are started together differ by no more."""

REFUSES = " and refuses writes"


def disk_stops_writes(facts: Facts) -> Iterator[Finding]:
    """A master cannot write its data to disk, and refuses writes for it, as it says.

    Its AOF cannot be written; or its last BGSAVE failed, it has save points, and stop-writes-on-bgsave-error.
    """
    yield from (one for one in _failing(facts) if one.severity is Severity.CRITICAL)


def persistence_failing(facts: Facts) -> Iterator[Finding]:
    """The last BGSAVE, AOF write or AOF rewrite of a node failed, as it says, and it does not refuse writes for it.

    Likely where nothing failed, but a save point has been due for more than an hour beyond twice its time: the clock
    may have jumped. Information (likely) where a master that keeps nothing on disk came back with nothing, later than
    all of its replicas began: whatever they had is gone.
    """
    yield from (one for one in _failing(facts) if one.severity is not Severity.CRITICAL)
    yield from _came_back_empty(facts)
    for node in facts.snapshot.nodes:
        age_s = _overdue_s(node, node.info) if node.info else None
        if node.info and age_s is not None and not any(_failed(node.info)):
            hours = age_s // 3_600
            summary = f"{node.address} has not saved for {hours:,} hours, though a save point is due: look at its log."
            said = f"rdb_last_save_time {age_s:,} s ago, {node.info.changes_since_save:,} changes since"
            yield about(facts, FindingId.PERSISTENCE_FAILING, node, Severity.WARNING, summary, said, sure=False)


def _came_back_empty(facts: Facts) -> Iterator[Finding]:
    for node in facts.masters:
        info, config = node.info, node.config
        followers = [one.info.uptime_s for one in facts.followers.get(node.address, ()) if one.info]
        if info is None or config is None or node.keys != 0 or not followers:
            continue
        keeps_nothing = info.aof_enabled is False and config.save_points == ()
        if keeps_nothing and info.uptime_s + AT_ONCE_S < min(followers):
            summary = (
                f"{node.address} was restarted {info.uptime_s:,} s ago, keeps nothing on disk, and holds no keys: if "
                "there were any, they are gone, on its replicas too."
            )
            said = f"uptime_in_seconds {info.uptime_s:,}, no save points, aof_enabled:0, no keys"
            yield about(facts, FindingId.PERSISTENCE_FAILING, node, Severity.INFO, summary, said, sure=False)


def _failing(facts: Facts) -> Iterator[Finding]:
    for node in facts.snapshot.nodes:
        failed = " ".join(_failed(node.info)) if node.info else ""
        if failed:
            stops = _stops(node)
            severity = Severity.CRITICAL if stops == REFUSES else Severity.WARNING
            summary = f"{node.address} cannot write its data to disk{stops}: look at its disk and its log."
            finding = about(facts, FindingId.PERSISTENCE_FAILING, node, severity, summary, failed)
            does = (*facts.failover_lines(node), *facts.lines("verify", "diagnose"))
            yield replace(finding, suggests=does) if node.is_master else finding


def stops_on_bgsave_error(node: NodeView) -> bool:
    """A master refuses writes after a failed BGSAVE: only where it has save points."""
    return bool(node.config and node.config.stops_on_bgsave_error and node.config.save_points)


def _failed(info: NodeInfo) -> Iterator[str]:
    if info.last_bgsave_ok is False:
        yield "rdb_last_bgsave_status:err"
    if info.aof_enabled and info.last_aof_write_ok is False:
        yield "aof_last_write_status:err"
    if info.aof_enabled and info.last_aof_rewrite_ok is False:
        yield "aof_last_bgrewrite_status:err"


def _stops(node: NodeView) -> str:
    info, config = node.info, node.config
    if not node.is_master or info is None or (info.last_bgsave_ok is not False and info.last_aof_write_ok is not False):
        return ""
    if stops_on_bgsave_error(node) or (info.aof_enabled and info.last_aof_write_ok is False):
        return REFUSES
    return " and by default refuses writes" if config is None or config.stops_on_bgsave_error is None else ""


def _overdue_s(node: NodeView, info: NodeInfo) -> int | None:
    """How long ago it saved last, where a save point has long been due; ``None`` where none is, or nobody can tell."""
    points = node.config.save_points if node.config else None
    now_us, saved_at, changes = info.stats.time_us, info.stats.last_save_at, info.changes_since_save
    if (
        not points
        or now_us is None
        or saved_at is None
        or changes is None
        or info.loading
        or info.stats.bgsave_in_progress
    ):
        return None
    age_s = now_us // 1_000_000 - saved_at
    due = any(changes >= least and age_s > 2 * after_s + PATIENCE_S for after_s, least in points)
    return age_s if due and age_s <= info.uptime_s + PATIENCE_S else None
