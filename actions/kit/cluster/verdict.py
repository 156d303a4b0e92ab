"""Rules that need the other findings: that all is well with a cluster, or that it cannot be told. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.cluster.facts import ClusterFacts, ShardFacts
from actions.kit.cluster.view import SLOTS
from actions.kit.diagnosis.facts import confident, count, no_answer, of_node
from actions.kit.findings import Evidence, Finding, FindingId, Severity, is_disturbed
from actions.kit.snapshot import NodeView


def cluster_healthy(facts: ClusterFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """All is well with a cluster.

    Nothing else was found but information; every node that anybody knows told us how it sees the cluster; each slot
    has one owner, which says that it is a master. Silence is never health.
    """
    shards = facts.shards.shards
    if is_disturbed(findings) or not shards or any(_expected(facts)) or facts.silent_aws:
        return
    masters = [part.master for part in facts.parts]
    if not all(master is not None and master.is_master for master in masters):
        return
    replicas = sorted({len(shard.replicas) for shard in shards})
    each = (
        f"each with {count(replicas[0], 'replica')}"
        if len(replicas) == 1
        else f"with {replicas[0]} to {replicas[-1]} replicas"
    )
    yield Finding(
        FindingId.HEALTHY,
        Severity.OK,
        confident(complete=True),
        f"{count(len(shards), 'master')} serve all {SLOTS:,} slots, {each}; "
        f"{count(len(facts.shards.views), 'node')} agree{', AWS too' if facts.group else ''}.",
        (),
        tuple(of_node(master, "role master") for master in masters if master is not None),
    )


def cluster_undetermined(facts: ClusterFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Nothing decisive could be asked of a cluster.

    No node told us how it sees it; or of half of its masters or more it is not known how they fare: they gave us
    nothing, and nobody else says whether they are reached; or nothing is wrong but not all answered. It says what would
    decide.
    """
    shards = facts.shards.shards
    missing = tuple(_expected(facts))
    known = sum(_is_known(part, findings) for part in facts.parts) * 2 > len(shards)
    all_said = not missing and facts.silent_aws is None
    if shards and known and (is_disturbed(findings) or all_said):
        return
    yield Finding(
        FindingId.UNDETERMINED,
        Severity.CRITICAL,
        confident(complete=False, conflict=True),
        f"How {facts.snapshot.target} fares cannot be told: {_would_decide(facts, missing)}.",
        tuple(node.address for node in missing),
        tuple(no_answer(unasked) for unasked in facts.snapshot.unasked)
        or (Evidence("every vantage point", "nobody tells of a cluster"),),
        facts.lines("diagnose"),
    )


def _is_known(part: ShardFacts, findings: Sequence[Finding]) -> bool:
    """Its master told us how it sees the cluster, or nobody reaches it, or somebody else does."""
    master = part.shard.master
    reached = any(one.id is FindingId.MASTER_UNREACHABLE and master in one.nodes for one in findings)
    return part.is_lost or reached or master in part.whole.answering_masters


def _would_decide(facts: ClusterFacts, missing: Sequence[NodeView]) -> str:
    reasons = ", ".join(sorted({unasked.reason for unasked in facts.snapshot.unasked})) or "all answered"
    if facts.silent_aws is not None and not missing:
        return f"what AWS says of it would decide it ({facts.silent_aws.why.rstrip('.')})"
    if not facts.shards.views and facts.shards.strangers:
        return "its nodes run without cluster mode, and targets.yaml calls it kind: cluster; put another kind"
    if not facts.shards.views:
        return f"no node told us of its cluster ({reasons}), so CLUSTER NODES of any of them would decide it"
    masters = len(facts.shards.shards)
    if len(facts.answering_masters) * 2 <= masters:
        return f"the word of {masters // 2 + 1} of {count(masters, 'master')} would decide it ({reasons})"
    return f"{count(len(missing), 'node')} that did not answer would decide it ({reasons})"


def _expected(facts: ClusterFacts) -> Iterator[NodeView]:
    """The nodes that did not tell how they see the cluster, though the settings or another node name them.

    One that was seen earlier and is named by nobody any more has been forgotten; one in handshake is no member yet.
    """
    members = set(facts.shards.addresses.values())
    for node in facts.snapshot.nodes:
        if node.cluster is None and (node.address in members or "settings" in node.known_from):
            yield node
