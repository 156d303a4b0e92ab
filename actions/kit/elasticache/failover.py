"""The planned failover of a replication group in the way that AWS allows there, as a plan. No I/O here.

Automatic failover on: TestFailover, where AWS chooses; or, where a candidate is named, automatic failover off, another
primary, automatic failover as it was. Off: another primary. In cluster mode: TestFailover of one shard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from actions.kit.elasticache import setting
from actions.kit.elasticache.events import latest
from actions.kit.elasticache.moving import Move
from actions.kit.elasticache.proof import ProveMove
from actions.kit.elasticache.refusals import (
    BUDGET,
    against_candidate,
    against_shard,
    member_meant,
    member_of,
    nodes_of,
    not_now,
    primary_of,
    shard_meant,
)
from actions.kit.elasticache.steps import CallTestFailover, HoldWrites, MakePrimary
from actions.kit.elasticache.switching import TurnFailoverOff, TurnFailoverOn
from actions.kit.elasticache.views import GroupView, MemberView, NodeGroupView
from actions.kit.elasticache.words import ENABLED
from actions.kit.plan import Cost, Plan, Rejected, Risk, SettingChange, Step, facts_of
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import GROUP_KIND, Resource

LOOK_AGAIN_S = 30


@dataclass(frozen=True, slots=True)
class _Case:
    """What is to be done: the shard, its primary, and who shall take over; ``None``: AWS chooses."""

    snapshot: Snapshot
    group: GroupView
    shard: NodeGroupView
    primary: MemberView
    node: NodeView
    candidate: MemberView | None
    rejected: tuple[Rejected, ...]

    @property
    def by_test(self) -> bool:
        """AWS chooses, by TestFailover."""
        return self.candidate is None


def planned(snapshot: Snapshot, action: str, options: Mapping[str, str]) -> Plan | tuple[str, ...]:
    """The plan, or every reason why there is none.

    Args:
        snapshot: as seen now.
        action: the action's name.
        options: ``to``: a member's name or address; ``shard``: the id of a node group.
    """
    case = _case(snapshot, options)
    if not isinstance(case, _Case):
        return case
    move = _move(case)
    candidate = case.candidate.endpoint if case.candidate else None
    return Plan(
        target=snapshot.target,
        action=action,
        risk=Risk.DESTRUCTIVE,
        because=_because(case),
        cost=Cost(None, None, snapshot.limits.max_pause_ms, tuple(_notes(case))),
        steps=_steps(case, move),
        seen=facts_of(snapshot),
        candidate=candidate,
        rejected=case.rejected,
    )


def _case(snapshot: Snapshot, options: Mapping[str, str]) -> _Case | tuple[str, ...]:
    group = snapshot.group
    reasons = tuple(not_now(snapshot))
    if options.get("host"):
        reasons += ("--host is for targets of kind cluster.",)
    if group is None or group.unasked is not None:
        return reasons
    wanted = member_meant(snapshot, group, options["to"]) if options.get("to") else None
    if isinstance(wanted, str):
        return (*reasons, wanted)
    shard = shard_meant(group, options, wanted)
    if isinstance(shard, str):
        return (*reasons, shard)
    reasons += (
        *against_shard(snapshot, shard),
        *_against_way(group, wanted),
        *_against_choice(snapshot, shard, wanted),
    )
    node = primary_of(snapshot, shard)
    primary = member_of(shard, node) if node else None
    if reasons or node is None or primary is None:
        return reasons
    able = [one for one in shard.members if one != primary and not any(against_candidate(snapshot, one))]
    chosen = wanted or (None if group.automatic_failover == ENABLED else able[0])
    return _Case(snapshot, group, shard, primary, node, chosen, tuple(_rejected(snapshot, shard, primary, chosen)))


def _against_way(group: GroupView, wanted: MemberView | None) -> Iterator[str]:
    """Why AWS does not allow the way that this takes."""
    used = group.tests_in_region or ()
    if group.cluster_mode and wanted is not None:
        yield (
            f"{group.name} is in cluster mode: there AWS chooses who takes over. Leave --to out, and name the shard: "
            f"--shard {wanted.node_group}."
        )
    elif wanted is None and group.automatic_failover == ENABLED and len(used) >= BUDGET:
        free = used[len(used) - BUDGET] + timedelta(hours=24)
        instead = "" if group.cluster_mode else " Or name a candidate with --to: that way has no such budget."
        yield (
            f"AWS takes {BUDGET} calls of TestFailover in 24 hours, and its events in {group.region} show "
            f"{len(used)}: the next is possible from {free:%Y-%m-%d %H:%M} UTC on.{instead}"
        )


def _against_choice(snapshot: Snapshot, shard: NodeGroupView, wanted: MemberView | None) -> tuple[str, ...]:
    if wanted is not None:
        against = tuple(against_candidate(snapshot, wanted))
        return (f"{wanted.name} cannot take over: {'; '.join(against)}.",) if against else ()
    node = primary_of(snapshot, shard)
    others = [member for member in shard.members if node is None or member != member_of(shard, node)]
    each = [(member.name, tuple(against_candidate(snapshot, member))) for member in others]
    if not each or any(not against for _, against in each):
        return ()
    return ("No replica can take over.", *(f"{name}: {'; '.join(against)}." for name, against in each))


def _rejected(
    snapshot: Snapshot, shard: NodeGroupView, primary: MemberView, chosen: MemberView | None
) -> Iterator[Rejected]:
    for member in shard.members:
        if member in (primary, chosen) or member.endpoint is None:
            continue
        against = "; ".join(against_candidate(snapshot, member))
        could = (
            "it could take over too: AWS chooses" if chosen is None else "it could take over too, but is not the one"
        )
        yield Rejected(member.endpoint, f"{member.name}: {against or could}")


def _move(case: _Case) -> Move:
    members = tuple((one.name, one.endpoint) for one in case.shard.members if one.endpoint is not None)
    return Move(
        group=case.group.name,
        region=case.group.region,
        shard=case.shard.name,
        old=case.primary.name,
        members=members,
        endpoint=case.shard.primary_endpoint,
        wanted=case.candidate.name if case.candidate else None,
        since=latest(case.group.events),
    )


def _steps(case: _Case, move: Move) -> tuple[Step, ...]:
    replicas = [node.address for node in nodes_of(case.snapshot, case.shard) if node.is_replica]
    if case.candidate is not None:
        replicas = [address for address in replicas if address == case.candidate.endpoint] or replicas
    hold = HoldWrites(case.node.address, tuple(replicas), case.snapshot.limits.max_pause_ms)
    token = f"{case.snapshot.target}:{move.shard}"
    proofs = (ProveMove(move, token), ProveMove(move, token, after_s=LOOK_AGAIN_S))
    if case.candidate is None:
        return (hold, CallTestFailover(move), *proofs)
    make = MakePrimary(move, case.candidate.name)
    if case.group.automatic_failover != ENABLED:
        return (hold, make, *proofs)
    change = SettingChange(
        Resource(GROUP_KIND, case.group.name), setting.NAME, setting.OFF, setting.value_of(case.group)
    )
    region = case.group.region
    return (TurnFailoverOff(change, region), hold, make, TurnFailoverOn(change, region), *proofs)


def _because(case: _Case) -> str:
    group, shard = case.group, case.shard
    what = f"AWS is in charge of {case.snapshot.target}: {case.primary.name} is the primary of shard {shard.name}"
    if case.candidate is None:
        return f"{what}, and automatic failover is on, so AWS fails it over by TestFailover and chooses who takes over."
    if group.automatic_failover == ENABLED:
        return (
            f"{what}. AWS makes {case.candidate.name} the primary only while automatic failover is off: it is turned "
            "off, and afterwards as it was."
        )
    return f"{what}, and automatic failover is off, so AWS makes {case.candidate.name} the primary."


def _notes(case: _Case) -> Iterator[str]:
    """What it can cost; nothing is promised that AWS does not promise."""
    pause_s = case.snapshot.limits.max_pause_ms / 1000
    lags = [case.snapshot.lag_bytes(node) for node in nodes_of(case.snapshot, case.shard) if node.is_replica]
    told = [lag for lag in lags if lag is not None]
    behind = f"{max(told, default=0):,} bytes at most" if len(told) == len(lags) else "unknown"
    yield (
        "AWS replicates asynchronously and does not say when it moves the primary. Writes wait before it is asked, "
        f"for {pause_s:g} s at most, and every replica gets all of them: if AWS moves within that, nothing is lost. "
        f"What {case.primary.name} acknowledges later and no replica has received is lost: how much is not known "
        f"(behind now: {behind})."
    )
    yield "Writes fail while AWS moves the primary, usually for less than a minute; clients of the endpoint follow."
    if case.by_test:
        used = len(case.group.tests_in_region or ())
        yield (
            "TestFailover replaces the old primary's node. AWS means it for tests and may block it; it takes "
            f"{BUDGET} calls in 24 hours, and {used} have been made in {case.group.region}."
        )
    elif case.group.automatic_failover == ENABLED:
        yield (
            "While automatic failover is off, for some minutes, nobody takes over where the primary is lost. It is "
            "owed from before it is turned off: after a crash Tandem turns it back on."
        )
