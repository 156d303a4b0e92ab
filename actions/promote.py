"""``promote``: by hand, where the master is lost and nobody is in charge any more. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.action import ChangeAction, Option, Options
from actions.kit.by_hand import in_charge, planned
from actions.kit.cluster import forced
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Severity
from actions.kit.heirs import best_heir, why_no_heir
from actions.kit.kubernetes import switch
from actions.kit.kubernetes.addresses import by_pod
from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.lost_master import not_lost
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.ports import Takeover
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address, Kind

NAME = "promote"


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan the promotion, or say every reason why not.

    Args:
        snapshot: as seen now.
        options: ``to``: the address of the replica; without it the refusal names the best one. ``application``: see
            ``actions.kit.kubernetes.switch``.

    Raises:
        UsageError: ``to`` is not an address, or ``application`` none of its words.
    """
    wanted = Address.parse(options["to"], 6379) if options.get("to") else None
    heir = snapshot.node(wanted) or snapshot.node(by_pod(snapshot.kubernetes, wanted))
    application = switch.wanted(options)
    reasons = tuple(not_from_here(snapshot)) or (
        *_reasons(snapshot, wanted, heir),
        *switch.why_not(snapshot, application),
    )
    if heir is not None and not reasons:
        if snapshot.kind is Kind.CLUSTER:
            return forced.planned(snapshot, NAME, wanted, Takeover.FORCE)
        return planned(snapshot, NAME, heir, application)
    found = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, found)


def _reasons(snapshot: Snapshot, wanted: Address | None, heir: NodeView | None) -> Iterator[str]:
    if snapshot.kind is Kind.CLUSTER:
        yield from forced.refusals(snapshot, wanted, Takeover.FORCE)
        return
    if snapshot.kind not in {Kind.REPLICATION, Kind.SENTINEL}:
        yield (
            f"AWS is in charge of {snapshot.target}: nothing is promoted by hand there. It replaces a lost primary by "
            f"itself where automatic failover is on; for a planned switch: failover {snapshot.target} --to MEMBER."
        )
        return
    others = tuple(in_charge(snapshot))
    if others and snapshot.kind is Kind.SENTINEL:
        yield from _sentinels(snapshot, others)
        return
    yield from others
    still = tuple(not_lost(snapshot))
    yield from still
    if not still:
        yield from _candidate(snapshot, wanted, heir)


def _candidate(snapshot: Snapshot, wanted: Address | None, heir: NodeView | None) -> Iterator[str]:
    best = best_heir(snapshot)
    if best is None:
        yield "No replica can be promoted."
        for node in snapshot.nodes:
            if node.is_replica:
                yield f"{node.address}: {'; '.join(why_no_heir(snapshot, node))}."
    elif wanted is None:
        yield f"Say which replica: promote {snapshot.target} --to {best.address} (of all that answer it has the most)."
    elif heir is None:
        known = ", ".join(str(node.address) for node in snapshot.nodes)
        yield f"{wanted} is not a node of {snapshot.target}; its nodes are {known}."
    elif reasons := why_no_heir(snapshot, heir):
        yield f"{wanted} cannot be promoted: {'; '.join(reasons)}."


def _sentinels(snapshot: Snapshot, reasons: tuple[str, ...]) -> Iterator[str]:
    """What the Sentinels are still good for: one that is at work reverts what was done by hand meanwhile."""
    target = snapshot.target
    yield f"Sentinel is in charge of {target}: what is promoted by hand is reverted by the first one that sees it."
    yield from reasons
    for view in snapshot.sentinels:
        if view.unasked is not None and view.unasked.why not in " ".join(reasons):
            yield f"Sentinel {view.address} does not answer: {view.unasked.reason}, {view.unasked.why}."
    if len([view for view in snapshot.sentinels if view.master]) * 2 <= snapshot.electorate:
        yield "Bring a majority of them back, and they fail over; or end all of them, and promote then."


ACTION = ChangeAction(
    name=NAME,
    summary="By hand, where the master is lost and nobody is in charge: says what is lost; fenced.",
    risk=Risk.DESTRUCTIVE,
    plan=plan,
    options=(Option("to", "HOST:PORT", "The replica that shall become master."), switch.APPLICATION),
)
