"""The flush of a target as a plan. No I/O here.

See that every copy has room, fence every master, copy all of them, flush one after the other, see that all take writes
and that every node shows it, prove the roles, look again after 30 s. Until the first flush everything can be undone; if
one copy fails nothing is flushed anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.cluster.failover import facts_of_shards
from actions.kit.cluster.refusals import few
from actions.kit.cluster.shards import Shards
from actions.kit.cluster.steps import ProveShards
from actions.kit.fencing import but_scripts, fence_of, scripts_pass
from actions.kit.flushing.copied import RescueMaster
from actions.kit.flushing.masters import Flushed
from actions.kit.flushing.proof import SeeFlushed, TakeWrites
from actions.kit.flushing.steps import FlushMaster, named
from actions.kit.plan import Cost, Plan, Risk, Step, facts_of
from actions.kit.repair.demotion import ReportCopy
from actions.kit.repair.fence import SeeRoom
from actions.kit.repair.rescue import Loser
from actions.kit.replication_failover import LOOK_AGAIN_S
from actions.kit.rescue import copy_name, stem_of
from actions.kit.sentinel_failover import PAUSE_OF_DOWN_AFTER
from actions.kit.snapshot import Snapshot
from actions.kit.steps import Fence, Prove
from actions.kit.topology import Address, Kind
from actions.kit.tuning.sizes import rough_size

_BRING_BACK = ". How to bring it back from there: docs/rescue.md"


def planned(snapshot: Snapshot, action: str, masters: Sequence[Flushed]) -> Plan:
    """The plan; the refusals have found no reason against it."""
    each = [one.loss_bytes for one in masters]
    known = [one for one in each if one is not None]
    return Plan(
        target=snapshot.target,
        action=action,
        risk=Risk.IRREVERSIBLE,
        because=" ".join(_because(masters)),
        cost=Cost(
            loss_bytes=sum(known) if len(known) == len(each) else None,
            loss_keys=sum(one.keys for one in masters),
            notes=tuple(_price(snapshot, masters)),
            copied=True,
            roles_stay=True,
        ),
        steps=_steps(snapshot, masters),
        seen=(*_facts(snapshot), *(f"{one.address} is flushed: {named(one.databases)}" for one in masters)),
    )


def _facts(snapshot: Snapshot) -> tuple[str, ...]:
    if snapshot.kind is not Kind.CLUSTER:
        return facts_of(snapshot)
    shards = Shards(snapshot)
    return facts_of_shards(snapshot, shards, shards.shards)


def _steps(snapshot: Snapshot, masters: Sequence[Flushed]) -> tuple[Step, ...]:
    pause_ms, renewed = _pause_ms(snapshot), snapshot.kind is not Kind.SENTINEL
    copies = {one.address: _loser(snapshot, one) for one in masters}
    fences = {one.address: fence_of(one.address, one.node.config) for one in masters}
    evidence = (*_because(masters), *(f"{one.address} is flushed: {named(one.databases)}" for one in masters))
    steps: list[Step] = [SeeRoom(address) for address in copies]
    steps += [Fence(one.address, pause_ms, fences[one.address], scripts_pass(one.node)) for one in masters]
    for address, copy in copies.items():
        others = tuple(other for other in copies if other != address)
        steps.append(RescueMaster(copy, pause_ms if renewed else 0, evidence, others))
    marks = {one.address: f"tandem:probe:flush:{{{one.tag}}}:{stem_of(copies[one.address].copy)}" for one in masters}
    for one in masters:
        fence, mark = fences[one.address], marks[one.address]
        steps.append(
            FlushMaster(copies[one.address], one.databases, mark, pause_ms, renewed, fence, scripts_pass(one.node))
        )
    steps += [TakeWrites(address, fence) for address, fence in fences.items()]
    first, last = (
        [SeeFlushed(one.address, one.databases, marks[one.address], _answering(snapshot, one), last) for one in masters]
        for last in (False, True)
    )
    steps += [*first, *_proofs(snapshot, masters), *last]
    return (*steps, *(ReportCopy(copy, before="", after=_BRING_BACK) for copy in copies.values()))


def _pause_ms(snapshot: Snapshot) -> int:
    """A pause blocks the Sentinels' PUBLISH as well, and two may follow each other: before the copy and after it."""
    watched = [view.master.down_after_ms for view in snapshot.sentinels if view.master is not None]
    bounds = (int(one * PAUSE_OF_DOWN_AFTER / 2) for one in watched)
    return max(1, min(snapshot.limits.max_pause_ms, *bounds)) if watched else snapshot.limits.max_pause_ms


def _loser(snapshot: Snapshot, one: Flushed) -> Loser:
    return Loser(
        node=one.address,
        replid=one.node.info.replid if one.node.info else "",
        copy=copy_name(snapshot.target, "flush", one.address, snapshot.observed_at),
    )


def _answering(snapshot: Snapshot, one: Flushed) -> tuple[Address, ...]:
    views = (snapshot.node(address) for address in one.replicas)
    return tuple(view.address for view in views if view is not None and view.info is not None)


def _proofs(snapshot: Snapshot, masters: Sequence[Flushed]) -> Iterator[Step]:
    """Now and after a while."""
    answering = tuple(node.address for node in snapshot.nodes if node.info is not None)
    run_ids = tuple(one.node.info.run_id if one.node.info else "" for one in masters)
    sentinels = tuple(view.address for view in snapshot.sentinels if view.master is not None)
    addresses = tuple(one.address for one in masters)
    for after_s in (0, LOOK_AGAIN_S):
        if snapshot.kind is Kind.CLUSTER:
            yield ProveShards(addresses, answering, snapshot.target, after_s, run_ids=run_ids)
        else:
            token, quorum = f"{snapshot.target}:{addresses[0].port}", len(sentinels) * 2 > snapshot.electorate
            yield Prove(addresses[0], answering, token, sentinels, after_s=after_s, quorum=quorum, run_id=run_ids[0])


def _because(masters: Sequence[Flushed]) -> Iterator[str]:
    """What goes where, and what stays."""
    for one in masters:
        keys = dict(one.holds.databases)
        going = ", ".join(f"{keys[number]:,} keys of database {number}" for number in one.databases)
        staying = [f"{count:,} of database {number}" for number, count in keys.items() if number not in one.databases]
        also = f"; {', '.join(staying)} stay" if staying else ""
        yield f"{one.address} loses {going}{also}. All its databases together take {rough_size(one.holds.dataset)}."
        if one.replicas:
            yield f"So does whoever follows it: {few(one.replicas)}."


def _price(snapshot: Snapshot, masters: Sequence[Flushed]) -> Iterator[str]:
    names = few(tuple(one.address for one in masters))
    size = rough_size(sum(one.holds.dataset for one in masters))
    rooms = [one.holds.room.free_bytes for one in masters if one.holds.room and one.holds.room.free_bytes is not None]
    free = f"; {rough_size(min(rooms))} are free there" if rooms else ""
    yield (
        f"Before anything goes all of {names} is copied to {snapshot.rescues_to} and verified, {size} at most{free}. "
        "From there a person can bring it back; nothing does so by itself."
    )
    passing = but_scripts(any(scripts_pass(one.node) for one in masters))
    yield f"{names} refuses writes{passing} from the fence on until it is flushed: for as long as the copy takes."
    for one in masters:
        yield from _in_use(one)
    yield from _kept_on_disk(masters)
    silent = tuple(node.address for node in snapshot.nodes if node.info is None)
    if silent:
        yield f"No answer from {few(silent)}: what a replica has goes when it is back."
    yield f"If Tandem dies before the flush, {names} refuses writes{passing} until Tandem starts again."


def _in_use(one: Flushed) -> Iterator[str]:
    """Whether somebody works with it now."""
    changes = "an unknown number of" if one.holds.changes is None else f"{one.holds.changes:,}"
    clients = "" if one.node.normal_clients is None else f", and {one.node.normal_clients:,} clients are connected"
    busy = " It is in use: see that whoever writes can do without what goes." if one.holds.changes else ""
    yield f"{one.address} had {changes} changes within the last second{clients}.{busy}"


def _kept_on_disk(masters: Sequence[Flushed]) -> Iterator[str]:
    """What a restart brings back."""
    for one in masters:
        info, config = one.node.info, one.node.config
        if info is not None and info.aof_enabled:
            yield f"{one.address} has an append-only file: after a restart too it is flushed."
        elif config is not None and config.save_points:
            yield f"{one.address} writes dumps: from the next one on a restart brings nothing back."
        else:
            yield f"{one.address} writes no dumps by itself: a restart brings back its last one, if there is any."
