"""Why a cluster, or one shard of it, may not be failed over now; every reason, as sentences. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.cluster.agreement import dissenters, doubters, has_majority, voters
from actions.kit.cluster.shards import Shard, Shards
from actions.kit.sentinel_refusals import master_not_ready
from actions.kit.snapshot import NodeView, Reason, Snapshot
from actions.kit.topology import Address


def not_now(snapshot: Snapshot, shards: Shards) -> Iterator[str]:
    """Why nothing may be moved in this cluster at this moment, whichever shard it is about."""
    if not shards.views:
        yield no_cluster(snapshot)
    elif not shards.shards:
        yield f"No node of {snapshot.target} owns any slot: there is nothing to move."
    elif not has_majority(shards):
        there, of = len(voters(shards)), len(shards.shards)
        yield (
            f"Only {there} of {of} masters answer: a failover needs the votes of a majority. Bring masters back first; "
            f"where they are gone for good: takeover {snapshot.target} --to HOST:PORT, which nobody votes on."
        )


def shard_not_now(snapshot: Snapshot, shards: Shards, shard: Shard) -> Iterator[str]:
    """Why the role of this shard's master may not be moved now, whoever would be the candidate."""
    master = snapshot.node(shard.master)
    if master is None or master.info is None or not master.is_master:
        yield _no_master(snapshot, shard, master)
    else:
        yield from master_not_ready(master)
        yield from _state(master)
    yield from _open_slots(shards, shard)
    yield from under_way(shards, shard)


def under_way(shards: Shards, shard: Shard) -> Iterator[str]:
    """What shows that the roles of this shard are not settled: its nodes disagree, or somebody gives its master up."""
    wrong = dissenters(shards, shard)
    if wrong:
        yield (
            f"The nodes disagree on who owns slots that are those of {shard.master} by the highest config-epoch: "
            f"{few(wrong)} says otherwise. Wait until a failover or resharding is over, or mend that first."
        )
    down = doubters(shards, shard.master_id)
    if down:
        yield (
            f"{few(down)} does not reach the master {shard.master}: the cluster may be about to fail over by itself."
        )


def no_cluster(snapshot: Snapshot) -> str:
    """Why no node tells us of a cluster, and what to do."""
    denied = [node for node in snapshot.nodes if any(gap.reason is Reason.NOPERM for gap in node.gaps)]
    if denied and not any(node.cluster for node in snapshot.nodes):
        return f"{denied[0].address} does not let us ask CLUSTER INFO and CLUSTER NODES: the ACL has to allow them."
    if any(node.info and node.info.cluster_enabled is False for node in snapshot.nodes):
        return f"The nodes of {snapshot.target} do not run in cluster mode: put its kind right in targets.yaml."
    return f"No node of {snapshot.target} tells how it sees the cluster."


def _no_master(snapshot: Snapshot, shard: Shard, master: NodeView | None) -> str:
    why = "says that it is a replica" if master and master.info else "does not answer"
    reason = f" ({master.unasked.reason})" if master and master.unasked else ""
    return (
        f"The master {shard.master} {why}{reason}: without it there is no handshake, and writes may be lost. The "
        f"cluster fails over by itself where it can; else: promote {snapshot.target} --to HOST:PORT."
    )


def _state(master: NodeView) -> Iterator[str]:
    view = master.cluster
    if view is not None and not view.ok:
        lacks = f" ({view.slots_assigned} slots assigned, {view.slots_fail} of failed nodes)"
        yield f"{master.address} says cluster_state:fail{lacks}: mend the cluster first; diagnose says what is wrong."


def _open_slots(shards: Shards, shard: Shard) -> Iterator[str]:
    """A slot on its way: the new master would not know of it, and the migration would stop half done."""
    for node, view in shards.views:
        owns = node.address == shard.master
        leaving = [one.slot for one in (*view.migrating, *view.importing) if owns]
        arriving = [one.slot for one in view.importing if not owns and one.peer_id == shard.master_id]
        if leaving or arriving:
            slots = sorted({*leaving, *arriving})
            what = f"slot {slots[0]}" + (f" and {len(slots) - 1} more" if slots[1:] else "")
            yield (
                f"{what} is being moved at {node.address}: the new master would not know of it. Let the resharding "
                f"end, or mend it: redis-cli --cluster fix {shard.master}."
            )


def few(addresses: tuple[Address, ...]) -> str:
    """The first three of them, and how many there are more."""
    more = f" and {len(addresses) - 3} more" if len(addresses) > 3 else ""
    return ", ".join(map(str, addresses[:3])) + more
