"""The planned switch where nobody is in charge of the roles, as a plan. No I/O here.

Fence the candidate and then the master, wait until the candidate has every byte, promote it, let it take writes,
demote the old master before its pause ends, send the other replicas after the new one, write the roles to the files,
prove the result, and look again after 30 s. There is no moment with two nodes that take writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.candidates import Choice, choose, priority_of
from actions.kit.errors import UsageError
from actions.kit.fencing import fence_of, price_of_fence, scripts_pass
from actions.kit.following import KeepRoles, Repoint
from actions.kit.kubernetes.switch import SWITCH, Switching, switching
from actions.kit.opening import OpenForWrites
from actions.kit.plan import Cost, Plan, Risk, Step, facts_of
from actions.kit.promotion import FenceCandidate, Promote
from actions.kit.rejoin import Rejoin
from actions.kit.snapshot import NodeInfo, NodeView, Snapshot
from actions.kit.steps import CatchUp, Fence, Prove
from actions.kit.topology import Address

LOOK_AGAIN_S = 30


def planned(snapshot: Snapshot, action: str, wanted: Address | None, application: str = SWITCH) -> Plan:
    """The plan of a switch; ``not_now`` and ``refusals_of_candidates`` have found no reason against it.

    ``application``: what becomes of the application on Kubernetes; see ``actions.kit.kubernetes.switch``.

    Raises:
        UsageError: they were not asked.
    """
    choice = choose(snapshot, wanted)
    master = snapshot.node(snapshot.agreed_master)
    if master is None or master.info is None:  # It would have been refused.
        raise UsageError("This snapshot cannot be planned on.")
    switch = switching(snapshot, choice.node.address, application)
    return Plan(
        target=snapshot.target,
        action=action,
        risk=Risk.DESTRUCTIVE,
        because=(
            f"Nobody is in charge of {snapshot.target}: no Sentinel watches its nodes, and {master.address} is the "
            f"only one that answers as master. {choice.why}"
        ),
        cost=_cost(snapshot, master, choice, switch.notes),
        steps=_steps(snapshot, master, master.info, choice.node, switch),
        seen=facts_of(snapshot),
        candidate=choice.node.address,
        rejected=choice.rejected,
    )


def _steps(
    snapshot: Snapshot, master: NodeView, info: NodeInfo, candidate: NodeView, switch: Switching
) -> tuple[Step, ...]:
    pause_ms = snapshot.limits.max_pause_ms
    old, new = master.address, candidate.address
    old_fence, new_fence = fence_of(old, master.config), fence_of(new, candidate.config)
    demote = Rejoin(old, new, old_fence, pause_ms, info.replid, offset=info.offset)
    others = followers(snapshot, old, new)
    expected = tuple(node.address for node in snapshot.nodes if node.info is not None)
    token, run_id = f"{snapshot.target}:{new.port}", candidate.info.run_id if candidate.info else ""
    return (
        FenceCandidate(new, new_fence, scripts_pass=scripts_pass(candidate)),
        Fence(old, pause_ms, old_fence, scripts_pass(master), info.run_id),
        CatchUp(old, new, pause_ms),
        Promote(new, old, scripts_pass=scripts_pass(candidate)),
        OpenForWrites(new, new_fence, old, replid=info.replid, offset=info.offset),
        demote,
        *(Repoint(other, new, replid=info.replid, offset=info.offset) for other in others),
        KeepRoles(new, others),
        *switch.at_once,
        Rejoin(old, new, old_fence, pause_ms, info.replid, LOOK_AGAIN_S, again=True, offset=info.offset),
        Prove(new, expected, token, run_id=run_id),
        Prove(new, expected, token, after_s=LOOK_AGAIN_S, run_id=run_id),
        *switch.at_last,
    )


def followers(snapshot: Snapshot, master: Address, candidate: Address) -> tuple[Address, ...]:
    """The replicas that answer and follow this master; those in a chain behind another stay there."""
    links = ((node.address, node.info.link) for node in snapshot.nodes if node.info)
    return tuple(address for address, link in links if address != candidate and link and link.master == master)


def _cost(snapshot: Snapshot, master: NodeView, choice: Choice, more: tuple[str, ...]) -> Cost:
    candidate = choice.node
    notes = ["Writes wait while the roles move, usually for less than 0.1 s."]
    clients = "" if master.normal_clients is None else f"The {master.normal_clients} clients of it are disconnected. "
    notes.append(
        f"{clients}Nothing tells clients where the new master is: those that are set to {master.address} have to be "
        f"pointed at {candidate.address}."
    )
    notes += price_of_fence(master, snapshot.limits.max_pause_ms)
    if priority_of(candidate) == 0:
        notes.append(f"{candidate.address} has replica-priority 0: somebody meant it never to be promoted.")
    notes += more
    notes += lasting(snapshot)
    return Cost(loss_bytes=0, loss_keys=0, pause_ms=snapshot.limits.max_pause_ms, notes=tuple(notes))


def lasting(snapshot: Snapshot, without: Address | None = None) -> Iterator[str]:
    """What will not last or is not touched: nodes that have no file, and those that do not answer.

    ``without``: one that something else was said of.
    """
    fileless = [str(node.address) for node in snapshot.nodes if node.info and not node.info.config_file]
    if fileless:
        yield (
            f"{', '.join(fileless)} {'has' if len(fileless) == 1 else 'have'} no configuration file: a restart brings "
            "the old roles back, until replicaof is changed where they are started from (arguments, Helm values)."
        )
    silent = [str(node.address) for node in snapshot.nodes if node.info is None and node.address != without]
    if silent:
        yield f"Not part of it, since they do not answer: {', '.join(silent)}."
