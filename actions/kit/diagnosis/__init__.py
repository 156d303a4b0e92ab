"""Says what a snapshot proves: one pure rule a finding, all of them asked, the worst first. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from actions.kit.diagnosis.access import auth_failed, busy_script, loading, tls_failed
from actions.kit.diagnosis.facts import Facts
from actions.kit.diagnosis.master import (
    failover_in_progress,
    master_down,
    master_unreachable,
    master_unreachable_for_voters,
)
from actions.kit.diagnosis.replicas import (
    no_eligible_replica,
    replica_down,
    replica_lagging,
    replica_syncing,
    replication_broken,
)
from actions.kit.diagnosis.sentinel_settings import sentinel_misconfigured
from actions.kit.diagnosis.sentinels import sentinel_disagreement, sentinel_down, sentinel_quorum_lost
from actions.kit.diagnosis.service import (
    clients_near_limit,
    evicting,
    memory_pressure,
    out_of_memory,
    persistence_failing,
    writes_refused,
)
from actions.kit.diagnosis.split import split_brain
from actions.kit.diagnosis.verdict import healthy, undetermined
from actions.kit.findings import Diagnosis, Finding, FindingId
from actions.kit.snapshot import Snapshot

RULES: tuple[Callable[[Facts], Iterable[Finding]], ...] = (
    split_brain,
    failover_in_progress,
    master_down,
    master_unreachable_for_voters,
    master_unreachable,
    busy_script,
    loading,
    writes_refused,
    out_of_memory,
    sentinel_disagreement,
    sentinel_quorum_lost,
    auth_failed,
    tls_failed,
    replica_down,
    replication_broken,
    replica_syncing,
    replica_lagging,
    no_eligible_replica,
    sentinel_down,
    sentinel_misconfigured,
    persistence_failing,
    memory_pressure,
    clients_near_limit,
    evicting,
)
"""Every rule, in the order in which findings of one severity stand: what endangers writes most, and causes before
their effects."""

CLOSING_RULES: tuple[Callable[[Facts, Sequence[Finding]], Iterable[Finding]], ...] = (undetermined, healthy)
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
    facts = Facts(snapshot, earlier)
    findings = [finding for rule in RULES for finding in rule(facts)]
    findings += [finding for rule in CLOSING_RULES for finding in rule(facts, tuple(findings))]
    findings.sort(key=_rank)
    return Diagnosis(tuple(findings), facts.agreed)


def _rank(finding: Finding) -> tuple[bool, int]:
    """The sort is stable, so that findings of one severity keep the order of the rules."""
    return (finding.id is not FindingId.HEALTHY, -finding.severity)
