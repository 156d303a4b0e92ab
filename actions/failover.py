"""``failover``: a planned switch of the master without losing an acknowledged write. No I/O here."""

from __future__ import annotations

from actions.kit.action import ChangeAction, Option, Options
from actions.kit.candidates import refusals_of_candidates
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Severity
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.sentinel_failover import planned
from actions.kit.sentinel_refusals import not_now
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
    reasons = _reasons(snapshot, wanted := _wanted(options))
    if not reasons:
        return planned(snapshot, NAME, wanted)
    found = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, found)


def _wanted(options: Options) -> Address | None:
    return Address.parse(options["to"], 6379) if options.get("to") else None


def _reasons(snapshot: Snapshot, wanted: Address | None) -> tuple[str, ...]:
    if snapshot.kind is not Kind.SENTINEL:
        return (
            f"{snapshot.target} is of kind {snapshot.kind}; this version fails over only where Sentinel is in charge.",
        )
    return (*not_now(snapshot), *refusals_of_candidates(snapshot, wanted))


ACTION = ChangeAction(
    name=NAME,
    summary="Planned switch of the master without losing an acknowledged write",
    risk=Risk.DESTRUCTIVE,
    plan=plan,
    options=(Option("to", "HOST:PORT", "the replica that shall become master"),),
)
