"""The vocabulary of a diagnosis: findings, their evidence, the verdict. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from actions.kit.topology import Address


class FindingId(StrEnum):
    """Every finding that a snapshot can prove. Add to them, never rename."""

    HEALTHY = "healthy"
    MASTER_DOWN = "master-down"
    MASTER_UNREACHABLE = "master-unreachable"
    FAILOVER_IN_PROGRESS = "failover-in-progress"
    SPLIT_BRAIN = "split-brain"
    REPLICA_DOWN = "replica-down"
    REPLICATION_BROKEN = "replication-broken"
    REPLICA_LAGGING = "replica-lagging"
    REPLICA_SYNCING = "replica-syncing"
    NO_ELIGIBLE_REPLICA = "no-eligible-replica"
    SENTINEL_QUORUM_LOST = "sentinel-quorum-lost"
    SENTINEL_DISAGREEMENT = "sentinel-disagreement"
    SENTINEL_MISCONFIGURED = "sentinel-misconfigured"
    SENTINEL_DOWN = "sentinel-down"
    PERSISTENCE_FAILING = "persistence-failing"
    OUT_OF_MEMORY = "out-of-memory"
    MEMORY_PRESSURE = "memory-pressure"
    FRAGMENTATION = "fragmentation"
    EVICTING = "evicting"
    CLIENTS_NEAR_LIMIT = "clients-near-limit"
    AUTH_FAILED = "auth-failed"
    TLS_FAILED = "tls-failed"
    LOADING = "loading"
    BUSY_SCRIPT = "busy-script"
    SLOW_COMMANDS = "slow-commands"
    WRITES_REFUSED = "writes-refused"
    APP_ON_REPLICA = "app-on-replica"
    CLUSTER_SLOTS_UNCOVERED = "cluster-slots-uncovered"
    CLUSTER_MASTER_WITHOUT_REPLICA = "cluster-master-without-replica"
    CLUSTER_OPEN_SLOTS = "cluster-open-slots"
    CLUSTER_DISAGREEMENT = "cluster-disagreement"
    CLUSTER_MAJORITY_LOST = "cluster-majority-lost"
    ELASTICACHE_CHANGING = "elasticache-changing"
    ELASTICACHE_DISAGREEMENT = "elasticache-disagreement"
    ELASTICACHE_FAILOVER_OFF = "elasticache-failover-off"
    ELASTICACHE_ONE_ZONE = "elasticache-one-zone"
    PODS_NOT_READY = "pods-not-ready"
    KUBERNETES_SILENT = "kubernetes-silent"
    UNDETERMINED = "undetermined"


class Severity(IntEnum):
    """How bad it is for the service now; the larger the worse."""

    OK = 0
    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The lower-case name, for people and JSON."""
        return self.name.lower()


class Confidence(StrEnum):
    """How sure a finding is."""

    CERTAIN = "certain"
    """Every vantage point that could contradict it answered, and none did."""
    LIKELY = "likely"
    """The evidence points one way, but one that could contradict it did not answer."""
    UNDETERMINED = "undetermined"
    """The evidence conflicts, or what would decide did not answer."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """``source``: who said it (``node A INFO``, ``sentinel B``); ``observation``: what it said."""

    source: str
    observation: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a snapshot proves. ``suggests`` holds action lines, such as ``failover orders``."""

    id: FindingId
    severity: Severity
    confidence: Confidence
    summary: str
    nodes: tuple[Address, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    suggests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, the worst first; the first is the verdict."""

    findings: tuple[Finding, ...]
    master: Address | None

    @property
    def verdict(self) -> Finding:
        """The finding that matters most."""
        return self.findings[0]

    def has(self, finding: FindingId) -> bool:
        """Whether this finding is among them."""
        return any(one.id is finding for one in self.findings)


def is_disturbed(findings: Iterable[Finding]) -> bool:
    """Whether one of them is more than information."""
    return any(one.severity > Severity.INFO for one in findings)
