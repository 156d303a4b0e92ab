"""The repair of a split brain as a plan. No I/O here.

Write down what each side shows, fence the losers, copy them, compare, demote, put the settings back, send the losers'
replicas after the keeper, prove the result, look again after 30 s. Until the demotion everything can be undone; if a
copy fails nobody is demoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actions.kit.fencing import but_scripts, fence_of, scripts_pass
from actions.kit.following import KeepRoles, Repoint
from actions.kit.holding import hold_of
from actions.kit.kubernetes.switch import Switching, switching
from actions.kit.plan import Cost, Plan, Rejected, Risk, SettingChange, Step, facts_of
from actions.kit.repair.demotion import DemoteLoser, ReleaseLoser, ReportCopy
from actions.kit.repair.fence import CaptureEvidence, FenceLoser, HoldData, SeeRoom
from actions.kit.repair.rescue import CompareSides, Loser, RescueLoser
from actions.kit.repair.sides import Sides, evidence_of, seen_on
from actions.kit.replication_failover import LOOK_AGAIN_S, followers, lasting
from actions.kit.rescue import copy_name
from actions.kit.sentinel_naming import TellSentinels
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.steps import Prove
from actions.kit.topology import Address, Kind

SYNC_BYTES_A_S = 20_000_000
"""How fast a full sync is taken to be at least, for how long the demoted node may take until its link is up."""


def planned(snapshot: Snapshot, action: str, found: Sides, application: str) -> Plan:
    """The plan; the refusals have found no reason against it.

    ``application``: what becomes of the application on Kubernetes; see ``actions.kit.kubernetes.switch``.
    """
    switch = switching(snapshot, found.keeper.address, application)
    return Plan(
        target=snapshot.target,
        action=action,
        risk=Risk.DESTRUCTIVE,
        because=" ".join((found.why, *seen_on(snapshot, (found.keeper, *found.losers)))),
        cost=_cost(snapshot, found, switch.notes),
        steps=_steps(snapshot, found, switch),
        seen=facts_of(snapshot),
        candidate=found.keeper.address,
        rejected=tuple(Rejected(one.first, one.words) for one in found.parted),
    )


def _steps(snapshot: Snapshot, found: Sides, switch: Switching) -> tuple[Step, ...]:
    keeper, pause_ms = found.keeper.address, snapshot.limits.max_pause_ms
    run_id = found.keeper.info.run_id if found.keeper.info else ""
    lost = tuple(_loser(snapshot, node) for node in found.losers)
    fences = {node.address: _fence(node) for node in found.losers}
    steps: list[Step] = [CaptureEvidence((keeper, *fences))]
    steps += [SeeRoom(node.address) for node in found.losers if node.is_master]
    steps += [HoldData(one.node, one.hold) for one in lost if one.hold]
    for one, node in zip(lost, found.losers, strict=True):
        both = found.chosen and snapshot.kind is Kind.REPLICATION
        closing = FenceLoser(one.node, keeper, pause_ms, fences[one.node], one.hold, both, node.is_replica)
        steps.append(replace(closing, scripts_pass=one.strict))
    # One that has been made a replica lets nobody copy it before it is a master again.
    steps += [SeeRoom(node.address) for node in found.losers if node.is_replica]
    evidence = evidence_of(snapshot)
    for one in lost:
        others = tuple(other for other in fences if other != one.node)
        steps.append(RescueLoser(one, pause_ms, evidence, found.fork(one.node), others))
    for one in lost:
        others = tuple(other for other in fences if other != one.node)
        steps.append(CompareSides(one.node, keeper, pause_ms, others))
    steps += [*_tell(snapshot, keeper), *(DemoteLoser(one, keeper, run_id, pause_ms) for one in lost)]
    for one in lost:
        settings = (*((one.hold,) if one.hold else ()), *fences[one.node])
        steps += [ReleaseLoser(one.node, settings, only_as_replica=True, loser=one)] if settings else []
    after = tuple(other for one in lost for other in followers(snapshot, one.node, keeper))
    steps += [Repoint(other, keeper) for other in after]
    if snapshot.kind is Kind.REPLICATION:
        steps.append(KeepRoles(keeper, (*fences, *after)))
    steps += [*switch.at_once, *_proofs(snapshot, found), *(ReportCopy(one) for one in lost), *switch.at_last]
    return tuple(steps)


def _loser(snapshot: Snapshot, node: NodeView) -> Loser:
    info = node.info
    return Loser(
        node=node.address,
        replid=info.replid if info else "",
        copy=copy_name(snapshot.target, "repair", node.address, snapshot.observed_at),
        strict=scripts_pass(node),
        hold=hold_of(node.address, node.config) if snapshot.kind is Kind.SENTINEL else None,
    )


def _fence(node: NodeView) -> tuple[SettingChange, ...]:
    """Nothing of what an earlier run has left on it: what was there before, that run owes and puts back."""
    return tuple(change for change in fence_of(node.address, node.config) if change.old != change.new)


def _tell(snapshot: Snapshot, keeper: Address) -> Iterator[Step]:
    """Sentinels that name another than the keeper would make it a replica of that one."""
    if snapshot.agreed_master == keeper:
        return
    for view in snapshot.sentinels:
        if view.master is not None and view.master.address != keeper:
            yield TellSentinels((view.address,), snapshot.master_name, keeper, view.master.address)


def _proofs(snapshot: Snapshot, found: Sides) -> tuple[Step, ...]:
    keeper = found.keeper.address
    answering = tuple(node.address for node in snapshot.nodes if node.info is not None)
    sentinels = tuple(view.address for view in snapshot.sentinels if view.master is not None)
    size = (found.keeper.info.used_memory if found.keeper.info else None) or 0
    token, within_s = f"{snapshot.target}:{keeper.port}", 20 + size // SYNC_BYTES_A_S
    quorum = len(sentinels) * 2 > snapshot.electorate
    return (
        Prove(keeper, answering, token, sentinels, within_s=within_s, quorum=quorum),
        Prove(keeper, answering, token, sentinels, after_s=LOOK_AGAIN_S, quorum=quorum),
    )


def _cost(snapshot: Snapshot, found: Sides, more: tuple[str, ...]) -> Cost:
    keeper, pauses = found.keeper.address, found.chosen and snapshot.kind is Kind.REPLICATION
    kept = (
        f"What only {_names(found)} has leaves the service, and is kept: it is copied to {snapshot.rescues_to} and "
        "verified first; how many keys that are is counted too. Nothing is merged."
    )
    notes = [
        kept,
        *more,
        *(note for node in found.losers for note in _given_up(node, keeper)),
        f"If Tandem dies before the demotion, {_names(found)} refuses writes until Tandem starts again.",
    ]
    if snapshot.kind is Kind.SENTINEL:
        notes.append(
            f"Should a Sentinel reach {_names(found)} and make it a replica before this begins, what only it has is "
            "lost by that; from then on its data is held back."
        )
    if pauses:
        notes.append(f"Writes on {keeper} wait for the moment of the fence too, usually for less than 0.1 s.")
    return Cost(
        loss_bytes=found.loss_bytes,
        loss_keys=None,
        pause_ms=snapshot.limits.max_pause_ms if pauses else 0,
        notes=(*notes, *lasting(snapshot)),
        copied=True,
    )


def _given_up(node: NodeView, keeper: Address) -> Iterator[str]:
    clients = "Its clients are" if node.normal_clients is None else f"Its {node.normal_clients} clients are"
    refuses = f"refuses writes from the fence on{but_scripts(scripts_pass(node))}"
    yield (
        f"{node.address} {refuses}; they wait until it is demoted. {clients} disconnected then, and those that are set "
        f"to it have to be pointed at {keeper}."
    )


def _names(found: Sides) -> str:
    return " and ".join(str(node.address) for node in found.losers)
