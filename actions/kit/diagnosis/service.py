"""Rules about a node's clients: nearly as many as it may have, turned away. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.diagnosis.about import about, counts
from actions.kit.diagnosis.facts import Facts, confident, no_answer
from actions.kit.diagnosis.growth import growth, one_look
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeInfo, NodeView, Reason, SentinelView

NEARLY = 0.9
"""The share of maxclients from which it is worth a warning."""


def clients_near_limit(facts: Facts) -> Iterator[Finding]:
    """A node turns clients away, or will soon.

    It turned us away (critical on the master), or others between two looks; or nine tenths of its maxclients are
    connected, those of a cluster's bus counted. Certain: it says so.
    """
    yield from _turned_us_away(facts)
    for node in facts.snapshot.nodes:
        if node.info is None:
            continue
        refused = growth(facts, node, lambda info: info.rejected_connections)
        if refused is not None and refused.change > 0:
            summary = f"{node.address} turns clients away: it has as many as maxclients allows."
        elif node.info.max_clients and _connections(node.info) >= node.info.max_clients * NEARLY:
            summary = f"{node.address} has nearly as many clients as it may have."
        else:
            continue
        told: Evidence = (
            one_look(f"node {node.address} INFO", "whether clients are turned away now")
            if refused is None
            else counts(node, "rejected_connections", refused)
        )
        said = f"connected_clients {_connections(node.info):,} of maxclients {node.info.max_clients or 0:,}"
        yield about(facts, FindingId.CLIENTS_NEAR_LIMIT, node, Severity.WARNING, summary, said, told)


def _turned_us_away(facts: Facts) -> Iterator[Finding]:
    views: tuple[NodeView | SentinelView, ...] = (*facts.snapshot.nodes, *facts.snapshot.sentinels)
    for view in views:
        if view.unasked is None or view.unasked.reason is not Reason.MAXCLIENTS:
            continue
        leads = isinstance(view, NodeView) and facts.leads(view)
        who = "Sentinel" if isinstance(view, SentinelView) else "The master" if leads else "The replica"
        yield Finding(
            FindingId.CLIENTS_NEAR_LIMIT,
            Severity.CRITICAL if leads else Severity.WARNING,
            confident(complete=True),
            f"{who} {view.address} takes no more clients: raise maxclients, or find who opens so many.",
            (view.address,),
            (no_answer(view.unasked),),
            facts.lines("diagnose"),
        )


def _connections(info: NodeInfo) -> int:
    return (info.connected_clients or 0) + (info.stats.cluster_connections or 0)
