"""Taking over where the master of a shard is lost: by force, which is voted on, or without a vote, as plans.

Both give up what only the lost master has. Neither is there for what the cluster does by itself, nor for a master that
somebody still reaches. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from actions.kit.cluster.agreement import dissenters, has_majority, voters
from actions.kit.cluster.failover import LOOK_AGAIN_S, facts_of_shards
from actions.kit.cluster.refusals import few, no_cluster
from actions.kit.cluster.shards import Shard, Shards, slots_text
from actions.kit.cluster.steps import AwaitAgreement, ClusterFailover, ProveShards
from actions.kit.diagnosis import diagnose
from actions.kit.errors import NotYet
from actions.kit.findings import FindingId
from actions.kit.heirs import best_heir, certain_loss, unfit, why_no_heir
from actions.kit.plan import Cost, Plan, Rejected, Risk, Step
from actions.kit.ports import Hands, Takeover
from actions.kit.snapshot import NodeView, Reason, Snapshot
from actions.kit.topology import Address

_SILENT = frozenset({Reason.REFUSED, Reason.TIMED_OUT, Reason.CLOSED, Reason.UNRESOLVED})
"""Whoever gives these answers may be lost; with any other reason something is there."""


@dataclass(frozen=True, slots=True)
class MasterLost(Step):
    """See right before it that the master is still lost, and that the candidate still is the one to take over."""

    candidate: Address
    mode: Takeover

    @property
    def title(self) -> str:
        """What the step does."""
        return f"See that the master of {self.candidate} is still lost"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return "CLUSTER NODES on every node: the master is flagged fail, and does not answer"

    async def act(self, hands: Hands) -> str:
        """Look once.

        Raises:
            NotYet: something speaks against it by now.
        """
        reasons = refusals(await hands.observe(), self.candidate, self.mode)
        if reasons:
            raise NotYet(" ".join(reasons))
        return "nobody reaches it"


def refusals(snapshot: Snapshot, wanted: Address | None, mode: Takeover) -> tuple[str, ...]:
    """Every reason why nobody takes over in this way now; nothing where it can be."""
    shards = Shards(snapshot)
    if not shards.views:
        return (no_cluster(snapshot),)
    node = snapshot.node(wanted)
    shard = shards.shard_of(node.address) if node else None
    if wanted is None:
        return tuple(_say_which(snapshot, shards, mode))
    if node is None:
        return (f"{wanted} is not a node of {snapshot.target}.",)
    if shard is None:
        return (f"{wanted} is in no shard: it owns no slots, and follows no master that does.",)
    return tuple(_against(snapshot, shards, shard, node, mode))


def planned(snapshot: Snapshot, action: str, wanted: Address | None, mode: Takeover) -> Plan:
    """The plan; ``refusals`` has found no reason against it.

    Raises:
        ValueError: it was not asked.
    """
    shards, node = Shards(snapshot), snapshot.node(wanted)
    shard = shards.shard_of(node.address) if node else None
    if node is None or shard is None or shard.master is None:
        raise ValueError("This snapshot cannot be planned on.")
    return Plan(
        target=snapshot.target,
        action=action,
        risk=Risk.DESTRUCTIVE if mode is Takeover.FORCE else Risk.IRREVERSIBLE,
        because=(
            f"The master {shard.master} of slots {slots_text(shard.slots)} does not answer, and no node reaches it. "
            f"Of its replicas that answer {node.address} has the most bytes: offset {_offset(node):,}."
        ),
        cost=_cost(snapshot, shards, shard, node, mode),
        steps=_steps(snapshot, shards, shard.master, node, mode),
        seen=facts_of_shards(snapshot, shards, [shard]),
        candidate=node.address,
        rejected=tuple(_rejected(snapshot, shard, node)),
    )


def _steps(snapshot: Snapshot, shards: Shards, master: Address, heir: NodeView, mode: Takeover) -> tuple[Step, ...]:
    candidate, run_ids = heir.address, (heir.info.run_id,) if heir.info else ()
    epoch = max(view.current_epoch for _, view in shards.views)
    expected = tuple(node.address for node in snapshot.nodes if node.info is not None)
    prove = ProveShards((candidate,), expected, snapshot.target, alone=True, run_ids=run_ids)
    return (
        MasterLost(candidate, mode),
        ClusterFailover(candidate, master, epoch, mode, _offset(heir)),
        AwaitAgreement(candidate, majority=mode is Takeover.FORCE),
        prove,
        replace(prove, after_s=LOOK_AGAIN_S),
    )


def _against(snapshot: Snapshot, shards: Shards, shard: Shard, node: NodeView, mode: Takeover) -> Iterator[str]:
    yield from _not_this_way(snapshot, shards, mode, node.address)
    yield from _not_lost(snapshot, shards, shard, node.address, mode)
    wrong = dissenters(shards, shard)
    if wrong:
        yield f"The nodes disagree on who owns the slots of {shard.master}: {few(wrong)} says otherwise."
    reasons = why_no_heir(_part(snapshot, shard), node)
    if reasons:
        yield f"{node.address} cannot take over: {'; '.join(reasons)}."


def _not_this_way(snapshot: Snapshot, shards: Shards, mode: Takeover, node: Address) -> Iterator[str]:
    there, of, target = len(voters(shards)), len(shards.shards), snapshot.target
    if mode is Takeover.FORCE and not has_majority(shards):
        yield (
            f"Only {there} of {of} masters answer: nobody can be voted for. Bring masters back; where they are gone "
            f"for good: takeover {target} --to {node}, which nobody votes on."
        )
    if mode is Takeover.TAKEOVER and has_majority(shards):
        yield f"{there} of {of} masters answer and can vote: promote {target} --to {node} asks them."


def _not_lost(snapshot: Snapshot, shards: Shards, shard: Shard, node: Address, mode: Takeover) -> Iterator[str]:
    """Why its master is not lost, or not yet for good; without a majority it is suspected for ever."""
    master = snapshot.node(shard.master)
    if master is not None and master.info is not None:
        what = "is a master and answers" if master.is_master else "answers as a replica"
        how = f"--shard {shard.master}" if node == shard.master else f"--to {node}"
        yield f"{shard.master} {what}: nothing is lost. To move its role: failover {snapshot.target} {how}."
        return
    if master is not None and master.unasked is not None and master.unasked.reason not in _SILENT:
        yield f"{shard.master} is there, and does not let us ask it ({master.unasked.why}). Mend that first."
    for member, who in shards.said_of(shard.master_id):
        if member.suspected and mode is Takeover.FORCE:
            yield f"{shard.master} may be alive: {few(who)} suspects it only so far. Look again in a few seconds."
        elif not (member.failed or member.suspected):
            yield f"{shard.master} is alive: {few(who)} reaches it. Mend what keeps us from it."
    if mode is Takeover.FORCE and _fails_over_by_itself(snapshot, shards, shard):
        yield "The cluster fails over by itself within seconds: look again before you take it out of its hands."


def _fails_over_by_itself(snapshot: Snapshot, shards: Shards, shard: Shard) -> bool:
    """A vote is due or under way: also with a link that is up, as it stays for a minute where the master hangs."""
    moving = [one for one in diagnose(snapshot).findings if one.id is FindingId.FAILOVER_IN_PROGRESS]
    if any(set(one.nodes) & set(shard.replicas) for one in moving):
        return True
    links = [(address, node.info.link) for address in shard.replicas if (node := snapshot.node(address)) and node.info]
    held_back = {shards.addresses.get(one.id) for one in shards.members.values() if "nofailover" in one.flags}
    return any(link is not None and link.up and address not in held_back for address, link in links)


def _say_which(snapshot: Snapshot, shards: Shards, mode: Takeover) -> Iterator[str]:
    word = "promote" if mode is Takeover.FORCE else "takeover"
    lost = [shard for shard in shards.shards if not _answers(snapshot, shard.master)]
    if not lost:
        yield f"All masters of {snapshot.target} answer: nothing is lost."
    for shard in lost:
        best = best_heir(_part(snapshot, shard))
        if best is None:
            yield f"Of the shard of {shard.master} no replica can take over."
        else:
            yield (
                f"Say which replica: {word} {snapshot.target} --to {best.address} (of all that answer in the shard of "
                f"{shard.master} it has the most)."
            )


def _answers(snapshot: Snapshot, address: Address | None) -> bool:
    node = snapshot.node(address)
    return node is not None and node.info is not None


def _part(snapshot: Snapshot, shard: Shard) -> Snapshot:
    """The replicas of one shard: nobody else has any of its history."""
    return replace(snapshot, nodes=tuple(node for node in snapshot.nodes if node.address in shard.replicas))


def _cost(snapshot: Snapshot, shards: Shards, shard: Shard, node: NodeView, mode: Takeover) -> Cost:
    """What is lost is not known: the only one who could tell does not answer. What is known at least is said."""
    floor, ahead = certain_loss(_part(snapshot, shard), node)
    link = node.info.link if node.info else None
    since = "" if link is None or link.down_since_s is None else f" {node.address} lost it {link.down_since_s} s ago."
    notes = [
        f"Lost is what {shard.master} acknowledged and {node.address} never got; how much, nobody can tell.{since}"
    ]
    heard = shards.last_heard(shard.master_id)
    if heard is not None:
        least = f": at least {heard - _offset(node):,} bytes are lost" if heard > _offset(node) else ""
        notes.append(
            f"{shard.master} last told the others offset {heard:,}; {node.address} has {_offset(node):,}{least}."
        )
    other = snapshot.node(ahead)
    if floor and other is not None:
        notes.append(f"At least {floor:,} bytes that {ahead} has: it cannot take over ({'; '.join(unfit(other))}).")
    notes.append(
        f"If {shard.master} is alive after all, clients that reach it may go on writing to it until it hears of its "
        "successor, and all of that is lost. When it comes back it follows by itself, and its own data is thrown away."
    )
    if mode is Takeover.TAKEOVER:
        notes += _unvoted(shards)
    return Cost(loss_bytes=None, loss_keys=None, notes=tuple(notes))


def _unvoted(shards: Shards) -> Iterator[str]:
    there, of = len(voters(shards)), len(shards.shards)
    silent = [
        shard.master for shard in shards.shards if shard.master is not None and shard.master not in voters(shards)
    ]
    yield (
        f"Nobody votes: only {there} of {of} masters answer. Should those that do not ({few(tuple(silent))}) be alive "
        "and only be cut off from us, they may have promoted another replica: then two nodes take writes for these "
        "slots, and what one of them took is lost. Make sure that they are dead."
    )
    yield "Nodes that are cut off learn of it only when they are back; until then their clients see the old owner."


def _rejected(snapshot: Snapshot, shard: Shard, node: NodeView) -> Iterator[Rejected]:
    part = _part(snapshot, shard)
    for other in part.nodes:
        if other.address != node.address:
            reasons = why_no_heir(part, other)
            yield Rejected(other.address, "; ".join(reasons) or "it has no byte more, and was not asked for")


def _offset(node: NodeView) -> int:
    return node.info.offset if node.info else 0
