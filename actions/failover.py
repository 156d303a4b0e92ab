"""``failover``: a planned switch of the master without losing an acknowledged write. No I/O here."""

from __future__ import annotations

from actions.kit import replication_failover, replication_refusals, sentinel_failover, sentinel_refusals
from actions.kit.action import ChangeAction, Option, Options
from actions.kit.candidates import refusals_of_candidates
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Severity
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Kind

NAME = "failover"


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan the switch, or say every reason why not.

    Args:
        snapshot: as seen now.
        options: ``to``: the address of the wanted candidate; by default the best one is chosen.

    Raises:
        UsageError: ``to`` is not an address.
    """
    reasons = _reasons(snapshot, wanted := _wanted(snapshot, options))
    if not reasons:
        if snapshot.kind is Kind.SENTINEL:
            return sentinel_failover.planned(snapshot, NAME, wanted)
        return replication_failover.planned(snapshot, NAME, wanted)
    found = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, found)


def _wanted(snapshot: Snapshot, options: Options) -> Address | None:
    """The node that was asked for, by the address that the others know it by."""
    wanted = Address.parse(options["to"], 6379) if options.get("to") else None
    node = snapshot.node(wanted)
    return node.address if node else wanted


def _reasons(snapshot: Snapshot, wanted: Address | None) -> tuple[str, ...]:
    match snapshot.kind:
        case Kind.SENTINEL:
            now = sentinel_refusals.not_now(snapshot)
        case Kind.REPLICATION:
            now = replication_refusals.not_now(snapshot)
        case other:
            return (f"{snapshot.target} is of kind {other}, which this version does not fail over.",)
    return (*now, *refusals_of_candidates(snapshot, wanted))


ACTION = ChangeAction(
    name=NAME,
    summary="Planned switch of the master without losing an acknowledged write.",
    risk=Risk.DESTRUCTIVE,
    plan=plan,
    options=(Option("to", "HOST:PORT", "The replica that shall become master."),),
)
