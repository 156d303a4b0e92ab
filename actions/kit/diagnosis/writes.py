"""Rules about writes that are refused, by a master that cannot take them or by a replica. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actions.kit.diagnosis.about import PROOF, about, counts, grown
from actions.kit.diagnosis.facts import Facts, confident, count, of_node
from actions.kit.diagnosis.persistence import stops_on_bgsave_error
from actions.kit.fencing import FENCE_REPLICAS, SWITCHED_OFF, but_scripts, fence_left, scripts_pass
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView


def writes_refused(facts: Facts) -> Iterator[Finding]:
    """A master refuses writes for want of replicas or of a disk, or there is no master to write to.

    min-replicas-to-write is in force and fewer good replicas are attached than it asks for, or none at all where it
    may not be read; where there are enough by now, it refused some between two looks. Or it cannot write its AOF; or
    its last BGSAVE failed, it has save points, and stop-writes-on-bgsave-error; where its settings may not be read, it
    refused some for it between two looks. Or somebody's CLIENT PAUSE lets them wait: it says so, or clients wait with
    commands that never do so by themselves. Or every node answered and each is a replica. A replica that would refuse
    writes once promoted, for a failover's fence was left on it, is a warning; so is a node whose fence only a
    min-replicas-max-lag of 0 keeps from that. Certain: the nodes say so.
    """
    yield from _paused(facts)
    yield from _too_few_replicas(facts)
    yield from _no_disk(facts)
    yield from _no_master(facts)
    yield from _fence_left(facts)


def _too_few_replicas(facts: Facts) -> Iterator[Finding]:
    for node in facts.masters:
        good = node.info.good_replicas if node.info else None
        wanted = node.config.min_replicas_to_write if node.config else None
        if good is not None and good < (1 if wanted is None else wanted):
            yield _refuses(facts, node, good, wanted)
        elif refused := grown(facts, node, lambda info: info.errors.noreplicas):
            summary = f"The master {node.address} refused writes a moment ago: it had too few replicas attached."
            said = counts(node, "errorstat_NOREPLICAS", refused)
            yield about(facts, FindingId.WRITES_REFUSED, node, Severity.WARNING, summary, said, does=PROOF)


def _refuses(facts: Facts, node: NodeView, good: int, wanted: int | None) -> Finding:
    cause = (
        "its value is the fence of a failover that was cut off and has to be settled"
        if wanted == FENCE_REPLICAS
        else "attach replicas, or lower it"
    )
    setting = f"min-replicas-to-write {wanted or 'may not be read'}"
    return Finding(
        FindingId.WRITES_REFUSED,
        Severity.CRITICAL,
        confident(complete=True),
        f"The master {node.address} refuses writes{but_scripts(scripts_pass(node))}: min-replicas-to-write asks for "
        f"more replicas than it has; {cause}.",
        (node.address,),
        (of_node(node, f"min_slaves_good_slaves {good}"), Evidence(f"node {node.address} CONFIG GET", setting)),
        facts.lines("verify", "diagnose"),
    )


def _paused(facts: Facts) -> Iterator[Finding]:
    for node in facts.masters:
        waiting = node.clients.waiting if node.clients else 0
        if node.info is None or node.info.failover_state not in (None, "", "no-failover"):
            continue
        ends = "CLIENT UNPAUSE ends that, if it is nobody's who is at work"
        if node.info.paused_ms:
            left = f"for {max(1, node.info.paused_ms // 1000):,} s more"
            summary = f"The master {node.address} lets writes wait {left}: somebody gave it CLIENT PAUSE; {ends}."
            said: str | Evidence = f"paused_reason client_pause, paused_timeout_milliseconds {node.info.paused_ms:,}"
        elif waiting:
            summary = f"The master {node.address} lets writes wait: somebody gave it CLIENT PAUSE; {ends}."
            said = Evidence(f"node {node.address} CLIENT LIST", f"{count(waiting, 'client')} blocked in a write")
        else:
            continue
        yield about(facts, FindingId.WRITES_REFUSED, node, Severity.CRITICAL, summary, said, does=PROOF)


def _no_disk(facts: Facts) -> Iterator[Finding]:
    for node in facts.masters:
        if node.info is None:
            continue
        refused = grown(facts, node, lambda info: info.errors.misconf)
        counted = (counts(node, "errorstat_MISCONF", refused),) if refused else ()
        if node.info.aof_enabled and node.info.last_aof_write_ok is False:
            what, said = "its AOF", "aof_last_write_status:err"
        elif node.info.last_bgsave_ok is False and (refused or stops_on_bgsave_error(node)):
            what, said = "its dump, and stop-writes-on-bgsave-error is set", "rdb_last_bgsave_status:err"
        else:
            continue
        summary = f"The master {node.address} refuses writes (MISCONF): it cannot write {what}. Look at its disk."
        finding = about(facts, FindingId.WRITES_REFUSED, node, Severity.CRITICAL, summary, said, *counted, does=PROOF)
        yield replace(finding, suggests=(*facts.failover_lines(node), *finding.suggests))


def _no_master(facts: Facts) -> Iterator[Finding]:
    nodes = facts.snapshot.nodes
    if nodes and not facts.in_cluster and all(node.is_replica for node in nodes):
        links = ((node, node.info.link) for node in nodes if node.info)
        yield Finding(
            FindingId.WRITES_REFUSED,
            Severity.CRITICAL,
            confident(complete=True),
            "Nobody takes writes: every known node is a replica.",
            tuple(node.address for node in nodes),
            tuple(of_node(node, f"replica of {link.master if link else 'nobody'}") for node, link in links),
            (*facts.promotion_lines, *facts.lines("diagnose", "events")),
        )


def _fence_left(facts: Facts) -> Iterator[Finding]:
    for node in facts.snapshot.nodes:
        if not fence_left(node):
            continue
        if node.config and node.config.min_replicas_max_lag == 0:
            only = f"it refuses no writes only because {SWITCHED_OFF}"
            summary = f"{node.address} holds the fence of a cut-off failover, which has to be settled; {only}."
            said = f"min-replicas-to-write {FENCE_REPLICAS}, min-replicas-max-lag 0"
        elif node.is_replica:
            refuses = f"would refuse writes as master{but_scripts(scripts_pass(node))}"
            summary = f"The replica {node.address} {refuses}: a cut-off failover left its fence."
            said = f"min-replicas-to-write {FENCE_REPLICAS}"
        else:
            continue  # It refuses them, and that is said above.
        yield Finding(
            FindingId.WRITES_REFUSED,
            Severity.WARNING,
            confident(complete=True),
            summary,
            (node.address,),
            (Evidence(f"node {node.address} CONFIG GET", said),),
            facts.lines("diagnose"),
        )


def writes_to_replica(facts: Facts) -> Iterator[Finding]:
    """Clients send their writes to a replica.

    It refuses them: between two looks it answered READONLY more often. Nothing is said of that while the roles move:
    then clients are about to learn of the new master. Or it takes them (replica-read-only no), and they are only
    there; information where no client sent one a moment ago. Certain: it says so.
    """
    yield from _taken_by_replica(facts)
    if facts.roles_undecided or len(facts.masters) > 1:
        return
    for node in facts.snapshot.nodes:
        before = facts.earlier(node)
        refused = grown(facts, node, lambda info: info.errors.readonly)
        if refused and node.is_replica and before and before.is_replica:
            times = count(refused.change, "write")
            summary = f"Clients write to the replica {node.address}: it has just refused {times} (READONLY)."
            said = counts(node, "errorstat_READONLY", refused)
            yield about(facts, FindingId.APP_ON_REPLICA, node, Severity.WARNING, summary, said, does=PROOF)


def _taken_by_replica(facts: Facts) -> Iterator[Finding]:
    for node in facts.snapshot.nodes if not facts.in_cluster else ():
        if not node.is_replica or node.info is None or node.info.read_only is not False:
            continue
        writing = node.clients.writing if node.clients else 0
        lost = "what is written to it is only there, and lost with its next full sync: set replica-read-only yes"
        summary = f"The replica {node.address} may be written to (replica-read-only no); {lost}."
        said = [of_node(node, "slave_read_only:0")]
        if writing:
            summary = f"Clients write to the replica {node.address}, which takes it (replica-read-only no): {lost}."
            told = f"{count(writing, 'client')} sent a write a moment ago"
            said.append(Evidence(f"node {node.address} CLIENT LIST", told))
        severity = Severity.WARNING if writing else Severity.INFO
        yield about(facts, FindingId.APP_ON_REPLICA, node, severity, summary, *said)
