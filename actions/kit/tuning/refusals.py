"""Why settings may not be changed now, or not to these values; every reason, as sentences. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Kind
from actions.kit.tuning.changes import NodeChange, differing
from actions.kit.tuning.sizes import rough_size
from actions.kit.tuning.wanted import MEMORY, Wanted, shown
from actions.kit.unsettled import unsettled


def why_not(snapshot: Snapshot, wanted: Sequence[Wanted], nodes: Sequence[NodeChange]) -> tuple[str, ...]:
    """Every reason against it; nothing where there is none."""
    if snapshot.kind is Kind.ELASTICACHE:
        return (_by_aws(snapshot, wanted),)
    return tuple(not_from_here(snapshot)) or (
        *unsettled(snapshot),
        *_not_asked(snapshot),
        *_not_so(snapshot, wanted, nodes),
    )


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


def _not_asked(snapshot: Snapshot) -> Iterator[str]:
    for node in snapshot.nodes:
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
