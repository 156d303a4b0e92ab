"""The plan that changes settings on every node. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.cluster.refusals import few
from actions.kit.plan import Cost, Plan, Risk, facts_of
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address
from actions.kit.tuning.changes import NodeChange, differing
from actions.kit.tuning.price import price
from actions.kit.tuning.steps import KeepSettings, SeeSettings, SetOn
from actions.kit.tuning.wanted import POLICY, said


def planned(snapshot: Snapshot, action: str, nodes: Sequence[NodeChange]) -> Plan:
    """The plan; the refusals have found no reason against it, and ``nodes`` are in the order of its steps."""
    changed = tuple(differing(nodes))
    changes = tuple(change for one in changed for change in one.changes)
    evicting = [one for one in changed if one.evicts_now]
    return Plan(
        target=snapshot.target,
        action=action,
        risk=_risk(changed),
        because=" ".join(_because(nodes)),
        cost=Cost(
            loss_bytes=sum(one.after.over for one in evicting),
            loss_keys=sum(one.after.going for one in evicting),
            notes=tuple(price(snapshot, nodes)),
            settings_only=True,
        ),
        steps=(
            *(SetOn(one.address, one.changes) for one in changed),
            SeeSettings(changes),
            KeepSettings(tuple(one.address for one in changed)),
        ),
        seen=(*facts_of(snapshot), *_seen(changed)),
    )


def _risk(changed: Sequence[NodeChange]) -> Risk:
    """What lets keys go that stayed before takes a second person: they do not come back."""
    lets_go = (one.after.evicts and one.tighter and (one.after.limit or one.change_of(POLICY)) for one in changed)
    return Risk.DESTRUCTIVE if any(lets_go) else Risk.REVERSIBLE


def _because(nodes: Sequence[NodeChange]) -> Iterator[str]:
    """What changes, and on which of the nodes that answer."""
    lines: dict[str, tuple[Address, ...]] = {}
    for one in nodes:
        for change in one.changes:
            words = said(change.name, change.old, change.new)
            lines[words] = (*lines.get(words, ()), one.address)
    for words, where in lines.items():
        yield f"{words} on {few(where) if len(where) < len(nodes) or len(nodes) == 1 else f'all {len(nodes)} nodes'}."
    if any(one.changes and not one.node.is_master for one in nodes):
        yield "Replicas first: what a server does not take is put back before the master has let go of anything."


def _seen(changed: Sequence[NodeChange]) -> Iterator[str]:
    """The values that are put back, and whether keys go at once; how many moves every second."""
    for one in changed:
        yield from (f"{one.address} {change.name} {change.old}" for change in one.changes)
        if one.evicts_now:
            yield f"{one.address} evicts keys at once"
