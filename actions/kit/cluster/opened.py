"""The rule about slots that are on their way from one node to another. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from actions.kit.cluster.facts import ClusterFacts
from actions.kit.cluster.shards import slots_text
from actions.kit.cluster.view import SLOTS, SlotRange
from actions.kit.diagnosis.facts import confident, count
from actions.kit.findings import Evidence, Finding, FindingId, Severity


@dataclass(slots=True)
class _Way:
    """The slots that one end says are leaving for the other, and those that the other says are arriving."""

    leaving: set[int] = field(default_factory=set)
    arriving: set[int] = field(default_factory=set)

    @property
    def slots(self) -> str:
        return slots_text(_ranges(self.leaving | self.arriving), 4)

    @property
    def broken(self) -> bool:
        return self.leaving != self.arriving


def open_slots(facts: ClusterFacts) -> Iterator[Finding]:
    """Slots are on their way from one node to another, or were left so by a resharding that broke off.

    Clients are sent back and forth for them, and a failover of either node may lose where they are. Certain: the nodes
    at either end say so.
    """
    ways = _ways(facts)
    if not ways:
        return
    number = sum(len(way.leaving | way.arriving) for way in ways.values())
    names = [f"{way.slots} from {_name(facts, source)} to {_name(facts, to)}" for (source, to), way in ways.items()]
    more = f"; {len(names) - 3} ways more" if len(names) > 3 else ""
    unless = "One end does not know of it:" if any(way.broken for way in ways.values()) else "If nobody moves them now,"
    yield Finding(
        FindingId.CLUSTER_OPEN_SLOTS,
        Severity.WARNING,
        confident(complete=True),
        f"{count(number, 'slot')} {'is' if number == 1 else 'are'} open: {'; '.join(names[:3])}{more}. {unless} "
        f"redis-cli --cluster fix {facts.shards.views[0][0].address} closes them.",
        tuple(sorted({facts.shards.addresses[end] for way in ways for end in way if end in facts.shards.addresses})),
        tuple(_evidence(facts, source, to, way) for (source, to), way in ways.items()),
        facts.lines("diagnose"),
    )


def _ways(facts: ClusterFacts) -> dict[tuple[str, str], _Way]:
    """By the ids of both ends. Replicas of Valkey 8 and later tell the open slots of their masters too."""
    ways: dict[tuple[str, str], _Way] = {}
    for _, view in facts.shards.views:
        mine = (view.me.master_id if view.me else "") or view.my_id
        for slot, peer in view.migrating:
            ways.setdefault((mine, peer), _Way()).leaving.add(slot)
        for slot, peer in view.importing:
            ways.setdefault((peer, mine), _Way()).arriving.add(slot)
    return ways


def _evidence(facts: ClusterFacts, source: str, to: str, way: _Way) -> Evidence:
    said = [f"{_name(facts, source)} migrates {slots_text(_ranges(way.leaving), 4)}"] if way.leaving else []
    said += [f"{_name(facts, to)} imports {slots_text(_ranges(way.arriving), 4)}"] if way.arriving else []
    return Evidence("CLUSTER NODES of both ends", "; ".join(said) + ("; the two differ" if way.broken else ""))


def _name(facts: ClusterFacts, node_id: str) -> str:
    address = facts.shards.addresses.get(node_id)
    return str(address) if address else f"the unknown node {node_id[:8]}"


def _ranges(slots: Iterable[int]) -> Iterator[SlotRange]:
    ordered = sorted(slots)
    first = ordered[0] if ordered else 0
    for slot, after in zip(ordered, [*ordered[1:], SLOTS + 1], strict=False):
        if after != slot + 1:
            yield SlotRange(first, slot)
            first = after
