"""Why a split brain may not be repaired now, or not on this side; every reason, as sentences. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.diagnosis import split
from actions.kit.diagnosis.facts import Facts
from actions.kit.fencing import fence_left
from actions.kit.kubernetes import switch
from actions.kit.kubernetes.addresses import is_gone
from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.repair.sides import Sides, contenders, decided, sides
from actions.kit.replication_refusals import could_not_follow, others_in_charge
from actions.kit.snapshot import NodeView, Reason, Snapshot
from actions.kit.topology import Address, Kind


def not_this_way(snapshot: Snapshot) -> Iterator[str]:
    """Where others settle who is master, so that nobody may do it by hand."""
    target = snapshot.target
    if snapshot.kind is Kind.ELASTICACHE:
        yield (
            f"AWS is in charge of {target}, and demotes the other primary itself: wait until its status is available "
            f"(events {target} shows it), then diagnose {target}."
        )
    if snapshot.kind is Kind.CLUSTER:
        yield (
            f"The masters of {target} settle by their config-epochs themselves who serves a slot, and REPLICAOF is "
            f"refused in cluster mode. diagnose {target} shows which of them disagree; once those reach each other "
            "again the older gives way."
        )


def why_not(snapshot: Snapshot, wanted: Address | None, application: str = switch.SWITCH) -> tuple[str, ...]:
    """Why there is nothing to repair now, or not so; nothing where there is a plan.

    Args:
        snapshot: as seen now.
        wanted: whom a person wants to keep; ``None`` where the evidence is to decide.
        application: what is to become of it; see ``actions.kit.kubernetes.switch``.
    """
    return tuple(not_from_here(snapshot)) or (*_why_not(snapshot, wanted), *switch.why_not(snapshot, application))


def _why_not(snapshot: Snapshot, wanted: Address | None) -> Iterator[str]:
    if snapshot.kind not in {Kind.REPLICATION, Kind.SENTINEL}:
        yield from not_this_way(snapshot)
        return
    nothing = _no_split(snapshot)
    if nothing is not None:
        yield nothing
        return
    yield from _moving(snapshot)
    yield from _silent_masters(snapshot)
    if snapshot.kind is Kind.REPLICATION:
        yield from others_in_charge(snapshot)
    if not snapshot.rescues_to:
        yield (
            f"Nothing says where rescue copies of {snapshot.target} go, and nothing is given up without one: add "
            "rescue: {folder: /path} to targets.yaml."
        )
    keep = snapshot.node(wanted)
    yield from _choice(snapshot, wanted, keep)
    found = sides(snapshot, keep)
    if found is not None:
        yield from _not_on_these_sides(snapshot, found)


def _no_split(snapshot: Snapshot) -> str | None:
    there = contenders(snapshot)
    if len(there) > 1:
        return None
    if there and there[0].is_master:
        return f"There is no split brain: only {there[0].address} says that it is a master. Nothing is to be repaired."
    return (
        "No node answers as a master, so there is no side to keep. diagnose "
        f"{snapshot.target} says what is the matter with them."
    )


def _moving(snapshot: Snapshot) -> Iterator[str]:
    if Facts(snapshot).roles_undecided:
        at = ", ".join(
            str(view.address)
            for view in snapshot.sentinels
            if view.master and "failover_in_progress" in view.master.flags
        )
        yield f"A failover is in progress, says Sentinel {at}. Wait until it has ended."
    for node in contenders(snapshot):
        if node.info is not None and node.info.failover_state not in {None, "no-failover"}:
            yield f"{node.address} is in a FAILOVER of its own: {node.info.failover_state}. Wait until it has ended."


def _silent_masters(snapshot: Snapshot) -> Iterator[str]:
    """A node that says nothing may be a third master, which would stay one; whoever is a replica of these is not."""
    attached = {one.address for node in contenders(snapshot) if node.info for one in node.info.replicas}
    found = split.sides(Facts(snapshot))
    hidden = found.hidden if found else ()
    for node in snapshot.nodes:
        if node.info is not None:
            continue
        why = node.unasked.why if node.unasked else "no reason known"
        if node.address in hidden:
            yield f"{node.address} does not answer ({why}), and others see it as a master: it cannot be fenced."
        elif node.address not in attached and not _is_dead(snapshot, node):
            yield (
                f"{node.address} does not answer ({why}): it may be a third master. Bring it back or end it, or take "
                "it out of targets.yaml where it is gone for good."
            )


def _is_dead(snapshot: Snapshot, node: NodeView) -> bool:
    nothing = node.unasked is not None and node.unasked.reason is Reason.REFUSED
    return nothing or is_gone(snapshot.kubernetes, node.address.host)


def _choice(snapshot: Snapshot, wanted: Address | None, keep: NodeView | None) -> Iterator[str]:
    """Why this side cannot be kept, or which one a person has to say."""
    target, masters = snapshot.target, [node for node in contenders(snapshot) if node.is_master]
    names = ", ".join(str(node.address) for node in masters)
    agreed = snapshot.agreed_master if snapshot.kind is Kind.SENTINEL else None
    if wanted is None and decided(snapshot) is None:
        found = split.sides(Facts(snapshot))
        lines = " or ".join(f"repair {target} --keep {node.address}" for node in masters)
        choice = (
            f"While the Sentinels name {agreed}, no other can be kept: repair {target} --keep {agreed}. What only the "
            "others have is copied first."
            if agreed
            else f"Say which side is kept: {lines}."
        )
        why = found.why if found else "Nothing proves which side is right."
        yield f"{why} {choice} diagnose {target} shows what speaks for each."
    elif wanted is not None and keep is None:
        yield f"{wanted} is not a node of {target}. Its masters are {names}."
    elif keep is not None and not keep.is_master:
        yield f"{keep.address} is no master and cannot be kept. The masters are {names}."
    elif keep is not None and agreed is not None and agreed != keep.address:
        yield (
            f"The Sentinels name {agreed}, and would make {keep.address} a replica of it again. Repair it their way "
            f"(repair {target} --keep {agreed}): what only {keep.address} has is copied first. To have "
            f"{keep.address} as master after that: failover {target} --to {keep.address}."
        )


def _not_on_these_sides(snapshot: Snapshot, found: Sides) -> Iterator[str]:
    yield from _keeper(found.keeper)
    for loser in found.losers:
        yield from _loser(loser)
        yield from could_not_follow(snapshot, loser)


def _keeper(node: NodeView) -> Iterator[str]:
    """What keeps a side from being the only one: it has to take writes, and to give the other all of its data."""
    info, config = node.info, node.config
    if info is None:
        return
    if info.loading:
        yield f"{node.address} is loading its data: wait until it has it before it is kept."
    if left := fence_left(node):
        yield (
            f"{node.address} {left}: an earlier run fenced it. If that run asks, answer it first; if it "
            "has ended, keep the other one, or set min-replicas-to-write back on this one by hand."
        )
    elif _lacks_replicas(node):
        yield (
            f"{node.address} refuses writes: it has {info.good_replicas} good replicas, and min-replicas-to-write is "
            f"{config.min_replicas_to_write if config else '?'}. Lower that before it is kept."
        )
    full = bool(info.max_memory) and info.used_memory is not None and info.used_memory >= (info.max_memory or 0)
    if full and info.max_memory_policy == "noeviction":
        yield f"{node.address} is out of memory and refuses writes (maxmemory): mend that before it is kept."
    if info.last_aof_write_ok is False or info.last_bgsave_ok is False:
        yield (
            f"{node.address} cannot write its data to disk, so it may refuse writes, and nobody can be given a copy of "
            "it: mend that before it is kept."
        )


def _lacks_replicas(node: NodeView) -> bool:
    wanted = node.config.min_replicas_to_write if node.config else None
    good = node.info.good_replicas if node.info else None
    return bool(wanted) and good is not None and good < (wanted or 0)


def _loser(node: NodeView) -> Iterator[str]:
    """What keeps a side from being fenced and copied."""
    info, config = node.info, node.config
    if info is not None and info.loading:
        yield f"{node.address} is loading its data: it can be copied once it has it."
    if config is None or config.min_replicas_to_write is None or config.min_replicas_max_lag is None:
        why = next((f" ({gap.reason})" for gap in node.gaps if "CONFIG" in gap.source), "")
        yield f"CONFIG GET is not allowed on {node.address}{why}: it can be neither fenced nor put back."
