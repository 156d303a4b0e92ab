"""``failover``: a planned switch of the master that loses no acknowledged write, where Sentinel is in charge.

The plan: make the candidate Sentinel's choice, fence writes, wait until the candidate has every byte, let one Sentinel
fail over, demote the old master at once, put every setting back, prove the result on all nodes and all Sentinels, and
look again after 30 s. Where Sentinel is Valkey 9, its own coordinated failover replaces fence and wait. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.action import ChangeAction, Option, Options
from actions.kit.candidates import choose, refusals_of_candidates
from actions.kit.errors import UsageError
from actions.kit.plan import Cost, Plan, Refusal, Risk, SettingChange, Step, facts_of
from actions.kit.sentinel_steps import PRIORITY, AwaitInfo, AwaitSentinels, SentinelFailover, Steer
from actions.kit.snapshot import NodeView, SentinelView, Snapshot
from actions.kit.steps import FENCE_REPLICAS, CatchUp, Demote, Fence, Prove, PutBack
from actions.kit.topology import Address, Kind

NAME = "failover"

PAUSE_OF_DOWN_AFTER = 0.5
"""A pause of writes blocks Sentinel's PUBLISH too: as long as down-after-milliseconds, and it fails over by itself."""

INFO_AGE_MS = 600
"""Asked when its last INFO is this old, Sentinel sends the next one just after it has promoted."""

COORDINATED_INFO_AGE_MS = 350
"""The same where it has to be elected and the master to hand over first."""

COORDINATED_SINCE = (9, 0)
SCRIPTS_FENCED_SINCE = (7, 0)
LOOK_AGAIN_S = 30


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan the switch, or say every reason why not.

    Args:
        snapshot: as seen now.
        options: ``to``: the address of the wanted candidate; by default the best one is chosen.

    Raises:
        UsageError: ``to`` is not an address.
    """
    wanted = Address.parse(options["to"], 6379) if options.get("to") else None
    reasons = [*_not_now(snapshot), *refusals_of_candidates(snapshot, wanted)]
    if reasons:
        return Refusal(snapshot.target, NAME, tuple(reasons))
    return _planned(snapshot, wanted)


def _not_now(snapshot: Snapshot) -> Iterator[str]:
    """Why nobody may switch this target at this moment, whoever would be the candidate."""
    if snapshot.kind is not Kind.SENTINEL:
        yield f"{snapshot.target} is of kind {snapshot.kind}; this version fails over only where Sentinel is in charge."
        return
    yield from _sentinels_not_ready(snapshot)
    yield from _master_not_ready(snapshot)


def _sentinels_not_ready(snapshot: Snapshot) -> Iterator[str]:
    for view in snapshot.sentinels:
        yield from _sentinel_not_ready(view, snapshot.master_name)
    answering = [view for view in snapshot.sentinels if view.master is not None]
    if len(answering) * 2 <= snapshot.electorate:
        yield f"Only {len(answering)} of {snapshot.electorate} Sentinels can be asked: no majority."
    named = {view.master.address for view in answering if view.master is not None}
    if len(named) > 1:
        yield f"The Sentinels disagree about the master: {', '.join(sorted(map(str, named)))}."
    elif answering and snapshot.agreed_master is None:
        yield "No majority of all Sentinels names one master."


def _sentinel_not_ready(view: SentinelView, master_name: str) -> Iterator[str]:
    if view.master is None:
        if view.unasked is not None and view.knows:
            yield (
                f"Sentinel {view.address} does not know {master_name!r}; it monitors {', '.join(view.knows)}. "
                "Mend master_name in targets.yaml, or have the Sentinel monitor it."
            )
        return
    if view.tilt:
        yield f"Sentinel {view.address} is in TILT: its clock jumped or it hung. Wait 30 s."
    if view.quorum_ok is False:
        yield f"Sentinel {view.address} has no quorum: {view.quorum_text}."
    if "failover_in_progress" in view.master.flags:
        yield f"A failover is in progress, says Sentinel {view.address}."
    for flag in sorted(view.master.flags & {"s_down", "o_down"}):
        yield f"Sentinel {view.address} flags the master {flag}: a planned switch needs a master that answers."


def _master_not_ready(snapshot: Snapshot) -> Iterator[str]:
    masters = snapshot.masters
    if len(masters) > 1:
        yield f"Split brain: {', '.join(str(node.address) for node in masters)} all say that they are master."
    agreed = snapshot.agreed_master
    if agreed is None:
        return
    node = snapshot.node(agreed)
    if node is None or node.info is None:
        why = node.unasked.why if node and node.unasked else "nothing is known of it"
        yield f"The master {agreed} does not answer ({why}): nothing can be fenced, so writes would be lost."
    elif not node.is_master:
        yield f"The Sentinels name {agreed}, but it says that it is a {node.info.role}."
    else:
        yield from _master_node_not_ready(node)


def _master_node_not_ready(node: NodeView) -> Iterator[str]:
    info, config = node.info, node.config
    if info is not None and info.loading:
        yield f"The master {node.address} is loading its data."
    if info is not None and info.failover_state not in {None, "no-failover"}:
        yield f"The master {node.address} is in a FAILOVER of its own: {info.failover_state}."
    if config is None or config.min_replicas_to_write is None or config.min_replicas_max_lag is None:
        why = next((f" ({gap.reason})" for gap in node.gaps if "CONFIG" in gap.source), "")
        yield f"CONFIG GET is not allowed on {node.address}{why}: the fence can be neither set nor put back."
    elif config.min_replicas_to_write == FENCE_REPLICAS:
        yield f"{node.address} still refuses writes: an earlier failover was cut off and has to be settled first."


def _planned(snapshot: Snapshot, wanted: Address | None) -> Plan:
    choice = choose(snapshot, wanted)
    master = snapshot.node(snapshot.agreed_master)
    sentinel = _sentinel_to_ask(snapshot, choice.node.address)
    if master is None or sentinel.master is None:  # _not_now has refused both already.
        raise UsageError("This snapshot cannot be planned on.")
    naming = sum(view.master is not None and view.master.address == master.address for view in snapshot.sentinels)
    steps = _steps(snapshot, master, choice.node, sentinel)
    return Plan(
        target=snapshot.target,
        action=NAME,
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
    steering = _steering(snapshot, candidate)
    switch = _switch(snapshot, master, candidate, sentinel)
    fence = _fence(snapshot, master, sentinel)
    steps: list[Step] = [
        Steer(candidate.address, steering),
        AwaitInfo(sentinel.address, candidate.address, COORDINATED_INFO_AGE_MS if switch.coordinated else INFO_AGE_MS),
    ]
    if not switch.coordinated:
        steps += [fence, CatchUp(master.address, candidate.address, fence.pause_ms)]
    steps += [
        switch,
        AwaitSentinels(
            tuple(view.address for view in snapshot.sentinels if view.master), snapshot.master_name, candidate.address
        ),
        Demote(master.address, candidate.address),
    ]
    changed = [*steering, *(() if switch.coordinated else fence.settings)]
    for node in dict.fromkeys(change.node for change in changed):
        settings = tuple(change for change in changed if change.node == node)
        steps.append(PutBack(node, settings, only_as_replica=node == master.address))
    expected = tuple(node.address for node in snapshot.nodes if node.info is not None)
    token = f"{snapshot.target}:{candidate.address.port}"
    steps += [
        Prove(candidate.address, expected, token),
        Prove(candidate.address, expected, token, after_s=LOOK_AGAIN_S),
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
        if (priority := _priority(node)) not in {None, 0}
    )


def _priority(node: NodeView) -> int | None:
    if node.config is not None and node.config.replica_priority is not None:
        return node.config.replica_priority
    return node.info.priority if node.info else None


def _fence(snapshot: Snapshot, master: NodeView, sentinel: SentinelView) -> Fence:
    config, watch = master.config, sentinel.master
    to_write = config.min_replicas_to_write if config else 0
    max_lag = config.min_replicas_max_lag if config else 10
    changes = [SettingChange(master.address, "min-replicas-to-write", str(FENCE_REPLICAS), str(to_write))]
    if max_lag == 0:  # It switches min-replicas-to-write off altogether.
        changes.insert(0, SettingChange(master.address, "min-replicas-max-lag", "10", "0"))
    down_after = watch.down_after_ms if watch else snapshot.limits.max_pause_ms
    pause = min(snapshot.limits.max_pause_ms, int(down_after * PAUSE_OF_DOWN_AFTER))
    return Fence(master.address, pause, tuple(changes))


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
    )


def _can_failover(node: NodeView) -> bool:
    """FAILOVER came with 6.2; every Valkey has it."""
    return node.info is not None and (node.info.flavour == "valkey" or node.info.version >= (6, 2))


def _cost(snapshot: Snapshot, master: NodeView, steps: tuple[Step, ...]) -> Cost:
    catch_up = sum(step.within_ms for step in steps if isinstance(step, CatchUp))
    switch = sum(step.within_ms for step in steps if isinstance(step, SentinelFailover))
    notes = ["Writes wait or are refused for about as long as Sentinel takes to switch, usually under 2 s."]
    if master.normal_clients is not None:
        notes.append(f"The {master.normal_clients} clients of {master.address} are disconnected and have to ask again.")
    notes += [note for step in steps if isinstance(step, Fence) for note in _price_of(step, master)]
    silent = [str(node.address) for node in snapshot.nodes if node.info is None]
    if silent:
        notes.append(f"Not part of it, since they do not answer: {', '.join(silent)}.")
    return Cost(loss_bytes=0, loss_keys=0, pause_ms=catch_up + switch, notes=tuple(notes))


def _price_of(fence: Fence, master: NodeView) -> Iterator[str]:
    yield f"If Tandem dies between fence and switch, {fence.master} refuses writes until Tandem starts again."
    if master.info is not None and master.info.flavour == "redis" and master.info.version < SCRIPTS_FENCED_SINCE:
        yield (
            f"Scripts that write are held back only by the pause of {fence.pause_ms} ms: "
            "before Redis 7.0 min-replicas-to-write does not stop them."
        )


ACTION = ChangeAction(
    name=NAME,
    summary="planned switch of the master without losing an acknowledged write",
    risk=Risk.DESTRUCTIVE,
    plan=plan,
    options=(Option("to", "HOST:PORT", "the replica that shall become master"),),
)
