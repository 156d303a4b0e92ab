"""Which setting mends what was found, and to which value: derived from what was seen, or not said. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.kit.diagnosis.about import grown
from actions.kit.diagnosis.facts import Facts, of_node
from actions.kit.diagnosis.resyncs import begun_again
from actions.kit.diagnosis.room import room_left
from actions.kit.findings import Evidence, Finding
from actions.kit.snapshot import Link, NodeView
from actions.kit.tuning.sizes import spelled_size

BACKLOG, BUFFERS = "repl-backlog-size", "client-output-buffer-limit"
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


def longer_buffer(facts: Facts, node: NodeView, link: Link) -> Tuning | None:
    """Twice the limits of whom a replica follows, where it is cut off by them again and again.

    Nothing where they were not told, or what every replica may then fill leaves the machine no room.
    """
    followed = facts.nodes.get(link.master)
    if followed is None or followed.closer is None or begun_again(facts, node, link) is None:
        return None
    cut = grown(facts, followed, lambda info: info.stats.cut_by_output_limit)
    hard, soft = followed.closer.replica_buffer, followed.closer.replica_soft
    if cut is None or hard is None or soft is None or not (hard or soft[0]):
        return None
    most = (hard or soft[0]) * 2
    room = room_left(facts, {followed.address: most * len(facts.followers.get(followed.address, ()))})
    if room is None:
        return None
    value = f"replica {spelled_size(hard * 2)} {spelled_size(soft[0] * 2)} {soft[1]}"
    said = f"client-output-buffer-limit {value} is twice that at which it is cut off; all full, {room}"
    setting = f'{BUFFERS}@{followed.address}="{value}"'  # What the others have was not seen.
    return Tuning(facts.tune_lines(setting), of_node(followed, said))


def longer_backlog(facts: Facts, node: NodeView, link: Link) -> Tuning | None:
    """Twice what a replica lacked when it asked to go on, where the backlog of whom it follows did not reach so far.

    Proven by two looks: in the earlier one it had no link, was of its master's history and further behind than the
    backlog is long; since then a partial resync was refused.
    """
    followed, then = facts.nodes.get(link.master), facts.earlier(node)
    master_then = facts.earlier(followed) if followed is not None else None
    if followed is None or followed.info is None or master_then is None or master_then.info is None:
        return None
    if then is None or then.info is None or then.info.link is None or then.info.link.up:
        return None
    size, lacked = followed.info.backlog_bytes, master_then.info.offset - then.info.offset
    refused = grown(facts, followed, lambda info: info.stats.refused_partial_syncs)
    if refused is None or not size or lacked <= size or then.info.replid != master_then.info.replid:
        return None
    wanted = _up(lacked * 2)
    meant = [one for one in facts.snapshot.nodes if one.info and 0 < (one.info.backlog_bytes or 0) < wanted]
    room = room_left(facts, {one.address: wanted - (one.info.backlog_bytes or 0) for one in meant if one.info})
    if room is None:
        return None
    value = spelled_size(wanted)
    said = f"{BACKLOG} {value} is twice the {lacked:,} bytes that {node.address} lacked, it has {size:,}; {room}"
    return Tuning(facts.tune_lines(_typed(facts, meant, BACKLOG, value)), of_node(followed, said))


def _typed(facts: Facts, meant: Sequence[NodeView], name: str, value: str) -> str:
    """As it is typed: of all nodes, or where others are not meant of these."""
    places = {node.address for node in meant}
    everybody = places == {node.address for node in facts.whole.snapshot.nodes}
    return f"{name}{'' if everybody else '@' + ','.join(map(str, sorted(places)))}={value}"


def _up(size: int) -> int:
    """To whole mebibytes."""
    return -(-size // MIB) * MIB
