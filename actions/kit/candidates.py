"""Which replica could become master, which one should, and why not each other one. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actions.kit.fencing import fence_left
from actions.kit.plan import Rejected
from actions.kit.snapshot import NodeView, SentinelReplica, Snapshot
from actions.kit.topology import Address, Kind

DEFAULT_PRIORITY = 100
"""What a replica has that was not told otherwise."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate, a sentence that says why, and why not each other node."""

    node: NodeView
    why: str
    rejected: tuple[Rejected, ...]


def refusals_of_candidates(snapshot: Snapshot, wanted: Address | None) -> tuple[str, ...]:
    """Why there is no candidate, or why the wanted one cannot be it; nothing where there is one."""
    if wanted is not None:
        return _refusals_of(snapshot, wanted)
    if any(True for _ in _eligible(snapshot, wanted)):
        return ()
    each = [f"{node.address}: {'; '.join(why_not(snapshot, node))}." for node in _others(snapshot)]
    return ("No replica can take over.", *each)


def choose(snapshot: Snapshot, wanted: Address | None) -> Choice:
    """The wanted candidate, else the best: lowest replica-priority, the master's version, then the address.

    The lag does not decide: within the limit the plan waits for every byte, and an order by lag would change from
    one look to the next.

    Raises:
        ValueError: nobody is eligible; ``refusals_of_candidates`` says so before.
    """
    eligible = sorted(_eligible(snapshot, wanted), key=lambda node: _rank(snapshot, node))
    if wanted is not None:
        eligible.sort(key=lambda node: node.address != wanted)
    best = eligible[0]
    lag = snapshot.lag_bytes(best)
    chosen = "was asked for" if wanted else "is the best candidate" if len(eligible) > 1 else "is the only candidate"
    why = f"{best.address} {chosen}: replica-priority {priority_of(best)}, link up, {lag} bytes behind."
    rejected = [Rejected(node.address, _second(snapshot, best, node, wanted)) for node in eligible[1:]]
    rejected += [
        Rejected(node.address, "; ".join(reasons))
        for node in _others(snapshot)
        if node.address != best.address and (reasons := why_not(snapshot, node))
    ]
    return Choice(best, why, tuple(sorted(rejected, key=lambda one: one.node)))


def why_not(snapshot: Snapshot, node: NodeView, *, by_name: bool = False) -> tuple[str, ...]:
    """Every reason why this node cannot become master; empty where it can.

    ``by_name``: a person asked for this very node. A replica-priority of 0 is an order to Sentinel; where none is in
    charge it is a hint to us, which a person may overrule.
    """
    if node.info is None:
        return (f"it does not answer ({node.unasked.why if node.unasked else 'no reason known'})",)
    if node.is_master:
        return ("it says that it is a master",)
    hint = _priority_reason(snapshot, node, by_name=by_name)
    return (*_own_reasons(snapshot, node), *hint, *_sentinels_reasons(snapshot, node.address))


def _own_reasons(snapshot: Snapshot, node: NodeView) -> Iterator[str]:
    """What the node itself and the master say against it."""
    info = node.info
    if info is None:
        return
    if info.loading:
        yield "it is loading its data"
    if info.link is None or info.link.master != snapshot.agreed_master:
        yield f"it follows {info.link.master if info.link else 'nobody'}, not the master"
    elif info.link.sync_in_progress:
        yield "it is in a full sync"
    elif not info.link.up:
        yield "its link to the master is down"
    if snapshot.kind is Kind.REPLICATION and (node.config is None or node.config.min_replicas_to_write is None):
        yield "CONFIG GET is not allowed on it, so it cannot be fenced"
    if fence_left(node):
        yield "it holds the fence of an earlier failover, and would refuse all writes as master"
    lag = snapshot.lag_bytes(node)
    if lag is None:
        yield "its lag cannot be told"
    elif lag > snapshot.limits.max_lag_bytes:
        yield f"it is {lag} bytes behind, more than the limit of {snapshot.limits.max_lag_bytes}"


def _priority_reason(snapshot: Snapshot, node: NodeView, *, by_name: bool) -> Iterator[str]:
    if priority_of(node) != 0:
        return
    if snapshot.kind is not Kind.REPLICATION:
        yield "its replica-priority is 0: never to be promoted"
    elif not by_name:
        yield f"its replica-priority is 0: never to be promoted, unless it is named with --to {node.address}"


def _sentinels_reasons(snapshot: Snapshot, address: Address) -> Iterator[str]:
    """What the Sentinels say against it: one that knows nothing of it cannot promote it."""
    views = [view for view in snapshot.sentinels if view.master is not None]
    for view in views:
        seen = _seen(view.master.replicas if view.master else (), address)
        if seen is None:
            yield f"Sentinel {view.address} does not know it"
            continue
        trouble = sorted(seen.flags & {"s_down", "o_down", "disconnected"})
        if trouble:
            yield f"Sentinel {view.address} flags it {', '.join(trouble)}"


def _seen(replicas: tuple[SentinelReplica, ...], address: Address) -> SentinelReplica | None:
    return next((one for one in replicas if one.address == address), None)


def _refusals_of(snapshot: Snapshot, wanted: Address) -> tuple[str, ...]:
    node = snapshot.node(wanted)
    if node is None:
        known = ", ".join(str(one.address) for one in _others(snapshot)) or "none"
        return (f"{wanted} is not a node of {snapshot.target}; its replicas are {known}.",)
    if wanted == snapshot.agreed_master:
        return (f"{wanted} is the master already.",)
    reasons = why_not(snapshot, node, by_name=True)
    return (f"{wanted} cannot take over: {'; '.join(reasons)}.",) if reasons else ()


def _others(snapshot: Snapshot) -> Iterator[NodeView]:
    return (node for node in snapshot.nodes if node.address != snapshot.agreed_master)


def _eligible(snapshot: Snapshot, wanted: Address | None) -> Iterator[NodeView]:
    return (node for node in _others(snapshot) if not why_not(snapshot, node, by_name=node.address == wanted))


def priority_of(node: NodeView) -> int | None:
    """The replica-priority that Sentinel chooses by; 0 is never promoted. ``None`` where the node did not say."""
    if node.config is not None and node.config.replica_priority is not None:
        return node.config.replica_priority
    return node.info.priority if node.info else None


def _rank(snapshot: Snapshot, node: NodeView) -> tuple[int, bool, Address]:
    priority = priority_of(node)
    return (DEFAULT_PRIORITY if priority is None else priority, _other_version(snapshot, node), node.address)


def _other_version(snapshot: Snapshot, node: NodeView) -> bool:
    """A replica of another version may not understand what the old master would have to follow."""
    master = snapshot.node(snapshot.agreed_master)
    ours = node.info.version if node.info else ()
    return master is not None and master.info is not None and master.info.version != ours


def _second(snapshot: Snapshot, best: NodeView, node: NodeView, wanted: Address | None) -> str:
    if wanted is not None:
        return "it could take over too, but was not asked for"
    if priority_of(node) != priority_of(best):
        return f"it could take over too, but its replica-priority is {priority_of(node)}"
    if _other_version(snapshot, node) != _other_version(snapshot, best):
        return "it could take over too, but runs another version than the master"
    return "it could take over as well; the first by address is taken"
