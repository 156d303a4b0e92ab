"""The rule about two masters: who they are, what they share, which one is the true one. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actions.kit.diagnosis.facts import DOWN_FLAGS, Facts, confident, count, flags_of, no_answer, of_node, of_sentinel
from actions.kit.diagnosis.growth import growth, one_look
from actions.kit.diagnosis.lineage import lineage
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView, SentinelReplica
from actions.kit.topology import Address

FRESH_INFO_MS = 15_000
"""Sentinel asks for INFO every ten seconds: what it says of a role is not older than this, or it is out of date."""

CONNECTIONS_OF_SENTINEL = 2
"""Each Sentinel keeps so many to a node; older servers count both as clients. Fewer are no sign of an application."""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A node that does not answer us, and that somebody else sees as a master."""

    node: NodeView
    evidence: Evidence


def split_brain(facts: Facts) -> Iterator[Finding]:
    """Two nodes are master at once, one of which may be an old master that has just come back.

    Two processes (by run id) answer as masters; or one does, and one that does not answer us is seen as master by a
    Sentinel, or is followed by a replica. The true one is whom the Sentinels agree on. Undetermined where nobody does,
    or where only the other has clients; likely where one of the two did not answer us, or a Sentinel or node is
    silent. The number of keys and the offsets past the fork decide nothing. Nothing is said while a Sentinel fails
    over and the roles are undecided: there the promoted one is master beside whom they still name, and is right; nor
    of a cluster, whose masters are many.
    """
    if facts.roles_undecided or facts.in_cluster:
        return
    hidden = _hidden(facts)
    nodes = (*facts.masters, *(one.node for one in hidden))
    if len(nodes) < 2 or not facts.masters:
        return
    others = tuple(node for node in nodes if node.address != facts.agreed)
    true = next((node for node in nodes if facts.has_sentinels and node.address == facts.agreed), None)
    writers = _writers(facts)
    disputed = bool(writers) and true is not None and true.is_master and true.address not in writers
    complete = not hidden and facts.all_voters_answered and all(node.info for node in facts.snapshot.nodes)
    yield Finding(
        FindingId.SPLIT_BRAIN,
        Severity.CRITICAL,
        confident(complete=complete, conflict=true is None or disputed),
        _summary(facts, true, others, disputed=disputed),
        tuple(node.address for node in nodes),
        (*_evidence(facts), *(one.evidence for one in hidden)),
        facts.lines("diagnose", "events"),
    )


def _summary(facts: Facts, true: NodeView | None, others: tuple[NodeView, ...], *, disputed: bool) -> str:
    names = " and ".join(str(node.address) for node in others)
    if true is None:
        nobody = "no majority of Sentinels says" if facts.has_sentinels else "nobody is in charge to say"
        said = f"Split brain: {names} are masters at once, and {nobody} which is the true one."
        return f"{said}{_who_writes(facts)}"
    changes = [_changes(facts, node) for node in others]
    if disputed:
        takes = "takes writes" if any(changes) else "has clients that may write"
        return f"Split brain: the Sentinels name {true.address}, but only {names} {takes}. A person has to decide."
    lost = "takes writes that will be lost" if any(changes) else "may have taken writes that will be lost"
    if None not in changes and not any(changes):
        lost += "; it took none between two looks"
    return f"Split brain: {true.address} is the true master, as the Sentinels say; {names} {lost}."


def _who_writes(facts: Facts) -> str:
    """Who takes writes now, as two looks tell: a help for whoever decides, and no proof of who is right."""
    changes = {node.address: _changes(facts, node) for node in facts.masters}
    takers = [str(address) for address, number in changes.items() if number]
    if takers:
        return f" {' and '.join(takers)} took writes between two looks."
    return "" if None in changes.values() else " None of them took writes between two looks."


def _hidden(facts: Facts) -> tuple[_Hidden, ...]:
    """The silent nodes that somebody else sees as a master, each once."""
    found: dict[str, _Hidden] = {}
    for one in (*_seen_by_sentinels(facts), *_followed(facts)):
        found.setdefault(str(one.node.address), one)
    return tuple(found.values())


def _seen_by_sentinels(facts: Facts) -> Iterator[_Hidden]:
    for view, master in facts.opinions:
        node = facts.nodes.get(master.address)
        if node and node.info is None and not master.flags & DOWN_FLAGS and master.address == facts.agreed:
            yield _Hidden(node, of_sentinel(view, f"{flags_of(master.flags)} on {master.address}"))
        for replica in master.replicas:
            node = facts.nodes.get(replica.address)
            if node and node.info is None and _seen_as_master(replica):
                said = f"{flags_of(replica.flags)}, role-reported=master on {replica.address}"
                yield _Hidden(node, of_sentinel(view, said))


def _seen_as_master(replica: SentinelReplica) -> bool:
    """Sentinel reaches it, and heard lately that it calls itself a master."""
    fresh = replica.info_age_ms is not None and replica.info_age_ms <= FRESH_INFO_MS
    return fresh and replica.role_reported == "master" and not replica.flags & DOWN_FLAGS


def _followed(facts: Facts) -> Iterator[_Hidden]:
    """A replica that follows a silent node is right to do so if that is a replica itself, in a chain."""
    for node in facts.snapshot.nodes:
        link = node.info.link if node.info else None
        followed = facts.nodes.get(link.master) if link and link.up else None
        if followed is None or followed.info is not None or followed.address in facts.attached:
            continue
        if followed.address not in facts.sentinel_replicas:
            yield _Hidden(followed, of_node(node, f"link to {followed.address} up"))


def _writers(facts: Facts) -> frozenset[Address]:
    """The masters that take writes: by growth between two looks, else those that have clients; empty if unknown."""
    own = CONNECTIONS_OF_SENTINEL * facts.electorate
    grown = {node.address for node in facts.masters if (_changes(facts, node) or 0) > 0}
    return frozenset(grown or {node.address for node in facts.masters if (node.normal_clients or 0) > own})


def _changes(facts: Facts, node: NodeView) -> int | None:
    """How often its data was changed between two looks; ``None`` where nothing tells.

    A save in between sets the count back: then what it has grown to does not say when.
    """
    counted = growth(facts, node, lambda info: info.changes_since_save)
    return counted.change if counted and counted.change >= 0 else None


def _written(facts: Facts, node: NodeView) -> Evidence:
    """What two looks say of the writes that a node takes, or that one look cannot."""
    counted = growth(facts, node, lambda info: info.changes_since_save)
    if counted is None:
        return one_look(f"node {node.address} INFO", "whether it takes writes now")
    if counted.change < 0:
        said = "it was saved in between, so this tells nothing of writes now"
    else:
        said = counted.rate("writes") if counted.change else "no write in between"
    both = f"changes since the last save {counted.then:,}, then {counted.now:,}: {said}"
    return counted.evidence(f"node {node.address} INFO", both)


def _evidence(facts: Facts) -> Iterator[Evidence]:
    for node in facts.masters:
        yield of_node(node, _role_text(node))
    for first, second in zip(facts.masters, facts.masters[1:], strict=False):
        yield Evidence(f"lineage of {first.address} and {second.address}", lineage(first, second))
    for node in facts.masters:
        if node.normal_clients is not None:
            yield of_node(node, count(node.normal_clients, "client"))
        yield _written(facts, node)
    for view, master in facts.opinions:
        yield of_sentinel(view, f"names {master.address}, config-epoch {master.config_epoch}")
    for unasked in facts.snapshot.unasked:
        yield no_answer(unasked)


def _role_text(node: NodeView) -> str:
    info = node.info
    if info is None:
        return "no answer"
    return (
        f"role master, up for {info.uptime_s} s, {count(len(info.replicas), 'replica')}, offset {info.offset:,}, "
        f"replid {info.replid[:12]}"
    )
