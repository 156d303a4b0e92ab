"""What it costs to change settings, as sentences for the approver. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.cluster.refusals import few
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.tuning.changes import NodeChange, differing
from actions.kit.tuning.sizes import rough_size, spelled_size
from actions.kit.tuning.wanted import BACKLOG, BUFFERS, MEMORY, NO_EVICTION, POLICY, parse_limits

NEARLY = 0.9
"""The share of what there is from which it is worth a word."""
BACKLOG_KEPT_SINCE = (7, 0)


def price(snapshot: Snapshot, nodes: Sequence[NodeChange]) -> Iterator[str]:
    """What goes, what may go later, what memory it takes, what is left out, and whether it survives a restart."""
    changed = tuple(differing(nodes))
    for one in changed:
        yield from _evicted(one)
        yield from _limits(snapshot, one)
    yield from _later(changed)
    yield from _smaller_than_master(snapshot, nodes)
    yield from _backlogs(changed)
    yield from _buffers(changed)
    yield from _left_out(snapshot, nodes)
    yield from _restarts(snapshot, changed)


def _evicted(one: NodeChange) -> Iterator[str]:
    after = one.after
    if one.evicts_now:
        holds = after.holds
        which = f"only the {holds.expiring:,} with an expiry" if after.only_expiring else "any of them"
        short = " These look like too few: once they are gone it refuses writes." if after.too_few else ""
        alone = "" if one.node.is_master else " by itself, since replica-ignore-maxmemory is no"
        yield (
            f"{one.address} uses {rough_size(after.used)} of {rough_size(after.limit)} then: {rough_size(after.over)} "
            f"go at once{alone}, about {after.going:,} of {holds.keys:,} keys if all are of one size. {after.policy} "
            f"takes {which}.{short}"
        )
    elif one.node.is_master and after.over:
        yield (
            f"{one.address} still uses {rough_size(after.over)} more than {MEMORY} then, and "
            f"{'evicts' if after.evicts else 'refuses writes'}, as it does now."
        )
    elif one.node.is_master and after.limit and after.used >= after.limit * NEARLY:
        at_the_end = "evicts" if after.evicts else "refuses writes"
        yield (
            f"{one.address} has used {after.used * 100 // after.limit} % of its {MEMORY} then, and {at_the_end} at "
            "the end of it."
        )


def _limits(snapshot: Snapshot, one: NodeChange) -> Iterator[str]:
    change = one.change_of(MEMORY)
    room, whose = _room(snapshot, one.node)
    if change is None or not room:
        return
    if change.new == "0":
        yield f"{one.address} may then take all of its {whose}'s {rough_size(room)}: at its end the kernel kills it."
    elif int(change.new) > room * NEARLY:
        yield (
            f"{MEMORY} {spelled_size(int(change.new))} leaves {one.address} no room: its {whose} has "
            f"{rough_size(room)}, and buffers and dumps come on top. At its end the kernel kills it."
        )


def _room(snapshot: Snapshot, node: NodeView) -> tuple[int, str]:
    """What there is for the node in bytes, and whose that is; 0 where nobody says."""
    view = snapshot.kubernetes
    pod = view.pod_of(node.address.host) if view else None
    limit = pod.memory_limit(node.address.port) if pod else None
    if limit:
        return limit, "container"
    return (node.info.stats.system_memory or 0) if node.info else 0, "machine"


def _later(changed: Sequence[NodeChange]) -> Iterator[str]:
    """That data which nobody has deleted may go from now on."""
    masters = [one for one in changed if one.node.is_master and one.after.evicts and one.tighter]
    bound = tuple(one.address for one in masters if one.after.limit)
    free = tuple(one.address for one in masters if not one.after.limit)
    if bound:
        yield (
            f"From then on {few(bound)} drops keys that nobody has deleted whenever its {MEMORY} is reached, as a "
            f"cache does; putting {POLICY} back brings none of them back."
        )
    if free:
        yield f"{few(free)}: there is no {MEMORY}, and until there is one nothing is evicted."
    kept = tuple(
        one.address
        for one in changed
        if one.node.is_master and one.change_of(POLICY) and one.after.policy == NO_EVICTION and one.after.limit
    )
    if kept:
        yield f"{few(kept)}: nothing is evicted any more; writes are refused instead once {MEMORY} is reached."


def _smaller_than_master(snapshot: Snapshot, nodes: Sequence[NodeChange]) -> Iterator[str]:
    limits = {one.address: one.after.limit for one in nodes}
    smaller = []
    for one in nodes:
        link = one.node.info.link if one.node.info else None
        master = snapshot.node(link.master) if link else None
        of_master = limits.get(master.address) if master else None
        if of_master is not None and one.after.limit and (not of_master or one.after.limit < of_master):
            smaller.append(one.address)
    if smaller:
        names = few(tuple(smaller))
        yield f"{names}: its {MEMORY} is smaller than its master's; as a master it would not hold as much."


def _backlogs(changed: Sequence[NodeChange]) -> Iterator[str]:
    changes = [(one, change) for one in changed if (change := one.change_of(BACKLOG))]
    more = sum(max(0, int(change.new) - int(change.old)) for _, change in changes)
    if more:
        yield f"Backlogs of {len(changes)} nodes may take {rough_size(more)} more memory together."
    less = [change for _, change in changes if int(change.new) < int(change.old)]
    if less:
        yield (
            f"A replica that is cut off for more than {spelled_size(int(less[0].new))} of writes copies everything "
            "anew."
        )
    emptied = tuple(one.address for one, _ in changes if _begins_anew(one.node))
    if emptied:
        yield (
            f"Before 7.0 a backlog of another size begins empty ({few(emptied)}): a replica that is cut off at that "
            "moment copies everything anew."
        )


def _begins_anew(node: NodeView) -> bool:
    info = node.info
    active = info is not None and info.backlog_active
    return bool(active and info and info.flavour == "redis" and info.version < BACKLOG_KEPT_SINCE)


def _buffers(changed: Sequence[NodeChange]) -> Iterator[str]:
    changes = [change for one in changed if (change := one.change_of(BUFFERS))]
    sooner, endless = set(), set()
    for change in changes:
        before = parse_limits(change.old)
        for name, limit in parse_limits(change.new).items():
            if limit == before.get(name):
                continue
            word = "replica" if name == "slave" else name
            if not limit[0]:
                endless.add(word)
            if any(
                new and (not old or new < old) for new, old in zip(limit[:2], before.get(name, limit), strict=False)
            ):
                sooner.add(word)
    for word in sorted(sooner):
        who = "A replica copies everything anew then." if word == "replica" else "It has to connect again."
        yield f"Whoever of class {word} has more waiting than that is cut off at once. {who}"
    for word in sorted(endless):
        yield f"Class {word} has no hard limit then: one that reads nothing can take all memory."


def _left_out(snapshot: Snapshot, nodes: Sequence[NodeChange]) -> Iterator[str]:
    has = tuple(one.address for one in nodes if one.meant and not one.changes)
    if has:
        yield f"Left alone, having all of it already: {few(has)}."
    silent = tuple(node.address for node in snapshot.nodes if node.info is None)
    if silent:
        yield f"No answer from {few(silent)}: what is set there stays; ask again when it is back."


def _restarts(snapshot: Snapshot, changed: Sequence[NodeChange]) -> Iterator[str]:
    """Where no file can be written a restart brings back what the server is started with."""
    without = tuple(one.address for one in changed if one.node.info and one.node.info.config_file == "")
    if snapshot.kubernetes is not None and snapshot.kubernetes.pods:
        yield (
            f"It does not outlast a restart of a pod: release {snapshot.kubernetes.release} starts each one with the "
            "chart's ConfigMap. Put it into the values of the release as well (commonConfiguration)."
        )
    elif without:
        yield (
            f"It does not outlast a restart where there is no configuration file ({few(without)}): set it where the "
            "server is started from as well."
        )
    if len(without) < len(changed):
        yield (
            "CONFIG REWRITE writes the files at the end, with whatever else was set by hand; a file that cannot be "
            "written is named."
        )
