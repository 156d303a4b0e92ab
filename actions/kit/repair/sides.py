"""Who of several masters is kept and who is given up, by what, and what is seen on each side. No I/O here.

The diagnosis decides. Where the evidence does not, a person does, by naming whom to keep; the number of keys is shown
to him and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actions.kit.diagnosis import split
from actions.kit.diagnosis.facts import Facts, count
from actions.kit.diagnosis.lineage import Divergence, births, divergence
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Sides:
    """The master that is kept, and those that are given up.

    ``chosen``: by a person, since nothing decides. ``parted``: what each loser shares with the keeper.
    """

    keeper: NodeView
    losers: tuple[NodeView, ...]
    parted: tuple[Divergence, ...]
    chosen: bool
    why: str

    def fork(self, loser: Address) -> int | None:
        """The first offset that only this loser can have; ``None`` where nothing proves one."""
        shared = next(one.shared_until for one in self.parted if one.first == loser)
        return None if shared is None else shared + 1

    @property
    def loss_bytes(self) -> int | None:
        """How many bytes at most only the losers have; ``None`` where nothing proves it of one of them."""
        each = [one.first_bytes for one in self.parted]
        known = [one for one in each if one is not None]
        return sum(known) if len(known) == len(each) else None


def contenders(snapshot: Snapshot) -> tuple[NodeView, ...]:
    """The masters, each process once, and former ones whose data an earlier repair holds back."""
    held = tuple(node for node in snapshot.nodes if node.is_replica and node.config and node.config.held)
    return (*Facts(snapshot).masters, *held)


def decided(snapshot: Snapshot) -> Address | None:
    """Whom the evidence says to keep; ``None`` where a person has to."""
    facts = Facts(snapshot)
    found = split.sides(facts)
    return facts.agreed if found is None else found.keeper


def sides(snapshot: Snapshot, keep: NodeView | None) -> Sides | None:
    """The sides; ``None`` where nobody is to be kept, or nobody given up."""
    decision = decided(snapshot)
    keeper = snapshot.node(decision) if keep is None else keep
    if keeper is None or not keeper.is_master:
        return None
    losers = tuple(node for node in contenders(snapshot) if node.address != keeper.address)
    if not losers:
        return None
    born = births(snapshot.nodes)
    return Sides(
        keeper,
        losers,
        parted=tuple(divergence(loser, keeper, born) for loser in losers),
        chosen=decision != keeper.address,
        why=_why(snapshot, keeper, decision),
    )


def _why(snapshot: Snapshot, keeper: NodeView, decision: Address | None) -> str:
    if decision == keeper.address:
        naming = sum(view.master is not None and view.master.address == keeper.address for view in snapshot.sentinels)
        return f"{keeper.address} is kept: {naming} of {snapshot.electorate} Sentinels name it as the master."
    found = split.sides(Facts(snapshot))
    doubt = f" {found.why}" if found else ""
    return f"{keeper.address} is kept because a person chose it: the evidence does not decide.{doubt}"


def seen_on(snapshot: Snapshot, nodes: Sequence[NodeView]) -> Iterator[str]:
    """What is seen on each of these sides, a sentence each; nothing of it decides by itself."""
    found = split.sides(Facts(snapshot))
    for node in nodes:
        info = node.info
        if info is None:
            continue
        parts = [count(len(info.replicas), "replica")]
        if node.normal_clients is not None:
            parts.append(count(node.normal_clients, "client"))
        if info.changes_since_save is not None:
            parts.append(f"{info.changes_since_save:,} changes since its last save")
        parts.append(f"up for {info.uptime_s:,} s")
        if node.keys is not None:
            parts.append(f"{count(node.keys, 'key')}, which proves nothing")
        writes = found.writers.words(node.address) if found else ""
        yield f"{node.address} {f'{writes}; it ' if writes else ''}has {', '.join(parts)}."


def evidence_of(snapshot: Snapshot) -> tuple[str, ...]:
    """What is to be kept of a split brain before anything is touched, a line each; no key names."""
    return tuple(_evidence(snapshot))


def _evidence(snapshot: Snapshot) -> Iterator[str]:
    masters = contenders(snapshot)
    yield from (said.removesuffix(".") for said in seen_on(snapshot, masters))
    born = births(snapshot.nodes)
    for index, first in enumerate(masters):
        for second in masters[index + 1 :]:
            yield f"{first.address} and {second.address}: {divergence(first, second, born).words}"
    for view in snapshot.sentinels:
        said = f"names {view.master.address}, config-epoch {view.master.config_epoch}" if view.master else "is silent"
        yield f"Sentinel {view.address} {said}"
    app = snapshot.kubernetes.application if snapshot.kubernetes else None
    if app is not None and app.value is not None:
        yield f"{app.deployment} has {app.env} {app.value.words}"
    for node in masters:
        info = node.info
        if info is not None:
            ids = f"replid {info.replid}, replid2 {info.replid2}, second_repl_offset {info.second_repl_offset}"
            yield f"{node.address} run id {info.run_id}, offset {info.offset:,}, {ids}"
