"""What a failover that was not ours has cost, from what was known before and what is seen after it. No I/O here.

What nothing proves is said to be unknown: offsets are compared within one history only, and what an old master took
after the last look at it nobody knows but itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from actions.kit.diagnosis.lineage import only_on_old
from actions.kit.ports import Standing
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address, Kind


@dataclass(frozen=True, slots=True)
class Before:
    """The old master as it was last seen at ``at``, answering as a master; nothing where nobody had looked.

    ``alive``: it still did when the new one was seen to be one.
    """

    address: Address | None
    standing: Standing | None = None
    at: datetime | None = None
    alive: bool = False


@dataclass(frozen=True, slots=True)
class Aftermath:
    """``sentences``: what it cost and how things stand. ``settled``: all is where it belongs, as far as it answers.

    ``lost``: bytes of the old master that are provably gone, at least; ``None`` where nothing is known. ``rivals``: the
    old master answers as one as well.
    """

    sentences: tuple[str, ...]
    settled: bool
    lost: int | None
    rivals: bool = False


def aftermath(before: Before, new: Address, accepted_at: datetime | None, snapshot: Snapshot) -> Aftermath:
    """Tell of a failover from ``before`` to ``new``.

    Args:
        before: the old master.
        new: the node that was promoted.
        accepted_at: when it was first seen as a master.
        snapshot: taken afterwards.
    """
    outage = _outage(before, new, accepted_at)
    if (again := _follows_again(snapshot.node(new))) is not None:
        return Aftermath((outage, again), settled=True, lost=None)
    lost, loss = _loss(before, snapshot, new)
    open_ends = tuple(_open_ends(before, new, snapshot))
    rivals = _is_rival(snapshot.node(before.address), new)
    standing = (_now(new, snapshot, rivals=rivals), *open_ends, *_settled(before, new, snapshot))
    settled = not open_ends and takes_writes(snapshot, new) and not rivals
    return Aftermath((outage, loss, *standing), settled, lost, rivals)


def somebody_else(new: Address, snapshot: Snapshot, *, named: bool) -> str | None:
    """That nobody who is in charge of the roles has promoted this node; ``None`` where somebody may have.

    Args:
        new: the node that was promoted.
        snapshot: taken afterwards.
        named: some Sentinel has called it the master since.
    """
    if snapshot.kind is Kind.REPLICATION:
        return f"Somebody has promoted {new}: nobody is in charge here who would do so by himself."
    told = [view.master for view in snapshot.sentinels if view.master is not None]
    theirs = named or any(one.address == new or "failover_in_progress" in one.flags for one in told)
    if snapshot.kind is not Kind.SENTINEL or theirs or not told:
        return None
    voices = f"{sum(one.address == told[0].address for one in told)} of {snapshot.electorate} name {told[0].address}"
    return f"Somebody has promoted {new} behind the Sentinels: {voices}."


def _follows_again(node: NodeView | None) -> str | None:
    """That the promoted one is a master no longer."""
    link = node.info.link if node is not None and node.info is not None else None
    if node is None or node.is_master or link is None:
        return None
    return f"{node.address} follows {link.master} by now; what only {node.address} took as a master is lost."


def _is_rival(old: NodeView | None, new: Address) -> bool:
    """Whether the old master still answers as one: whoever writes to it has not lost all of that yet."""
    return old is not None and old.address != new and old.is_master


def takes_writes(snapshot: Snapshot, address: Address) -> bool:
    """Whether this node is a master that would take a write now; nobody writes to find out."""
    node = snapshot.node(address)
    if node is None or node.info is None or not node.is_master or node.info.loading:
        return False
    wanted = node.config.min_replicas_to_write if node.config else None
    have = node.info.good_replicas
    return not wanted or have is None or have >= wanted


def patience_s(snapshot: Snapshot) -> float | None:
    """How long whoever is in charge may take for a failover, in seconds; ``None`` where nobody is in charge."""
    if snapshot.kind is Kind.SENTINEL:
        times = [view.master.failover_timeout_ms for view in snapshot.sentinels if view.master is not None]
        return max(times) / 1000 if times else None
    if snapshot.kind is Kind.CLUSTER:
        nodes = [node.config.cluster_node_timeout_ms for node in snapshot.nodes if node.config]
        known = [ms for ms in nodes if ms]
        return 5 * max(known) / 1000 + 1 if known else None  # It notices within one, and votes within twice two.
    return 300.0 if snapshot.kind is Kind.ELASTICACHE else None


def _outage(before: Before, new: Address, accepted_at: datetime | None) -> str:
    if before.alive:
        return f"{before.address} still answered as a master when {new} became one."
    if before.at is None or accepted_at is None:
        return "How long nobody was the master is not known: Tandem had not watched the old master before."
    seconds = max(0.0, (accepted_at - before.at).total_seconds())
    return (
        f"For at most {seconds:.1f} s nobody answered as the master: {before.address} last answered as the master at "
        f"{_moment(before.at)}, and {new} was first seen as the master at {_moment(accepted_at)} UTC."
    )


def _moment(at: datetime) -> str:
    """To a tenth of a second."""
    return f"{at:%H:%M:%S.%f}"[:-5]


def _loss(before: Before, snapshot: Snapshot, new: Address) -> tuple[int | None, str]:
    promoted = snapshot.node(new)
    if promoted is None or promoted.info is None:
        return None, "Which bytes are lost is not known: the new master does not answer."
    old = snapshot.node(before.address)
    still = only_on_old(old.info, promoted.info) if old is not None and old.info and old.is_master else None
    if still is not None:
        return still, (
            f"At most {still:,} bytes are only on {before.address}, which still answers as a master."
            if still
            else f"Nothing is lost so far: {before.address} has no byte that {new} has not; "
            "what it still takes will be."
        )
    had = None if before.standing is None else only_on_old(before.standing, promoted.info)
    if had is None or before.at is None:
        why = (
            "its history was not seen before" if before.standing is None else "their histories share no replication id"
        )
        return None, f"Which bytes are lost is not known: {why}."
    when = f"at {_moment(before.at)} UTC"
    if had:
        return (
            had,
            f"At least {had:,} bytes that {before.address} had {when} are lost; what it took later is not known.",
        )
    return 0, f"Nothing is lost of what {before.address} had {when}; of what it took later nothing is known."


def _now(new: Address, snapshot: Snapshot, *, rivals: bool) -> str:
    if takes_writes(snapshot, new):
        return (
            f"{new} takes writes, and is not the only master." if rivals else f"{new} is the master and takes writes."
        )
    return f"{new} was promoted, and is not seen to take writes."


def _open_ends(before: Before, new: Address, snapshot: Snapshot) -> Iterator[str]:
    """What is not as it should be after a failover, of those that answer."""
    told = [view for view in snapshot.sentinels if view.master is not None]
    others = [view for view in told if view.master is not None and view.master.address != new]
    if told and others:
        yield f"{len(told) - len(others)} of {snapshot.electorate} Sentinels name it; {others[0].address} does not."
    elif len(snapshot.sentinels) > 1 and 2 * len(told) <= len(snapshot.sentinels):
        yield f"Only {len(told)} of {len(snapshot.sentinels)} Sentinels answer."
    for node in _replicas_to_be(before, new, snapshot):
        link = node.info.link if node.info else None
        if link is None or link.master != new:
            yield f"{node.address} does not follow {new} yet."
        elif not link.up:
            yield f"The link of {node.address} to {new} is not up yet."


def _settled(before: Before, new: Address, snapshot: Snapshot) -> Iterator[str]:
    """Who agrees and follows, and what the old master is now."""
    agreed = sum(view.master is not None and view.master.address == new for view in snapshot.sentinels)
    if agreed and agreed == snapshot.electorate:
        yield f"All {agreed} Sentinels name it."
    elif agreed:
        yield f"{agreed} of {snapshot.electorate} Sentinels name it; the others were not asked, or do not answer."
    attached = sum(
        1
        for node in _replicas_to_be(before, new, snapshot)
        if node.info and node.info.link and node.info.link.master == new and node.info.link.up
    )
    others = "1 replica follows" if attached == 1 else f"{attached} replicas follow"
    yield f"Beside the old master {others} it."
    yield from _of_the_old(snapshot.node(before.address), new)


def _of_the_old(old: NodeView | None, new: Address) -> Iterator[str]:
    if old is None or old.address == new:
        return
    if old.info is None:
        yield f"{old.address} does not answer ({old.unasked.why if old.unasked else 'no reason known'})."
    elif old.is_master:
        yield f"{old.address} still says that it is a master."
    elif old.info.link is not None and old.info.link.master == new:
        yield f"{old.address} is its replica now" + ("." if old.info.link.up else ", and its link is not up yet.")
    else:
        yield f"{old.address} is a replica, and does not follow {new}."


def _replicas_to_be(before: Before, new: Address, snapshot: Snapshot) -> Iterator[NodeView]:
    """The nodes that answer and have to follow the new master: in a cluster those alone that followed the old one."""
    for node in snapshot.nodes:
        if node.info is None or node.address in {new, before.address}:
            continue
        link = node.info.link
        if snapshot.in_cluster and (link is None or link.master not in {new, before.address}):
            continue
        yield node
