"""Rules about the Sentinels: down, without quorum, of different opinions, wrongly set up. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.diagnosis.facts import (
    DOWN_FLAGS,
    EXPLAINED,
    SOMEBODY,
    Facts,
    confident,
    flags_of,
    is_lost,
    no_answer,
    of_node,
    of_sentinel,
    silent_words,
)
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import MonitoredMaster, NodeView, Reason, SentinelView, Unasked
from actions.kit.topology import Address

_MISSED = 3
"""So many nodes that Sentinels do not reach are named; all are in the evidence."""


def sentinel_down(facts: Facts) -> Iterator[Finding]:
    """A Sentinel gave us nothing, or does nothing because it is in TILT.

    Certain if it is in TILT, or if all others answered and each flags it as down; undetermined if one of them reaches
    it, or something answers there that is not understood.
    """
    for view in facts.snapshot.sentinels:
        if view.unasked is not None and view.unasked.reason not in EXPLAINED:
            yield _silent(facts, view, view.unasked)
        elif view.tilt:
            yield Finding(
                FindingId.SENTINEL_DOWN,
                Severity.WARNING,
                confident(complete=True),
                f"Sentinel {view.address} is in TILT: its clock jumped or it hung; it does nothing for 30 s.",
                (view.address,),
                (of_sentinel(view, "sentinel_tilt 1"),),
                facts.lines("diagnose"),
            )


def _silent(facts: Facts, view: SentinelView, unasked: Unasked) -> Finding:
    evidence = [no_answer(unasked)]
    reaching = 0
    for peer, master in facts.opinions:
        down = view.address in master.peers_down
        reaching += not down and view.address in master.peers
        known = "is not flagged down" if view.address in master.peers else "is not known as a Sentinel"
        evidence.append(of_sentinel(peer, f"{view.address} {'is flagged down' if down else known}"))
    complete = 0 < len(facts.opinions) == facts.electorate - 1
    return Finding(
        FindingId.SENTINEL_DOWN,
        Severity.WARNING,
        confident(complete=complete, conflict=reaching > 0 or unasked.reason in SOMEBODY),
        silent_words(f"Sentinel {view.address}", "Sentinel", unasked, reached=_reached_by(reaching)),
        (view.address,),
        tuple(evidence),
        facts.lines("diagnose", "events"),
    )


def _reached_by(others: int) -> str:
    if not others:
        return ""
    return "another Sentinel" if others == 1 else f"{others} other Sentinels"


def sentinel_quorum_lost(facts: Facts) -> Iterator[Finding]:
    """The Sentinels could not fail over.

    No Sentinel's CKQUORUM is OK, and one says that it is not, or no majority of all Sentinels answered us. Certain if
    each says that it is not, those left out that refuse our connection and that each answering one flags down.
    """
    if not facts.has_sentinels or any(view.quorum_ok for view in facts.snapshot.sentinels):
        return
    no = [view for view in facts.snapshot.sentinels if view.quorum_ok is False]
    if not no and (not _too_few(facts) or not facts.snapshot.sentinels):
        return
    missing = [view for view in facts.snapshot.sentinels if view.quorum_ok is not False]
    complete = bool(no) and all(_seen_dead(facts, view) for view in missing)
    answering = len(facts.opinions)
    yield Finding(
        FindingId.SENTINEL_QUORUM_LOST,
        Severity.WARNING,
        confident(complete=complete),
        f"The Sentinels have no quorum: {answering} of {facts.electorate} answer; they could not fail over.",
        tuple(view.address for view in missing),
        (
            *(of_sentinel(view, f"CKQUORUM: {view.quorum_text}") for view in no),
            *(no_answer(view.unasked) for view in missing if view.unasked),
        ),
        facts.lines("diagnose", "events"),
    )


def _too_few(facts: Facts) -> bool:
    knowing = [
        view for view in facts.snapshot.sentinels if view.unasked is None or view.unasked.reason not in EXPLAINED
    ]
    return len(facts.opinions) * 2 <= facts.electorate and len(knowing) > len(facts.opinions)


def _seen_dead(facts: Facts, view: SentinelView) -> bool:
    """Nothing listens there, and each Sentinel that answers says the same."""
    refused = view.unasked is not None and view.unasked.reason is Reason.REFUSED
    return refused and all(view.address in master.peers_down for _, master in facts.opinions)


def sentinel_disagreement(facts: Facts) -> Iterator[Finding]:
    """The Sentinels are of different opinions, among themselves or from the nodes.

    They name different masters or config-epochs; or they agree on a node that answers as a replica; or too few to
    agree name another node than the only master; or a minority of them does not reach a master, or one of them a
    replica, that answers us. Critical where clients are sent astray: no majority, or a replica named. Certain: they
    said so; likely where a silent one may belong to that minority, or be or name another master, and where only
    new connections are not there yet.
    """
    left_behind = tuple(
        of_sentinel(view, f"names {said.address}, config-epoch {said.config_epoch}")
        for view, said in _left_behind(facts)
    )
    named_otherwise = left_behind or tuple(_heads(facts))
    out_of_reach = tuple(_replicas_out_of_reach(facts))
    stated = (*named_otherwise, *_master_is_replica(facts), *(said for said, sure in out_of_reach if sure))
    evidence = (*stated, *(said for said, sure in out_of_reach if not sure), *_minority(facts))
    if not evidence:
        return
    named = sorted({facts.known_as(master.address) for _, master in facts.opinions})
    astray = (facts.agreed is None and any(_heads(facts))) or any(_master_is_replica(facts)) or bool(left_behind)
    yield Finding(
        FindingId.SENTINEL_DISAGREEMENT,
        Severity.CRITICAL if astray else Severity.WARNING,
        confident(complete=_only_master(facts) if left_behind else bool(stated) or _minority_is_sure(facts)),
        _disagreement(facts, len(named)),
        tuple(named),
        evidence,
        facts.lines("diagnose", "events"),
    )


def _only_master(facts: Facts) -> bool:
    """Nobody who did not answer could be another master, or name one: nothing listens where they were."""
    views: tuple[NodeView | SentinelView, ...] = (*facts.snapshot.nodes, *facts.snapshot.sentinels)
    return all(view.unasked is None or view.unasked.reason is Reason.REFUSED for view in views)


def _left_behind(facts: Facts) -> Iterator[tuple[SentinelView, MonitoredMaster]]:
    """The Sentinels that were away while another node was promoted by hand."""
    if facts.agreed is None and len(facts.masters) == 1 and not facts.roles_undecided:
        (master,) = facts.masters
        for view, said in facts.opinions:
            if said.address not in {master.address, *master.also}:
                yield view, said


def _disagreement(facts: Facts, named: int) -> str:
    astray = ", ".join(str(view.address) for view, _ in _left_behind(facts))
    if astray:
        return (
            f"{facts.masters[0].address} is the only master, but Sentinel {astray} names another: "
            "it makes it a replica when that one is back, and two such fail over again. Where Tandem has promoted it, "
            "it tells them by itself; else stop them and put it into their files (sentinel monitor)."
        )
    if named > 1:
        return f"The Sentinels name {named} different masters."
    if any(_master_is_replica(facts)):
        return f"The Sentinels send clients to {facts.agreed}, which is a replica."
    if any(_heads(facts)):
        return "The Sentinels are at different config-epochs."
    return f"{_who_misses_whom(facts)}, and others, or we, do."


def _who_misses_whom(facts: Facts) -> str:
    """Which Sentinels do not reach which nodes: by name where it is one node, else the nodes alone."""
    missed = {str(address): voices for address, voices in _missed(facts) if voices}
    if len(missed) == 1:
        ((address, voices),) = missed.items()
        do = "does" if voices == 1 else "do"
        return f"{voices} of {facts.electorate} Sentinels {do} not reach {address}"
    shown = ", ".join(sorted(missed)[:_MISSED])
    more = f" and {len(missed) - _MISSED} more" if len(missed) > _MISSED else ""
    return f"Some Sentinels do not reach {shown}{more}"


def _missed(facts: Facts) -> Iterator[tuple[Address, int]]:
    """Nodes that answer us, and how many Sentinels flag each as down."""
    for address, said in facts.sentinel_replicas.items():
        node = facts.nodes.get(address)
        if node is not None and node.info is not None:
            yield address, sum(1 for _, replica in said if replica.flags & DOWN_FLAGS)
    if facts.master is not None and facts.master.info is not None:
        yield facts.master.address, sum(1 for _, master in facts.opinions if master.flags & DOWN_FLAGS)


def _heads(facts: Facts) -> Iterator[Evidence]:
    if len({(facts.known_as(master.address), master.config_epoch) for _, master in facts.opinions}) > 1:
        for view, master in facts.opinions:
            yield of_sentinel(view, f"names {master.address}, config-epoch {master.config_epoch}")


def _master_is_replica(facts: Facts) -> Iterator[Evidence]:
    if facts.agreed is not None and facts.master is not None and facts.master.is_replica:
        link = facts.master.info.link if facts.master.info else None
        yield of_node(facts.master, f"role replica of {link.master if link else 'nobody'}")


def _minority_is_sure(facts: Facts) -> bool:
    return facts.all_voters_answered and facts.called_down


def _minority(facts: Facts) -> Iterator[Evidence]:
    down = [(view, master) for view, master in facts.opinions if master.flags & DOWN_FLAGS]
    if facts.master is not None and facts.master.info is not None and len(down) * 2 <= facts.electorate:
        for view, master in down:
            yield of_sentinel(view, f"{flags_of(master.flags)} on {master.address}")


def _replicas_out_of_reach(facts: Facts) -> Iterator[tuple[Evidence, bool]]:
    """Who says so, and whether it is more than a connection."""
    for address, said in facts.sentinel_replicas.items():
        node = facts.nodes.get(address)
        if node is None or node.info is None:
            continue
        for view, replica in said:
            if replica.flags & DOWN_FLAGS:
                yield of_sentinel(view, f"{flags_of(replica.flags)} on {address}"), is_lost(replica)
