"""Which setting mends what was found, and to which value: derived from what was seen, or not said. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.kit.diagnosis.facts import Facts, of_node
from actions.kit.diagnosis.room import room_left
from actions.kit.findings import Evidence, Finding
from actions.kit.snapshot import NodeView
from actions.kit.tuning.sizes import spelled_size

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Tuning:
    """A value that mends it: the action lines, none where there is no plan; and how it was come by."""

    lines: tuple[str, ...]
    said: Evidence


def with_tuning(finding: Finding, tuning: Tuning | None) -> Finding:
    """The same with what it suggests to set, before all else; ``None``: nothing could be derived."""
    if tuning is None or not tuning.lines:
        return finding
    suggests, evidence = (*tuning.lines, *finding.suggests), (*finding.evidence, tuning.said)
    return replace(finding, suggests=suggests, evidence=evidence)


def more_memory(facts: Facts, master: NodeView) -> Tuning | None:
    """A quarter more than a full master uses or may use, on it and its replicas, where that leaves their machines room.

    Nothing where one of them does not say what it holds, or how much there is.
    """
    if master.info is None or not master.info.max_memory:
        return None
    base = max(master.info.used_memory or 0, master.info.max_memory)
    size = _up(base * 5 // 4)
    meant = [
        node
        for node in (master, *facts.followers.get(master.address, ()))
        if node.info is not None and 0 < (node.info.max_memory or 0) < size
    ]
    growth = {one.address: max(0, size - (one.info.used_memory or 0)) for one in meant if one.info is not None}
    room = room_left(facts, growth)
    if room is None:
        return None
    said = f"maxmemory {spelled_size(size)} is a quarter more than {base:,}; {room}"
    return Tuning(facts.tune_lines(_typed(facts, meant, "maxmemory", spelled_size(size))), of_node(master, said))


def _typed(facts: Facts, meant: Sequence[NodeView], name: str, value: str) -> str:
    """As it is typed: of all nodes, or where others are not meant of these."""
    places = {node.address for node in meant}
    everybody = places == {node.address for node in facts.whole.snapshot.nodes}
    return f"{name}{'' if everybody else '@' + ','.join(map(str, sorted(places)))}={value}"


def _up(size: int) -> int:
    """To whole mebibytes."""
    return -(-size // MIB) * MIB
