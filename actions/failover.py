"""``failover``: a planned switch of the master without losing an acknowledged write. No I/O here."""

from __future__ import annotations

from collections.abc import Callable

from actions.kit import replication_failover, replication_refusals, sentinel_failover, sentinel_refusals
from actions.kit.action import ChangeAction, Option, Options
from actions.kit.candidates import refusals_of_candidates
from actions.kit.cluster import failover as cluster
from actions.kit.cluster.moves import Wanted
from actions.kit.diagnosis import diagnose
from actions.kit.elasticache import failover as elasticache
from actions.kit.errors import UsageError
from actions.kit.findings import Severity
from actions.kit.kubernetes import switch
from actions.kit.kubernetes.addresses import by_pod
from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Kind

NAME = "failover"


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan the switch, or say every reason why not.

    Args:
        snapshot: as seen now.
        options: ``to``: the address of the wanted candidate, with AWS also its name; by default the best one is chosen.
            ``shard`` and ``host``: which master of a cluster, or all those of a host; with AWS the id of a node group.
            ``application``: see ``actions.kit.kubernetes.switch``.

    Raises:
        UsageError: an option is no address, no slot or none of its words, or they contradict each other.
    """
    application = switch.wanted(options)
    if options.get("application") and snapshot.kind is not Kind.REPLICATION:
        raise UsageError(
            f"--application is for kind replication; clients of kind {snapshot.kind} find the new master themselves."
        )
    elsewhere = tuple(not_from_here(snapshot))
    if elsewhere:
        return _refusal(snapshot, elsewhere)
    if snapshot.kind is Kind.ELASTICACHE:
        found = elasticache.planned(snapshot, NAME, options)
        return found if isinstance(found, Plan) else _refusal(snapshot, found)
    reasons, planned = _way(snapshot, options, application)
    return _refusal(snapshot, reasons) if reasons else planned()


def _refusal(snapshot: Snapshot, reasons: tuple[str, ...]) -> Refusal:
    found = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, found)


def _way(snapshot: Snapshot, options: Options, application: str) -> tuple[tuple[str, ...], Callable[[], Plan]]:
    """Why not, every reason; and what makes the plan where there is none."""
    if snapshot.kind is Kind.CLUSTER:
        asked = Wanted.parse(options.get("to"), options.get("shard"), options.get("host"))
        return cluster.refusals(snapshot, asked), lambda: cluster.planned(snapshot, NAME, asked)
    wanted = _wanted(snapshot, options)
    misplaced = tuple(f"--{name} is for targets of kind cluster." for name in ("shard", "host") if options.get(name))
    candidates = refusals_of_candidates(snapshot, wanted)
    if snapshot.kind is Kind.SENTINEL:
        reasons = (*misplaced, *sentinel_refusals.not_now(snapshot), *candidates)
        return reasons, lambda: sentinel_failover.planned(snapshot, NAME, wanted)
    now = (*replication_refusals.not_now(snapshot), *switch.why_not(snapshot, application))
    reasons = (*misplaced, *now, *candidates)
    return reasons, lambda: replication_failover.planned(snapshot, NAME, wanted, application)


def _wanted(snapshot: Snapshot, options: Options) -> Address | None:
    """The node that was asked for, by the address that the others know it by."""
    wanted = Address.parse(options["to"], 6379) if options.get("to") else None
    node = snapshot.node(wanted) or snapshot.node(by_pod(snapshot.kubernetes, wanted))
    return node.address if node else wanted


ACTION = ChangeAction(
    name=NAME,
    summary="Planned switch of the master without losing an acknowledged write.",
    risk=Risk.DESTRUCTIVE,
    plan=plan,
    options=(
        Option("to", "HOST:PORT", "The replica that shall become master. With ElastiCache also its name."),
        Option(
            "shard", "SLOT", "Of a cluster: the shard of this slot, or of the node at this address; AWS's by its id."
        ),
        Option("host", "HOST", "Of a cluster: all masters on this host, one after the other."),
        switch.APPLICATION,
    ),
)
