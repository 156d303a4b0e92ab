"""Masters that do not answer us, and whom somebody else sees. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actions.kit.diagnosis.facts import DOWN_FLAGS, Facts, flags_of, of_node, of_sentinel
from actions.kit.diagnosis.voice import Reach
from actions.kit.diagnosis.voices import heard
from actions.kit.findings import Evidence
from actions.kit.snapshot import NodeView, SentinelReplica

FRESH_INFO_MS = 15_000
"""Sentinel asks for INFO every ten seconds: what it says of a role is not older than this, or it is out of date."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A node that does not answer us, and that somebody else sees as a master."""

    node: NodeView
    evidence: Evidence


def hidden_masters(facts: Facts) -> tuple[Hidden, ...]:
    """The silent nodes that somebody else sees as a master, each once."""
    found: dict[str, Hidden] = {}
    for one in (*_seen_by_sentinels(facts), *_followed(facts)):
        found.setdefault(str(one.node.address), one)
    return tuple(found.values())


def _seen_by_sentinels(facts: Facts) -> Iterator[Hidden]:
    for view, master in facts.opinions:
        node = facts.nodes.get(master.address)
        if node and node.info is None and not master.flags & DOWN_FLAGS and master.address == facts.agreed:
            yield Hidden(node, of_sentinel(view, f"{flags_of(master.flags)} on {master.address}"))
        for replica in master.replicas:
            node = facts.nodes.get(replica.address)
            if node and node.info is None and _seen_as_master(replica):
                said = f"{flags_of(replica.flags)}, role-reported=master on {replica.address}"
                yield Hidden(node, of_sentinel(view, said))


def _seen_as_master(replica: SentinelReplica) -> bool:
    """Sentinel reaches it, and heard lately that it calls itself a master."""
    fresh = replica.info_age_ms is not None and replica.info_age_ms <= FRESH_INFO_MS
    return fresh and replica.role_reported == "master" and not replica.flags & DOWN_FLAGS


def _followed(facts: Facts) -> Iterator[Hidden]:
    """A replica that follows a silent node is right to do so if that is a replica itself, in a chain.

    The Sentinels call an old master a replica too, from the moment they have replaced it: one that still sends another
    history than the master's is none.
    """
    for node in facts.snapshot.nodes:
        link = node.info.link if node.info else None
        followed = facts.nodes.get(link.master) if link and link.up else None
        if followed is None or followed.info is not None or followed.address in facts.attached:
            continue
        if followed.address not in facts.sentinel_replicas or _apart(facts, node):
            yield Hidden(followed, of_node(node, f"link to {followed.address} up"))


def _apart(facts: Facts, node: NodeView) -> bool:
    """A replica hears from whom it follows now, and has another history than the master."""
    master = facts.master.info if facts.master and facts.master.is_master else None
    if master is None or node.info is None or node.info.link is None:
        return False
    return node.info.replid != master.replid and heard(node.info.link) is Reach.YES
