"""The rule about a shard whose master is just being replaced by a vote. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.cluster.facts import ClusterFacts
from actions.kit.cluster.shards import slots_text
from actions.kit.diagnosis.facts import confident, of_node
from actions.kit.diagnosis.voices import link_text
from actions.kit.findings import Evidence, Finding, FindingId, Severity


def cluster_failover_in_progress(facts: ClusterFacts) -> Iterator[Finding]:
    """Roles are moving: hands off.

    A majority of the masters, which is there still, has flagged one of a shard as failed, and a replica of it that may
    be promoted lost its link no longer ago than a vote can take. Certain where the cluster's epoch has grown between
    two looks: each vote begins with a new one. Likely otherwise: a vote itself is told by nobody.
    """
    for part in facts.parts:
        if not part.electable:
            continue
        grown = tuple(_grown(facts))
        yield Finding(
            FindingId.FAILOVER_IN_PROGRESS,
            Severity.CRITICAL,
            confident(complete=bool(grown)),
            f"A failover of slots {slots_text(part.shard.slots, 3)} is in progress or about to be: the masters have "
            "given their master up, and a replica can take over. Wait until it has ended before anything is changed.",
            tuple(node.address for node in part.electable),
            (
                *part.given_up_by,
                *(of_node(node, link_text(node.info.link)) for node in part.electable if node.info and node.info.link),
                *grown,
            ),
            facts.lines("diagnose", "events"),
        )


def _grown(facts: ClusterFacts) -> Iterator[Evidence]:
    earlier = [node.cluster.current_epoch for node in (facts.before.nodes if facts.before else ()) if node.cluster]
    now = max((view.current_epoch for _, view in facts.shards.views), default=0)
    if earlier and now > max(earlier):
        yield Evidence("two looks", f"the cluster's epoch has grown from {max(earlier)} to {now}: a vote has begun")
