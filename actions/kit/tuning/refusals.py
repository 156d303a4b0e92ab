"""Why settings may not be changed now, or not to these values; every reason, as sentences. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.cluster.refusals import no_cluster, under_way
from actions.kit.cluster.shards import Shards
from actions.kit.fencing import fence_left
from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.replication_refusals import two_masters
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Kind
from actions.kit.tuning.changes import NodeChange, differing
from actions.kit.tuning.sizes import rough_size
from actions.kit.tuning.wanted import MEMORY, Wanted, shown


def why_not(snapshot: Snapshot, wanted: Sequence[Wanted], nodes: Sequence[NodeChange]) -> tuple[str, ...]:
    """Every reason against it; nothing where there is none."""
    if snapshot.kind is Kind.ELASTICACHE:
        return (_by_aws(snapshot, wanted),)
    return tuple(not_from_here(snapshot)) or (*_not_now(snapshot), *_not_so(snapshot, wanted, nodes))


def _by_aws(snapshot: Snapshot, wanted: Sequence[Wanted]) -> str:
    parameters = [one.name for one in wanted if one.name != MEMORY]
    name = snapshot.group.name if snapshot.group else snapshot.target
    sentence = (
        f"ElastiCache has no CONFIG: settings of {name} stand in its parameter group. Change them there, with "
        "aws elasticache modify-cache-parameter-group"
    )
    if parameters:
        sentence += f" ({', '.join(parameters)})"
    memory = " maxmemory follows from the type of its nodes and reserved-memory-percent."
    return f"{sentence}.{memory if len(parameters) < len(wanted) else ''}"


def _not_now(snapshot: Snapshot) -> Iterator[str]:
    """What shows that roles move, or that nobody knows whose data counts: what is set is then set on the wrong node."""
    if snapshot.kind is Kind.CLUSTER:
        yield from _cluster_not_now(snapshot)
    else:
        yield from two_masters(snapshot)
        yield from _no_master(snapshot)
    for view in snapshot.sentinels:
        if view.master is not None and "failover_in_progress" in view.master.flags:
            yield f"A failover is in progress, says Sentinel {view.address}."
    for node in snapshot.nodes:
        yield from _node_not_ready(node)


def _cluster_not_now(snapshot: Snapshot) -> Iterator[str]:
    shards = Shards(snapshot)
    if not shards.views:
        yield no_cluster(snapshot)
    for shard in shards.shards:
        yield from under_way(shards, shard)


def _no_master(snapshot: Snapshot) -> Iterator[str]:
    """Without one the others would be set and it would not, or somebody else is about to be promoted."""
    agreed = snapshot.agreed_master
    node = snapshot.node(agreed)
    if len(snapshot.masters) > 1:
        return
    if agreed is None and snapshot.kind is Kind.SENTINEL:
        yield "No majority of all Sentinels names one master."
    elif node is None or node.info is None:
        yield f"The master {agreed or f'of {snapshot.target}'} does not answer: see to that first."
    elif not node.is_master:
        yield f"The Sentinels name {agreed}, but it says that it is a {node.info.role}: a failover may be under way."


def _node_not_ready(node: NodeView) -> Iterator[str]:
    if node.info is not None and node.info.loading:
        yield f"{node.address} is loading its data; wait until it is through."
    if node.info is not None and node.info.failover_state not in {None, "no-failover"}:
        yield f"The master {node.address} is in a FAILOVER of its own: {node.info.failover_state}."
    if left := fence_left(node):
        yield f"{node.address} {left}: an earlier run was cut off and has to be settled first."
    if node.tunable is not None and node.tunable.why_not:
        yield f"What {node.address} is set to cannot be asked, and so not put back: {node.tunable.why_not}."


def _not_so(snapshot: Snapshot, wanted: Sequence[Wanted], nodes: Sequence[NodeChange]) -> Iterator[str]:
    named = dict.fromkeys(node for one in wanted for node in one.nodes)
    for address in named:
        node = snapshot.node(address)
        if node is None:
            known = ", ".join(str(node.address) for node in snapshot.nodes)
            yield f"{address} is not a node of {snapshot.target}; its nodes are {known}."
        elif node.info is None:
            yield f"{address} does not answer: what is meant for it alone has to wait until it is back."
    if nodes and not any(True for _ in differing(nodes)):
        values = ", ".join(f"{one.name} {shown(one.name, one.value)}" for one in wanted)
        which = "each node that is meant" if named else f"every node of {snapshot.target} that answers"
        yield f"There is nothing to do: {which} has {values} already."
    for change in differing(nodes):
        yield from _refuses_writes(change)


def _refuses_writes(one: NodeChange) -> Iterator[str]:
    """A master that has to let go of more than it may refuses every write that takes memory."""
    after = one.after
    if not one.node.is_master or not one.tighter or not after.hopeless:
        return
    least = f"uses {rough_size(after.used)} of {rough_size(after.limit)}"
    if not after.evicts:
        yield (
            f"{one.address} {least} then, and {after.policy} evicts nothing: it would refuse writes at once. Give it "
            f"more than {rough_size(after.used)}, or free {rough_size(after.over)} first, or choose a policy that "
            "evicts."
        )
    elif after.holds.keys and not after.candidates:
        yield (
            f"{one.address} {least} then, and none of its {after.holds.keys:,} keys has an expiry, so {after.policy} "
            f"finds nothing to evict: it would refuse writes at once. Give it more than {rough_size(after.used)}, or "
            "choose an allkeys policy."
        )
    else:
        yield (
            f"{one.address} {least} then, and would refuse writes at once, without a single key left too: buffers, "
            "backlog and the server itself need more. Give it more."
        )
