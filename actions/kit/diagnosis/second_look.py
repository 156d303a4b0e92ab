"""Which findings want a second look a moment later, and what that is to tell. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from actions.kit.findings import Diagnosis, FindingId
from actions.kit.snapshot import NodeView, Snapshot

QUESTIONS: Mapping[FindingId, str] = MappingProxyType(
    {
        FindingId.SPLIT_BRAIN: "who takes writes now",
        FindingId.REPLICA_LAGGING: "whether the lag grows",
        FindingId.REPLICATION_BROKEN: "whom the master refuses",
        FindingId.REPLICA_SYNCING: "how fast the full sync goes",
        FindingId.CLIENTS_NEAR_LIMIT: "whether clients are turned away",
    }
)
"""What only growth tells of a finding, as the end of a sentence."""
FULL = 0.9
"""The share of maxmemory from which a server that may evict keys is asked whether it does."""


def open_questions(snapshot: Snapshot, diagnosis: Diagnosis) -> tuple[str, ...]:
    """What a second look would tell, each as the end of a sentence; nothing where one is enough."""
    return tuple(dict.fromkeys(_open(snapshot, diagnosis)))


def _open(snapshot: Snapshot, diagnosis: Diagnosis) -> Iterator[str]:
    for one in diagnosis.findings:
        if one.id in QUESTIONS:
            yield QUESTIONS[one.id]
        elif one.id is FindingId.FAILOVER_IN_PROGRESS and snapshot.in_cluster:
            yield "whether a vote has begun"
    if any(map(_may_evict, snapshot.masters)):
        yield "whether keys are evicted"
    if any(map(_has_refused_writes, snapshot.nodes)):
        yield "whether writes are refused"
    if any(node.info is not None and node.info.rejected_connections for node in snapshot.nodes):
        yield QUESTIONS[FindingId.CLIENTS_NEAR_LIMIT]


def _has_refused_writes(node: NodeView) -> bool:
    """It has, at some time since it started, in a way that stands in none of its other fields."""
    if node.info is None:
        return False
    errors = node.info.errors
    return bool(errors.readonly if node.is_replica else errors.oom or errors.misconf or errors.noreplicas)


def _may_evict(master: NodeView) -> bool:
    info = master.info
    if info is None or not info.max_memory or info.used_memory is None or not info.evicted_keys:
        return False
    return info.max_memory_policy not in (None, "noeviction") and info.used_memory >= FULL * info.max_memory
