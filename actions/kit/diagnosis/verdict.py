"""Rules that need the other findings: that all is well, and that nothing decisive could be asked. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.diagnosis.facts import Facts, confident, count, no_answer, of_node, of_sentinel
from actions.kit.findings import Evidence, Finding, FindingId, Severity, is_disturbed
from actions.kit.snapshot import Reason

TELLS_OF_MASTER = frozenset(
    {
        FindingId.MASTER_DOWN,
        FindingId.MASTER_UNREACHABLE,
        FindingId.SPLIT_BRAIN,
        FindingId.FAILOVER_IN_PROGRESS,
        FindingId.LOADING,
        FindingId.BUSY_SCRIPT,
        FindingId.CLIENTS_NEAR_LIMIT,
        FindingId.PERSISTENCE_FAILING,
        FindingId.WRITES_REFUSED,
        FindingId.SENTINEL_DISAGREEMENT,
        FindingId.SENTINEL_MISCONFIGURED,
        FindingId.ELASTICACHE_DISAGREEMENT,
    }
)
"""A critical finding of these says how the master fares, or why that is not to be had."""


def healthy(facts: Facts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """All is well.

    Nothing else was found but information; every node and every Sentinel answered; the agreed master says that it is
    one, and no other node does. Silence is never health. Likely, not certain, where a Sentinel's CKQUORUM is unknown.
    """
    if is_disturbed(findings) or not _all_answered(facts) or facts.agreed is None:
        return
    if facts.master is None or not facts.master.is_master:
        return
    yield Finding(
        FindingId.HEALTHY,
        Severity.OK,
        confident(complete=all(view.quorum_ok for view in facts.snapshot.sentinels)),
        f"{facts.agreed} is the master, followed by {count(len(facts.others), 'replica')}{_witnesses(facts)}.",
        (facts.agreed,),
        (
            of_node(facts.master, "role master"),
            *(of_node(node, "link up") for node in facts.others),
            *(of_sentinel(view, view.quorum_text or f"names {master.address}") for view, master in facts.opinions),
        ),
    )


def undetermined(facts: Facts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Nothing decisive could be asked.

    The node that should be master did not say that it is, or nobody knows who should be, and no finding explains it;
    or nothing is wrong but not all answered. It says what would decide.
    """
    explained = any(one.id in TELLS_OF_MASTER and one.severity is Severity.CRITICAL for one in findings)
    explained |= any(one.id is FindingId.MASTER_UNREACHABLE for one in findings)
    known = facts.master is not None and facts.master.is_master
    well = _all_answered(facts) and facts.agreed is not None
    if explained or (known and (is_disturbed(findings) or well)):
        return
    yield Finding(
        FindingId.UNDETERMINED,
        Severity.CRITICAL,
        confident(complete=False, conflict=True),
        f"How {facts.snapshot.target} fares cannot be told: {_wrong_kind(facts) or _would_decide(facts)}.",
        (facts.master_address,) if facts.master_address else (),
        tuple(no_answer(unasked) for unasked in facts.snapshot.unasked)
        or (Evidence("every vantage point", "no one master is agreed on"),),
        facts.lines("diagnose"),
    )


def _wrong_kind(facts: Facts) -> str:
    if not facts.is_unnoticed_cluster:
        return ""
    return f"its nodes run in cluster mode, and targets.yaml calls it kind: {facts.snapshot.kind}; put kind: cluster"


def _would_decide(facts: Facts) -> str:
    """What is missing, in words that say what to do about it."""
    if facts.master is not None and facts.master.unasked is not None:
        return f"an answer of {facts.master.address} to INFO would decide it ({facts.master.unasked.reason})"
    if facts.silent_kubernetes is not None and not facts.snapshot.nodes:
        return f"what Kubernetes says of its pods would decide it ({facts.silent_kubernetes.why.rstrip('.')})"
    if facts.has_sentinels and facts.agreed is None:
        missing = facts.electorate // 2 + 1
        return f"the same answer of {missing} of {facts.electorate} Sentinels would decide it ({_reasons(facts)})"
    if facts.silent_aws is not None and (facts.agreed is not None or not facts.snapshot.nodes):
        return f"what AWS says of it would decide it ({facts.silent_aws.why.rstrip('.')})"
    if not any(node.info for node in facts.snapshot.nodes):
        return f"no node answered us ({_reasons(facts)}), so INFO of any of them would decide it"
    return f"the nodes that did not answer would decide it ({_reasons(facts)})"


def _reasons(facts: Facts) -> str:
    reasons: set[Reason] = {unasked.reason for unasked in facts.snapshot.unasked}
    return ", ".join(sorted(reasons)) or "all answered"


def _all_answered(facts: Facts) -> bool:
    nodes = facts.snapshot.nodes
    sentinels = not facts.has_sentinels or (facts.all_voters_answered and bool(facts.opinions))
    return bool(nodes) and all(node.info is not None for node in nodes) and sentinels and facts.silent_aws is None


def _witnesses(facts: Facts) -> str:
    if facts.group is not None:
        return "; AWS agrees"
    return f"; {count(len(facts.opinions), 'Sentinel')} agree" if facts.opinions else ""
