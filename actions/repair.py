"""``repair``: of two masters one is given up, after what only that one has was copied. No I/O here."""

from __future__ import annotations

from actions.kit.action import ChangeAction, Option, Options
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Severity
from actions.kit.kubernetes import switch
from actions.kit.kubernetes.addresses import by_pod
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.repair.planned import planned
from actions.kit.repair.refusals import why_not
from actions.kit.repair.sides import sides
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address

NAME = "repair"


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan the repair, or say every reason why not.

    Args:
        snapshot: as seen now.
        options: ``keep``: the address of the master that is kept, which a person has to say where the evidence does not
            decide. ``application``: see ``actions.kit.kubernetes.switch``.

    Raises:
        UsageError: ``keep`` is not an address, or ``application`` none of its words.
    """
    asked = Address.parse(options["keep"], 6379) if options.get("keep") else None
    keep = snapshot.node(asked) or snapshot.node(by_pod(snapshot.kubernetes, asked))
    application = switch.wanted(options)
    reasons = why_not(snapshot, keep.address if keep else asked, application)
    found = sides(snapshot, keep)
    if found is not None and not reasons:
        return planned(snapshot, NAME, found, application)
    seen = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, seen)


ACTION = ChangeAction(
    name=NAME,
    summary="Split brain: fence the loser, copy its data, compare, demote it, prove the result.",
    risk=Risk.DESTRUCTIVE,
    plan=plan,
    options=(
        Option("keep", "HOST:PORT", "The master that is kept, where the evidence does not decide."),
        switch.APPLICATION,
    ),
)
