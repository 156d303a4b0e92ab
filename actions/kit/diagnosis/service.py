"""Rules about what INFO says of the service itself: writes, persistence, memory, clients. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actions.kit.diagnosis.facts import Facts, confident, of_node
from actions.kit.diagnosis.growth import growth, one_look
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView
from actions.kit.steps import FENCE_REPLICAS

NEARLY = 0.9
"""The share of a limit from which it is worth a warning."""


def writes_refused(facts: Facts) -> Iterator[Finding]:
    """A master refuses writes for want of replicas, or there is no master to write to.

    min-replicas-to-write is in force and fewer good replicas are attached than it asks for, or none at all where it
    may not be read. Or every node answered and each is a replica. A replica that would refuse writes once promoted,
    for a failover's fence was left on it, is a warning. Certain: the nodes say so.
    """
    yield from _too_few_replicas(facts)
    yield from _no_master(facts)
    yield from _fence_left_on_replica(facts)


def _too_few_replicas(facts: Facts) -> Iterator[Finding]:
    for node in facts.masters:
        good = node.info.good_replicas if node.info else None
        wanted = node.config.min_replicas_to_write if node.config else None
        if good is not None and good < (1 if wanted is None else wanted):
            yield _refuses(facts, node, good, wanted)


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
        f"The master {node.address} refuses writes: min-replicas-to-write asks for more replicas than it has; {cause}.",
        (node.address,),
        (of_node(node, f"min_slaves_good_slaves {good}"), Evidence(f"node {node.address} CONFIG GET", setting)),
        facts.lines("verify", "diagnose"),
    )


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


def _fence_left_on_replica(facts: Facts) -> Iterator[Finding]:
    for node in facts.snapshot.nodes:
        if node.is_replica and node.config and node.config.min_replicas_to_write == FENCE_REPLICAS:
            yield Finding(
                FindingId.WRITES_REFUSED,
                Severity.WARNING,
                confident(complete=True),
                f"The replica {node.address} would refuse writes as master: a cut-off failover left its fence.",
                (node.address,),
                (Evidence(f"node {node.address} CONFIG GET", f"min-replicas-to-write {FENCE_REPLICAS}"),),
                facts.lines("diagnose"),
            )


def persistence_failing(facts: Facts) -> Iterator[Finding]:
    """The last BGSAVE or AOF write of a node failed, as it says. On the master it may stop writes."""
    for node in facts.snapshot.nodes:
        info = node.info
        if info is None:
            continue
        failed = ["rdb_last_bgsave_status:err"] if info.last_bgsave_ok is False else []
        failed += ["aof_last_write_status:err"] if info.aof_enabled and info.last_aof_write_ok is False else []
        if failed:
            stops = " and by default refuses writes" if node.is_master else ""
            summary = f"{node.address} cannot write its data to disk{stops}: look at its disk and its log."
            said = " ".join(failed)
            finding = _about(facts, FindingId.PERSISTENCE_FAILING, node, Severity.WARNING, summary, said)
            does = (*facts.failover_lines(node), *facts.lines("verify", "diagnose"))
            yield replace(finding, suggests=does) if node.is_master else finding


def out_of_memory(facts: Facts) -> Iterator[Finding]:
    """A master has used all of maxmemory and its policy is noeviction, as INFO says: it refuses writes."""
    for node in facts.masters:
        used, limit = _memory(node)
        if node.info and limit and used >= limit and node.info.max_memory_policy == "noeviction":
            summary = f"The master {node.address} is out of memory and refuses writes."
            said = f"used_memory {used:,} of maxmemory {limit:,}, noeviction"
            finding = _about(facts, FindingId.OUT_OF_MEMORY, node, Severity.CRITICAL, summary, said)
            yield replace(finding, suggests=facts.lines("verify", "diagnose"))


def memory_pressure(facts: Facts) -> Iterator[Finding]:
    """A node has used nine tenths of its maxmemory and its policy is noeviction: next it refuses writes."""
    for node in facts.snapshot.nodes:
        used, limit = _memory(node)
        full = node.is_master and used >= limit
        if node.info and limit and used >= limit * NEARLY and not full and node.info.max_memory_policy == "noeviction":
            summary = f"{node.address} has used {used * 100 // limit} % of its maxmemory, and evicts nothing."
            said = f"used_memory {used:,} of maxmemory {limit:,}, noeviction"
            yield _about(facts, FindingId.MEMORY_PRESSURE, node, Severity.WARNING, summary, said)


def evicting(facts: Facts) -> Iterator[Finding]:
    """A master evicted keys between two looks. Information: a cache is meant to."""
    for node in facts.masters:
        evicted = growth(facts, node, lambda info: info.evicted_keys)
        if evicted is not None and evicted.change > 0:
            summary = f"The master {node.address} evicts keys to stay within maxmemory, {evicted.rate('keys')}."
            said = f"evicted_keys {evicted.then:,}, then {evicted.now:,}"
            finding = _about(facts, FindingId.EVICTING, node, Severity.INFO, summary, said)
            yield replace(finding, evidence=(evicted.evidence(f"node {node.address} INFO", said),))


def clients_near_limit(facts: Facts) -> Iterator[Finding]:
    """A node has nine tenths of its maxclients connected: next it turns clients away."""
    for node in facts.snapshot.nodes:
        info = node.info
        if info and info.connected_clients and info.max_clients and info.connected_clients >= info.max_clients * NEARLY:
            summary = f"{node.address} has nearly as many clients as it may have."
            said = f"connected_clients {info.connected_clients:,} of maxclients {info.max_clients:,}"
            finding = _about(facts, FindingId.CLIENTS_NEAR_LIMIT, node, Severity.WARNING, summary, said)
            yield replace(finding, evidence=(*finding.evidence, _turned_away(facts, node)))


def _turned_away(facts: Facts, node: NodeView) -> Evidence:
    who, refused = f"node {node.address} INFO", growth(facts, node, lambda info: info.rejected_connections)
    if refused is None:
        return one_look(who, "whether clients are turned away now")
    return refused.evidence(who, f"rejected_connections {refused.then:,}, then {refused.now:,}")


def _memory(node: NodeView) -> tuple[int, int]:
    """Used and allowed; a limit of 0 is none."""
    if node.info is None or node.info.used_memory is None:
        return 0, 0
    return node.info.used_memory, node.info.max_memory or 0


def _about(facts: Facts, finding: FindingId, node: NodeView, severity: Severity, summary: str, said: str) -> Finding:
    return Finding(
        finding,
        severity,
        confident(complete=True),
        summary,
        (node.address,),
        (of_node(node, said),),
        facts.lines("diagnose"),
    )
