"""Rules about replicas that have a link and not all of the data: behind, or in a full sync; how fast they get on.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.diagnosis.broken import refused_sync
from actions.kit.diagnosis.facts import Facts, confident, no_answer, of_node
from actions.kit.diagnosis.growth import Growth, about, between_s, growth, one_look
from actions.kit.diagnosis.tunings import longer_backlog, with_tuning
from actions.kit.diagnosis.voices import SILENT_S, link_text
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import Link, NodeInfo, NodeView, Reason

SYNCING = frozenset({"wait_bgsave", "send_bulk"})
ACK_SILENCE_S = 10
"""A replica acknowledges every second: one that has not for this long does not get, or does not answer."""


def replica_syncing(facts: Facts) -> Iterator[Finding]:
    """A replica is in a full sync: it cannot take over until it has ended.

    It says so itself: certain. Or its link is down, or it does not answer us in time, as one that loads what it is
    sent, and the master has it in the state wait_bgsave or send_bulk. A longer backlog is suggested where it was
    seen to be too short for a partial one.
    """
    yield from _silent_in_sync(facts)
    for node in facts.snapshot.nodes:
        link = node.info.link if node.info else None
        if link is None or not is_syncing(facts, node, link) or refused_sync(facts, node, link):
            continue
        evidence = [of_node(node, link_text(link))]
        if node.address in facts.attached and facts.master:
            evidence.append(of_node(facts.master, f"{node.address} {facts.attached[node.address][0]}"))
        said, told = _progress(facts, node)
        found = Finding(
            FindingId.REPLICA_SYNCING,
            Severity.WARNING,
            confident(complete=link.sync_in_progress or facts.sure_of_master),
            f"The replica {node.address} is in a full sync{said}.",
            (node.address,),
            (*evidence, told),
            facts.lines("diagnose"),
        )
        yield with_tuning(found, longer_backlog(facts, node, link))


def _silent_in_sync(facts: Facts) -> Iterator[Finding]:
    for node in facts.others:
        if node.unasked is None or facts.master is None or not is_sent_everything(facts, node):
            continue
        yield Finding(
            FindingId.REPLICA_SYNCING,
            Severity.WARNING,
            confident(complete=False),
            f"The replica {node.address} is in a full sync, as its master says, and does not answer us meanwhile: it "
            "loads, or hangs. Look again in a few seconds.",
            (node.address,),
            (no_answer(node.unasked), of_node(facts.master, f"{node.address} {facts.attached[node.address][0]}")),
            facts.lines("diagnose"),
        )


def is_sent_everything(facts: Facts, node: NodeView) -> bool:
    """It does not answer us in time, and the master sends it everything: a replica may be busy with just that."""
    silent = node.unasked is not None and node.unasked.reason is Reason.TIMED_OUT
    return silent and facts.attached.get(node.address, ("", 0))[0] in SYNCING


def _progress(facts: Facts, node: NodeView) -> tuple[str, Evidence]:
    """How a full sync gets on, for the summary, and who says so. What is left is known only of one with a dump file."""
    who = f"replica {node.address}"
    left, read = growth(facts, node, _left), growth(facts, node, _read)
    if left is not None and left.left_s is not None:
        words = f"{left.then:,}, then {left.now:,} bytes left: {left.rate('bytes')}"
        return f": done in {about(left.left_s)}", left.evidence(who, words)
    moved = read or left
    if moved is None:
        return "", one_look(who, "how fast it goes")
    counted = f"{moved.then:,}, then {moved.now:,} bytes {'received' if moved is read else 'left'}"
    if moved.change == 0:
        return ", and nothing came between two looks", moved.evidence(who, f"{counted}: it stands still")
    if (moved.change > 0) is (moved is read):
        return f", which gets on by {moved.rate('bytes')}", moved.evidence(who, f"{counted}: it gets on")
    return ", which has begun anew", moved.evidence(who, f"{counted}: it has begun anew")


def _left(info: NodeInfo) -> int | None:
    return info.link.sync_left_bytes if info.link and info.link.sync_in_progress else None


def _read(info: NodeInfo) -> int | None:
    return info.link.sync_read_bytes if info.link and info.link.sync_in_progress else None


def is_syncing(facts: Facts, node: NodeView, link: Link) -> bool:
    """It says so itself, or its link is down and the master is about to send it everything."""
    state = facts.attached.get(node.address, ("", 0))[0]
    return link.sync_in_progress or (not link.up and state in SYNCING)


def replica_lagging(facts: Facts) -> Iterator[Finding]:
    """A replica with its link up is behind.

    By more bytes than the target's limit, master and replica both read by us and of one history; or the master has
    had no acknowledgement from it for more than ten seconds; or it has heard nothing for longer than a master lets pass
    between two pings, and whom it follows answers us and has it no longer, or is another replica that does not answer
    us (likely then). Certain if no silent one could name another master.
    """
    limit = facts.snapshot.limits.max_lag_bytes
    for node in facts.others:
        if node.info is None or node.info.link is None or not node.info.link.up:
            continue
        lag, silence_s = facts.lag_bytes(node), facts.attached.get(node.address, ("", 0))[1]
        unheard_s = _unheard_s(facts, node, node.info.link)
        if (lag is None or lag <= limit) and silence_s <= ACK_SILENCE_S and not unheard_s:
            continue
        grown = _lag_growth(facts, node)
        far = "" if lag is None else _far(facts, lag, grown)
        silent = f"last acknowledged {silence_s} s ago" if silence_s > ACK_SILENCE_S else ""
        followed = facts.nodes.get(facts.known_as(node.info.link.master))
        gone = bool(unheard_s) and followed is not None and followed.info is None
        which = "does not answer us either" if gone else "has it no longer"
        unheard = f"last heard from {node.info.link.master} {unheard_s} s ago, which {which}" if unheard_s else ""
        said = "; ".join(filter(None, (unheard, far, silent)))
        yield Finding(
            FindingId.REPLICA_LAGGING,
            Severity.WARNING,
            confident(complete=facts.sure_of_master and not gone),
            f"The replica {node.address} lags: {said}.",
            (node.address,),
            (
                of_node(node, f"offset {node.info.offset:,}, {link_text(node.info.link)}"),
                *_offsets(facts, node, lag, grown),
                *_meaning(facts, lag),
            ),
            facts.lines("diagnose"),
        )


def _unheard_s(facts: Facts, node: NodeView, link: Link) -> int:
    """For how long an open link has been silent whose other end is gone, in seconds; 0 where it is in use."""
    followed = facts.nodes.get(facts.known_as(link.master))
    if followed is None or link.last_io_s is None or link.last_io_s <= SILENT_S:
        return 0
    if followed.info is None:
        return 0 if followed.address == facts.master_address else link.last_io_s
    attached = {facts.known_as(one.address) for one in followed.info.replicas}
    return 0 if node.address in attached else link.last_io_s


def _lag_growth(facts: Facts, node: NodeView) -> Growth | None:
    """The lag in both looks; ``None`` where one of the two was of another history, or told of no lag."""
    then, master_then = facts.earlier(node), facts.earlier(facts.master) if facts.master else None
    now = facts.lag_bytes(node)
    if now is None or not (then and then.info and master_then and master_then.info):
        return None
    if not then.is_replica or then.info.replid != master_then.info.replid:
        return None
    return Growth(max(0, master_then.info.offset - then.info.offset), now, between_s(facts))


def _far(facts: Facts, lag: int, grown: Growth | None) -> str:
    """How far behind, and where that is going, if two looks tell."""
    said = f"{lag:,} bytes behind, the limit is {facts.snapshot.limits.max_lag_bytes:,}"
    if grown is None:
        return said
    if grown.change == 0:
        return f"{said}; that stands still"
    if grown.change > 0:
        return f"{said}; it falls back further, by {grown.rate('bytes')}"
    left = "" if grown.left_s is None else f": {about(grown.left_s)} more"
    return f"{said}; it catches up, by {grown.rate('bytes')}{left}"


def _meaning(facts: Facts, lag: int | None) -> Iterator[Evidence]:
    """A lag in seconds of the master's writes, where two looks tell how many there are, and against its backlog."""
    master = facts.master
    if lag is None or master is None or master.info is None:
        return
    written = growth(facts, master, lambda info: info.offset)
    if written is not None and written.change > 0 and written.seconds is not None:
        seconds = lag * written.seconds / written.change
        said = f"{written.rate('bytes')} written: the lag is {about(seconds)} of them"
        yield written.evidence(f"master {master.address}", said)
    if master.info.backlog_bytes and lag > master.info.backlog_bytes:
        said = (
            f"repl_backlog_size {master.info.backlog_bytes:,}, less than the lag: without its link it needs a full sync"
        )
        yield of_node(master, said)


def _offsets(facts: Facts, node: NodeView, lag: int | None, grown: Growth | None) -> Iterator[Evidence]:
    master, info = facts.master, facts.master.info if facts.master else None
    if master is not None and info is not None:
        yield of_node(master, f"offset {info.offset:,}")
    if grown is not None:
        trend = "is growing" if grown.change > 0 else "is shrinking" if grown.change < 0 else "stands still"
        said = f"the lag {trend}: {grown.then:,}, then {grown.now:,} bytes: {grown.rate('bytes')}"
        yield grown.evidence(f"replica {node.address}", said)
    elif lag is not None:
        yield one_look(f"replica {node.address}", "whether the lag grows or shrinks")
