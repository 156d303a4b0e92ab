"""Why a target that Sentinel is in charge of may not be switched now. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.fencing import fence_left
from actions.kit.snapshot import NodeView, SentinelView, Snapshot


def not_now(snapshot: Snapshot) -> Iterator[str]:
    """Why nobody may switch this target at this moment, whoever would be the candidate; every reason, as sentences."""
    yield from _sentinels_not_ready(snapshot)
    yield from _master_not_ready(snapshot)


def _sentinels_not_ready(snapshot: Snapshot) -> Iterator[str]:
    for view in snapshot.sentinels:
        yield from _sentinel_not_ready(view, snapshot.master_name)
    answering = [view for view in snapshot.sentinels if view.master is not None]
    if len(answering) * 2 <= snapshot.electorate:
        yield f"Only {len(answering)} of {snapshot.electorate} Sentinels can be asked: no majority."
    named = {view.master.address for view in answering if view.master is not None}
    if len(named) > 1:
        yield f"The Sentinels disagree about the master: {', '.join(sorted(map(str, named)))}."
    elif answering and snapshot.agreed_master is None:
        yield "No majority of all Sentinels names one master."


def _sentinel_not_ready(view: SentinelView, master_name: str) -> Iterator[str]:
    if view.master is None:
        if view.unasked is not None and view.knows:
            yield (
                f"Sentinel {view.address} does not know {master_name!r}; it monitors {', '.join(sorted(view.knows))}. "
                "Mend master_name in targets.yaml, or have the Sentinel monitor it."
            )
        return
    if view.tilt:
        yield f"Sentinel {view.address} is in TILT: its clock jumped or it hung. Wait 30 s."
    if view.quorum_ok is False:
        yield f"Sentinel {view.address} has no quorum: {view.quorum_text}."
    if "failover_in_progress" in view.master.flags:
        yield f"A failover is in progress, says Sentinel {view.address}."
    down = ", ".join(sorted(view.master.flags & {"s_down", "o_down"}))
    if down:
        yield f"Sentinel {view.address} flags the master {down}: a planned switch needs a master that answers."


def _master_not_ready(snapshot: Snapshot) -> Iterator[str]:
    masters = snapshot.masters
    if len(masters) > 1:
        yield f"Split brain: {', '.join(str(node.address) for node in masters)} each say that they are master."
    agreed = snapshot.agreed_master
    if agreed is None:
        return
    node = snapshot.node(agreed)
    if node is None or node.info is None:
        why = node.unasked.why if node and node.unasked else "nothing is known of it"
        yield f"The master {agreed} does not answer ({why}): nothing can be fenced, so writes would be lost."
    elif not node.is_master:
        yield f"The Sentinels name {agreed}, but it says that it is a {node.info.role}."
    else:
        yield from master_not_ready(node)


def master_not_ready(node: NodeView) -> Iterator[str]:
    """Why a master that answers cannot be fenced, or must not be now; every reason, as sentences."""
    info, config = node.info, node.config
    if info is not None and info.loading:
        yield f"The master {node.address} is loading its data."
    if info is not None and info.failover_state not in {None, "no-failover"}:
        yield f"The master {node.address} is in a FAILOVER of its own: {info.failover_state}."
    if config is None or config.min_replicas_to_write is None or config.min_replicas_max_lag is None:
        why = next((f" ({gap.reason})" for gap in node.gaps if "CONFIG" in gap.source), "")
        yield f"CONFIG GET is not allowed on {node.address}{why}: the fence can be neither set nor put back."
    elif left := fence_left(node):
        yield f"{node.address} {left}: an earlier failover was cut off and has to be settled first."
