"""The rule about a shard whose master is just being replaced by a vote. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.cluster.facts import ClusterFacts, ShardFacts, told_by
from actions.kit.cluster.shards import slots_text
from actions.kit.diagnosis.facts import confident, of_node
from actions.kit.diagnosis.voices import link_text
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView

NODE_TIMEOUT_MS = 15_000
"""Redis' own default of cluster-node-timeout, where that may not be read."""
ELECTION_S = 5
"""A vote takes a second or two after the node time-out; a second one, where the first got no majority, twice that."""


def cluster_failover_in_progress(facts: ClusterFacts) -> Iterator[Finding]:
    """Roles are moving: hands off.

    A majority of the masters, which is there still, has flagged one of a shard as failed, and a replica of it that may
    be promoted lost its link no longer ago than a vote can take. Certain where the cluster's epoch has grown between
    two looks: each vote begins with a new one. Likely otherwise: a vote itself is told by nobody.
    """
    for part in facts.parts if len(facts.lost) * 2 < len(facts.parts) else ():
        candidates = tuple(_candidates(part)) if part.is_lost and _failed(part) else ()
        if not candidates:
            continue
        grown = tuple(_grown(facts))
        yield Finding(
            FindingId.FAILOVER_IN_PROGRESS,
            Severity.CRITICAL,
            confident(complete=bool(grown)),
            f"A failover of slots {slots_text(part.shard.slots, 3)} is in progress or about to be: the masters have "
            "given their master up, and a replica can take over. Wait until it has ended before anything is changed.",
            tuple(node.address for node in candidates),
            (
                *_failed(part),
                *(of_node(node, link_text(node.info.link)) for node in candidates if node.info and node.info.link),
                *grown,
            ),
            facts.lines("diagnose"),
        )


def _failed(part: ShardFacts) -> tuple[Evidence, ...]:
    """Who flags its master FAIL, which takes a majority of the masters and is then told to all."""
    said = part.whole.shards.said_of(part.shard.master_id)
    return tuple(told_by(who, f"flags fail on {member.address}") for member, who in said if member.failed)


def _candidates(part: ShardFacts) -> Iterator[NodeView]:
    for node in part.others:
        link = node.info.link if node.info else None
        mine = node.cluster.me if node.cluster else None
        if link is None or link.up or mine is None or "nofailover" in mine.flags or link.sync_in_progress:
            continue
        timeout_ms = node.config.cluster_node_timeout_ms if node.config else None
        if (link.down_since_s or 0) * 1000 <= 2 * (timeout_ms or NODE_TIMEOUT_MS) + ELECTION_S * 1000:
            yield node


def _grown(facts: ClusterFacts) -> Iterator[Evidence]:
    earlier = [node.cluster.current_epoch for node in (facts.before.nodes if facts.before else ()) if node.cluster]
    now = max((view.current_epoch for _, view in facts.shards.views), default=0)
    if earlier and now > max(earlier):
        yield Evidence("two looks", f"the cluster's epoch has grown from {max(earlier)} to {now}: a vote has begun")
