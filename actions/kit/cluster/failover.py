"""The planned failover within a cluster, as a plan: one shard, or one after the other all masters of a host.

For each shard: look once more, fence the master, wait until the candidate has every byte, have it take over by
handshake and vote, see that the old master follows and that all nodes agree. Then prove the result, and look again
after 30 s. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actions.kit.candidates import Choice
from actions.kit.cluster.candidates import Candidates
from actions.kit.cluster.moves import Wanted, asked_for
from actions.kit.cluster.refusals import not_now, shard_not_now
from actions.kit.cluster.shards import Shard, Shards, slots_text
from actions.kit.cluster.steps import AwaitAgreement, CheckShard, ClusterFailover, LetGo, ProveShards
from actions.kit.errors import UsageError
from actions.kit.fencing import fence_of, price_of_fence, scripts_pass
from actions.kit.plan import Cost, Plan, Rejected, Risk, Step
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.steps import CatchUp, Fence

LOOK_AGAIN_S = 30


@dataclass(frozen=True, slots=True)
class Move:
    """One shard, its master as seen, and who takes over."""

    shard: Shard
    master: NodeView
    choice: Choice


def refusals(snapshot: Snapshot, wanted: Wanted) -> tuple[str, ...]:
    """Every reason why what was asked for is not done now; nothing where it can be."""
    shards = Shards(snapshot)
    now = tuple(not_now(snapshot, shards))
    if now:
        return now
    asked = asked_for(snapshot, shards, wanted)
    reasons = list(asked.reasons)
    for shard in asked.shards:
        against = [*shard_not_now(snapshot, shards, shard)]
        against += Candidates(snapshot, shards, shard, wanted.host).refusals(asked.to)
        reasons += against
    return tuple(dict.fromkeys(reasons))


def planned(snapshot: Snapshot, action: str, wanted: Wanted) -> Plan:
    """The plan; ``refusals`` has found no reason against it.

    Raises:
        UsageError: it was not asked.
    """
    shards = Shards(snapshot)
    moves = tuple(_moves(snapshot, shards, wanted))
    if not moves:
        raise UsageError("This snapshot cannot be planned on.")
    return Plan(
        target=snapshot.target,
        action=action,
        risk=Risk.DESTRUCTIVE,
        because=_because(snapshot, moves),
        cost=_cost(snapshot, moves),
        steps=_steps(snapshot, shards, moves),
        seen=facts_of_shards(snapshot, shards, [move.shard for move in moves]),
        candidate=moves[0].choice.node.address if len(moves) == 1 else None,
        rejected=tuple(_rejected(moves)),
    )


def facts_of_shards(snapshot: Snapshot, shards: Shards, concerned: Sequence[Shard]) -> tuple[str, ...]:
    """What an approval binds to: who votes, and of the shards that are concerned slots, config-epoch, every node.

    What happens in other shards meanwhile is no reason to ask again.
    """
    facts = [f"{len(shards.shards)} masters own slots"]
    for shard in concerned:
        facts.append(
            f"slots {slots_text(shard.slots)} are those of {shard.master} at config-epoch {shard.config_epoch}"
        )
        for address in sorted(filter(None, (shard.master, *shard.replicas))):
            node = snapshot.node(address)
            info = node.info if node else None
            said = f"{info.role} run {info.run_id} replid {info.replid}" if info else "no answer"
            facts.append(f"{address} {said}")
    return tuple(facts)


def _moves(snapshot: Snapshot, shards: Shards, wanted: Wanted) -> Iterator[Move]:
    asked = asked_for(snapshot, shards, wanted)
    for shard in asked.shards:
        master = snapshot.node(shard.master)
        if master is not None and master.info is not None:
            yield Move(shard, master, Candidates(snapshot, shards, shard, wanted.host).choose(asked.to))


def _steps(snapshot: Snapshot, shards: Shards, moves: Sequence[Move]) -> tuple[Step, ...]:
    epoch = max(view.current_epoch for _, view in shards.views)
    steps: list[Step] = []
    for move in moves:
        steps += _one(move, snapshot.limits.max_pause_ms, epoch)
    masters = tuple(move.choice.node.address for move in moves)
    run_ids = tuple(move.choice.node.info.run_id if move.choice.node.info else "" for move in moves)
    expected = tuple(node.address for node in snapshot.nodes if node.info is not None)
    prove = [ProveShards(masters, expected, snapshot.target, after_s, run_ids=run_ids) for after_s in (0, LOOK_AGAIN_S)]
    return (*steps, *prove)


def _one(move: Move, pause_ms: int, epoch: int) -> tuple[Step, ...]:
    old, new = move.master.address, move.choice.node.address
    fence = fence_of(old, move.master.config)
    return (
        CheckShard(new, old),
        Fence(old, pause_ms, fence, scripts_pass(move.master), move.master.info.run_id if move.master.info else ""),
        CatchUp(old, new, pause_ms),
        ClusterFailover(new, old, epoch),
        LetGo(old, new, fence),
        AwaitAgreement(new),
    )


def _because(snapshot: Snapshot, moves: Sequence[Move]) -> str:
    each = [
        f"{move.master.address} is the master of slots {slots_text(move.shard.slots)}. {move.choice.why}"
        for move in moves
    ]
    return f"The nodes of {snapshot.target} move their roles themselves, by vote. {' '.join(each)}"


def _cost(snapshot: Snapshot, moves: Sequence[Move]) -> Cost:
    pause_ms = snapshot.limits.max_pause_ms
    slots = "; ".join(slots_text(move.shard.slots) for move in moves)
    notes = [f"Writes to slots {slots} wait while the role moves, usually for less than 0.1 s; other slots go on."]
    for move in moves:
        notes += price_of_fence(move.master, pause_ms)
    return Cost(loss_bytes=0, loss_keys=0, pause_ms=pause_ms, notes=tuple(notes))


def _rejected(moves: Sequence[Move]) -> Iterator[Rejected]:
    for move in moves:
        yield from move.choice.rejected
