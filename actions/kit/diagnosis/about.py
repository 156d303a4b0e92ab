"""What rules on single nodes share: the finding about one node, and what grew between two looks. No I/O here."""

from __future__ import annotations

from collections.abc import Callable

from actions.kit.diagnosis.facts import Facts, confident, of_node
from actions.kit.diagnosis.growth import Growth, growth
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeInfo, NodeView

PROOF = ("verify", "diagnose")
"""What shows by a write of our own whether writes are refused."""


def about(
    facts: Facts,
    finding: FindingId,
    node: NodeView,
    severity: Severity,
    summary: str,
    *said: str | Evidence,
    sure: bool = True,
    does: tuple[str, ...] = ("diagnose",),
) -> Finding:
    """A finding about one node.

    ``said``: what it says in its INFO, or who else says what; ``sure``: that proves it; ``does``: the actions that it
    suggests.
    """
    return Finding(
        finding,
        severity,
        confident(complete=sure),
        summary,
        (node.address,),
        tuple(of_node(node, one) if isinstance(one, str) else one for one in said),
        facts.lines(*does),
    )


def grown(facts: Facts, node: NodeView, read: Callable[[NodeInfo], int | None]) -> Growth | None:
    """A counter of one process that grew between two looks; ``None`` where it did not, or nobody can tell."""
    counted = growth(facts, node, read)
    return counted if counted is not None and counted.change > 0 else None


def counts(node: NodeView, name: str, counted: Growth) -> Evidence:
    """A counter of INFO in both looks."""
    return counted.evidence(f"node {node.address} INFO", f"{name} {counted.then:,}, then {counted.now:,}")


def mib(size: int) -> str:
    """A size for a person: ``512 MiB``."""
    return f"{size / 2**20:,.0f} MiB"
