"""What one node told at one moment, whoever asked it: the numbers that a chart is made of. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.kit.snapshot import NodeView, Snapshot
    from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Reading:
    """``at`` in seconds since 1970. What was not told is ``None``, never zero.

    ``commands``, ``hits`` and ``misses`` count from the start of the process, which ``run`` names. ``silence``: why
    there was no answer. A replica's lag is told by its master: it may be there while the replica is silent.
    """

    at: float
    role: str = ""
    run: str = ""
    silence: str = ""
    clients: float | None = None
    memory: float | None = None
    memory_limit: float | None = None
    lag_seconds: float | None = None
    lag_bytes: float | None = None
    commands: float | None = None
    hits: float | None = None
    misses: float | None = None


def of_snapshot(snapshot: Snapshot, at: float) -> dict[str, Reading]:
    """The readings of one look, by node."""
    acknowledged = {
        attached.address: float(attached.lag_s)
        for view in snapshot.nodes
        if view.info is not None
        for attached in view.info.replicas
        if attached.state == "online"
    }
    return {str(view.address): _of_node(snapshot, view, at, acknowledged) for view in snapshot.nodes}


def _of_node(snapshot: Snapshot, view: NodeView, at: float, acknowledged: dict[Address, float]) -> Reading:
    lag_seconds = next((acknowledged[one] for one in (view.address, *view.also) if one in acknowledged), None)
    info = view.info
    if info is None:
        why = f"no answer: {view.unasked.reason.value}" if view.unasked else "no answer"
        return Reading(at, silence=why, lag_seconds=lag_seconds)
    return Reading(
        at,
        role=info.role.value,
        run=info.run_id,
        clients=info.connected_clients,
        memory=info.used_memory,
        memory_limit=info.max_memory or None,
        lag_seconds=lag_seconds if view.is_replica else None,
        lag_bytes=snapshot.lag_bytes(view),
        commands=info.stats.commands,
        hits=info.stats.hits,
        misses=info.stats.misses,
    )
