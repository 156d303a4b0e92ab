"""``takeover``: a replica of a cluster takes its shard over though nobody can vote. No I/O here."""

from __future__ import annotations

from actions.kit.action import ChangeAction, Option, Options
from actions.kit.cluster import forced
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Severity
from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.ports import Takeover
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Kind

NAME = "takeover"


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan it, or say every reason why not.

    Args:
        snapshot: as seen now.
        options: ``to``: the address of the replica; without it the refusal names the best one.

    Raises:
        UsageError: ``to`` is not an address.
    """
    wanted = Address.parse(options["to"], 6379) if options.get("to") else None
    reasons: tuple[str, ...] = (f"{snapshot.target} is of kind {snapshot.kind}: only a cluster is taken over.",)
    if snapshot.kind is Kind.CLUSTER:
        reasons = tuple(not_from_here(snapshot)) or forced.refusals(snapshot, wanted, Takeover.TAKEOVER)
    if not reasons:
        return forced.planned(snapshot, NAME, wanted, Takeover.TAKEOVER)
    found = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, found)


ACTION = ChangeAction(
    name=NAME,
    summary="Of a cluster that has lost most masters: a replica takes its shard, and nobody votes.",
    risk=Risk.IRREVERSIBLE,
    plan=plan,
    only_for=Kind.CLUSTER,
    options=(Option("to", "HOST:PORT", "The replica that shall take over."),),
)
