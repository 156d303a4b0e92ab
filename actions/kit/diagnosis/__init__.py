"""Says what a snapshot proves: one pure rule a finding, all of them asked, the worst first. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from actions.kit.cluster.coverage import majority_lost, master_without_replica, slots_uncovered, spare_down, state_fail
from actions.kit.cluster.disagreement import cluster_disagreement
from actions.kit.cluster.facts import ClusterFacts
from actions.kit.cluster.moving import cluster_failover_in_progress
from actions.kit.cluster.opened import open_slots
from actions.kit.cluster.verdict import cluster_healthy, cluster_undetermined
from actions.kit.diagnosis.access import auth_failed, busy_script, loading, tls_failed
from actions.kit.diagnosis.catching_up import replica_lagging, replica_syncing
from actions.kit.diagnosis.elasticache import (
    aws_shuts_out,
    failover_off,
    group_changing,
    group_disagreement,
    group_failing_over,
    one_zone,
)
from actions.kit.diagnosis.facts import Facts
from actions.kit.diagnosis.kubernetes import app_on_replica, pods_not_ready
from actions.kit.diagnosis.master import (
    failover_in_progress,
    master_down,
    master_unreachable,
    master_unreachable_for_voters,
)
from actions.kit.diagnosis.memory import evicting, fragmented, memory_pressure, out_of_memory
from actions.kit.diagnosis.persistence import disk_stops_writes, persistence_failing
from actions.kit.diagnosis.printable import printable
from actions.kit.diagnosis.replicas import (
    no_eligible_replica,
    replica_down,
    replication_broken,
)
from actions.kit.diagnosis.sentinel_settings import sentinel_misconfigured
from actions.kit.diagnosis.sentinels import sentinel_disagreement, sentinel_down, sentinel_quorum_lost
from actions.kit.diagnosis.service import clients_near_limit
from actions.kit.diagnosis.slow import slow_commands
from actions.kit.diagnosis.split import split_brain
from actions.kit.diagnosis.verdict import healthy, undetermined
from actions.kit.diagnosis.writes import writes_refused, writes_to_replica
from actions.kit.findings import Confidence, Diagnosis, Finding, FindingId
from actions.kit.snapshot import Snapshot

Rule = Callable[[Facts], Iterable[Finding]]
ClosingRule = Callable[[Facts, Sequence[Finding]], Iterable[Finding]]


def _each(rule: Rule) -> Rule:
    """The rule, of each group of one master and its replicas: of a cluster that is each shard."""
    return lambda facts: chain.from_iterable(map(rule, facts.parts))


def _of_cluster(rule: Callable[[ClusterFacts], Iterable[Finding]]) -> Rule:
    """A rule of clusters only."""
    return lambda facts: rule(facts) if isinstance(facts, ClusterFacts) else ()


def _closing(
    rule: ClosingRule, of_cluster: Callable[[ClusterFacts, Sequence[Finding]], Iterable[Finding]]
) -> ClosingRule:
    """A rule that judges a cluster otherwise."""
    return lambda facts, found: of_cluster(facts, found) if isinstance(facts, ClusterFacts) else rule(facts, found)


RULES: tuple[Rule, ...] = (
    split_brain,
    failover_in_progress,
    _of_cluster(cluster_failover_in_progress),
    group_failing_over,
    group_disagreement,
    _of_cluster(majority_lost),
    _of_cluster(slots_uncovered),
    _each(master_down),
    _each(master_unreachable_for_voters),
    _each(master_unreachable),
    busy_script,
    loading,
    disk_stops_writes,
    writes_refused,
    _of_cluster(state_fail),
    out_of_memory,
    app_on_replica,
    writes_to_replica,
    sentinel_disagreement,
    _of_cluster(cluster_disagreement),
    sentinel_quorum_lost,
    auth_failed,
    aws_shuts_out,
    tls_failed,
    group_changing,
    _of_cluster(master_without_replica),
    _each(replica_down),
    _of_cluster(spare_down),
    _each(replication_broken),
    _each(replica_syncing),
    _each(replica_lagging),
    _each(no_eligible_replica),
    _of_cluster(open_slots),
    sentinel_down,
    sentinel_misconfigured,
    failover_off,
    one_zone,
    pods_not_ready,
    persistence_failing,
    memory_pressure,
    clients_near_limit,
    slow_commands,
    evicting,
    fragmented,
)
"""Every rule, in the order in which findings of one severity stand: what endangers writes most, and causes before
their effects."""

_SUREST = (Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED)

CLOSING_RULES: tuple[ClosingRule, ...] = (
    _closing(undetermined, cluster_undetermined),
    _closing(healthy, cluster_healthy),
)
"""The rules that judge what the others found."""


def diagnose(snapshot: Snapshot, earlier: Snapshot | None = None) -> Diagnosis:
    """Ask every rule.

    Args:
        snapshot: what is judged.
        earlier: a look at the same target some time before, for what only growth can tell: who takes writes, whether
            a lag grows.

    Returns:
        At least one finding, the worst first. ``healthy`` stands before mere information.
    """
    facts = facts_of(snapshot, earlier)
    findings = [finding for rule in RULES for finding in sorted(rule(facts), key=_sureness)]
    findings += [finding for rule in CLOSING_RULES for finding in rule(facts, tuple(findings))]
    findings.sort(key=_rank)
    return Diagnosis(tuple(map(printable, findings)), facts.agreed)


def facts_of(snapshot: Snapshot, earlier: Snapshot | None = None) -> Facts:
    """The snapshot as the rules see it."""
    return (ClusterFacts if snapshot.in_cluster else Facts)(snapshot, earlier)


def _sureness(finding: Finding) -> int:
    """Of the findings of one rule the surest first, whatever their nodes are called."""
    return _SUREST.index(finding.confidence)


def _rank(finding: Finding) -> tuple[bool, int]:
    """The sort is stable, so that findings of one severity keep the order of the rules."""
    return (finding.id is not FindingId.HEALTHY, -finding.severity)
