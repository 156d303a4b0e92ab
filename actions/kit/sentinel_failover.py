"""The planned switch where Sentinel is in charge, as a plan. No I/O here.

Make the candidate Sentinel's only choice, fence writes, wait until the candidate has every byte, let one Sentinel fail
over, demote the old master at once, put every setting back, prove the result on all nodes and all Sentinels, and look
again after 30 s. Where Sentinel is Valkey 9, its own coordinated failover replaces fence and wait.
"""

from __future__ import annotations

from dataclasses import replace

from actions.kit.candidates import choose, priority_of
from actions.kit.errors import UsageError
from actions.kit.fencing import fence_of, fence_until_followed, price_of_fence, scripts_pass
from actions.kit.plan import Cost, Plan, Risk, SettingChange, Step, facts_of
from actions.kit.promotion import FenceCandidate
from actions.kit.recheck import Recheck
from actions.kit.sentinel_opening import OpenNamed
from actions.kit.sentinel_steps import PRIORITY, SENTINEL_INFO_S, AwaitInfo, AwaitSentinels, Steer
from actions.kit.sentinel_switch import LastLook, SentinelFailover
from actions.kit.snapshot import NodeView, SentinelView, Snapshot
from actions.kit.steps import CatchUp, Demote, Fence, Prove, PutBack
from actions.kit.topology import Address
from actions.kit.votes import newest

PAUSE_OF_DOWN_AFTER = 0.5
"""A pause of writes blocks Sentinel's PUBLISH too: as long as down-after-milliseconds, and it fails over by itself."""

INFO_AGE_MS = 600
"""Asked when its last INFO is this old, Sentinel sends the next one just after it has promoted."""

COORDINATED_INFO_AGE_MS = 350
"""The same where it has to be elected and the master to hand over first."""

COORDINATED_SINCE = (9, 0)
LOOK_AGAIN_S = 30


def planned(snapshot: Snapshot, action: str, wanted: Address | None) -> Plan:
    """The plan of a switch; ``not_now`` and ``refusals_of_candidates`` have found no reason against it.

    Raises:
        UsageError: they were not asked.
    """
    choice = choose(snapshot, wanted)
    master = snapshot.node(snapshot.agreed_master)
    sentinel = _sentinel_to_ask(snapshot, choice.node.address)
    if master is None or sentinel.master is None:  # Both would have been refused.
        raise UsageError("This snapshot cannot be planned on.")
    naming = sum(view.master is not None and view.master.address == master.address for view in snapshot.sentinels)
    steps = _steps(snapshot, master, choice.node, sentinel)
    return Plan(
        target=snapshot.target,
        action=action,
        risk=Risk.DESTRUCTIVE,
        because=(
            f"Sentinel is in charge of {snapshot.target}; {naming} of {snapshot.electorate} Sentinels name "
            f"{master.address} as master. {choice.why}"
        ),
        cost=_cost(snapshot, master, steps),
        steps=steps,
        seen=facts_of(snapshot),
        candidate=choice.node.address,
        rejected=choice.rejected,
    )


def _sentinel_to_ask(snapshot: Snapshot, candidate: Address) -> SentinelView:
    """One Sentinel a run: the first by address that answers, knows the candidate and has its quorum.

    Different Sentinels asked in turn start failovers that conflict.
    """
    knowing = [
        view
        for view in snapshot.sentinels
        if view.master is not None and any(one.address == candidate for one in view.master.replicas)
    ]
    return min(knowing, key=lambda view: (not view.quorum_ok, view.address))


def _steps(snapshot: Snapshot, master: NodeView, candidate: NodeView, sentinel: SentinelView) -> tuple[Step, ...]:
    answering = tuple(view.address for view in snapshot.sentinels if view.master is not None)
    steering = _steering(snapshot, candidate)
    switch = _switch(snapshot, master, candidate, sentinel)
    fence = _fence(snapshot, master, sentinel)
    epoch = newest(snapshot.sentinels).epoch
    closed = fence_until_followed(candidate)
    replid, offset = (master.info.replid, master.info.offset) if master.info else ("", 0)
    opening = OpenNamed(candidate.address, closed, master.address, replid, offset, scripts_pass=scripts_pass(candidate))
    fence_candidate = FenceCandidate(candidate.address, closed, by_sentinel=True, scripts_pass=scripts_pass(candidate))
    steps: list[Step] = [
        Steer(candidate.address, steering),
        *((fence_candidate,) if closed else ()),
        AwaitInfo(sentinel.address, candidate.address, COORDINATED_INFO_AGE_MS if switch.coordinated else INFO_AGE_MS),
        Recheck(facts_of(snapshot)),
    ]
    if not switch.coordinated:
        steps += [fence, CatchUp(master.address, candidate.address, fence.pause_ms)]
    steps += [
        LastLook(sentinel.address, candidate.address, closed),
        switch,
        AwaitSentinels(answering, snapshot.master_name, candidate.address, snapshot.electorate, epoch),
        *((opening,) if closed else ()),
        Demote(
            *(master.address, candidate.address),
            config_epoch=epoch,
            fenced=not switch.coordinated,
            replid=replid,
            offset=offset,
        ),
    ]
    changed = [*steering, *(() if switch.coordinated else fence.settings)]
    for node in dict.fromkeys(change.server for change in changed):
        settings = tuple(change for change in changed if change.node == node)
        steps.append(PutBack(node, settings, only_as_replica=node == master.address))
    if closed:
        steps.append(replace(opening, again=True))
    expected = tuple(node.address for node in snapshot.nodes if node.info is not None)
    token, run_id = f"{snapshot.target}:{candidate.address.port}", candidate.info.run_id if candidate.info else ""
    steps += [
        Prove(candidate.address, expected, token, answering, after_s=after_s, run_id=run_id)
        for after_s in (0, LOOK_AGAIN_S)
    ]
    return tuple(steps)


def _steering(snapshot: Snapshot, candidate: NodeView) -> tuple[SettingChange, ...]:
    """Set each rival's replica-priority to 0, so that Sentinel has one choice only.

    A lower priority alone would not do: where the candidate dies at the last moment Sentinel takes the next one, which
    may lack bytes that were acknowledged.
    """
    rivals = [node for node in snapshot.nodes if node.is_replica and node.address != candidate.address]
    return tuple(
        SettingChange(node.address, PRIORITY, "0", str(priority))
        for node in rivals
        if (priority := priority_of(node)) not in {None, 0}
    )


def _fence(snapshot: Snapshot, master: NodeView, sentinel: SentinelView) -> Fence:
    watch = sentinel.master
    down_after = watch.down_after_ms if watch else snapshot.limits.max_pause_ms
    pause = min(snapshot.limits.max_pause_ms, int(down_after * PAUSE_OF_DOWN_AFTER))
    fence = fence_of(master.address, master.config)
    return Fence(master.address, pause, fence, scripts_pass(master), master.info.run_id if master.info else "")


def _switch(snapshot: Snapshot, master: NodeView, candidate: NodeView, sentinel: SentinelView) -> SentinelFailover:
    coordinated = (
        sentinel.flavour == "valkey"
        and sentinel.version >= COORDINATED_SINCE
        and all(node.info is not None and _can_failover(node) for node in (master, candidate))
    )
    return SentinelFailover(
        sentinel=sentinel.address,
        master_name=snapshot.master_name,
        master=master.address,
        candidate=candidate.address,
        within_ms=snapshot.limits.max_pause_ms,
        failover_timeout_ms=sentinel.master.failover_timeout_ms if sentinel.master else 180_000,
        coordinated=coordinated,
        fence=fence_of(master.address, master.config) if coordinated else (),
        replid=master.info.replid if master.info else "",
        offset=master.info.offset if master.info else 0,
    )


def _can_failover(node: NodeView) -> bool:
    """FAILOVER came with 6.2; every Valkey has it."""
    return node.info is not None and (node.info.flavour == "valkey" or node.info.version >= (6, 2))


def _cost(snapshot: Snapshot, master: NodeView, steps: tuple[Step, ...]) -> Cost:
    catch_up = sum(step.within_ms for step in steps if isinstance(step, CatchUp))
    switch = sum(step.within_ms for step in steps if isinstance(step, SentinelFailover))
    notes = ["Writes wait or are refused for about as long as Sentinel takes to switch, usually under 2 s."]
    hearing = sum(isinstance(step, Steer | AwaitInfo) for step in steps)
    if hearing:
        seconds = hearing * SENTINEL_INFO_S
        notes.append(f"Before that up to {seconds} s go by, and writes go on: Sentinel asks for INFO every 10 s.")
    if master.normal_clients is not None:
        notes.append(f"The {master.normal_clients} clients of {master.address} are disconnected and have to ask again.")
    notes += [note for step in steps if isinstance(step, Fence) for note in price_of_fence(master, step.pause_ms)]
    silent = [str(node.address) for node in snapshot.nodes if node.info is None]
    if silent:
        notes.append(f"Not part of it, since they do not answer: {', '.join(silent)}.")
    return Cost(loss_bytes=0, loss_keys=0, pause_ms=catch_up + switch, notes=tuple(notes))
