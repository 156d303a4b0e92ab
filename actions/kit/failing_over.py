"""Why the role of a master may not be moved now: what ``failover`` would be refused for, before it is suggested.

No I/O here.
"""

from __future__ import annotations

from actions.kit import replication_refusals, sentinel_refusals
from actions.kit.candidates import refusals_of_candidates
from actions.kit.elasticache import failover as elasticache
from actions.kit.kubernetes import switch
from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.plan import Plan
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Kind


def why_not(snapshot: Snapshot, to: Address | None) -> tuple[str, ...]:
    """Every reason against it, of a target with one master; ``to``: to whom, ``None``: to the best."""
    elsewhere = tuple(not_from_here(snapshot))
    if elsewhere:
        return elsewhere
    if snapshot.kind is Kind.ELASTICACHE:
        found = elasticache.planned(snapshot, "failover", {"to": str(to)} if to else {})
        return () if isinstance(found, Plan) else found
    candidates = refusals_of_candidates(snapshot, to)
    if snapshot.kind is Kind.SENTINEL:
        return (*sentinel_refusals.not_now(snapshot), *candidates)
    now = (*replication_refusals.not_now(snapshot), *switch.why_not(snapshot, switch.wanted({})))
    return (*now, *candidates)
