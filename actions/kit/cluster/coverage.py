"""Rules about what a cluster serves: its slots, its majority, replicas that could take over. No I/O here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from actions.kit.cluster.facts import ClusterFacts, ShardFacts
from actions.kit.cluster.shards import slots_text
from actions.kit.cluster.view import SLOTS, ClusterView
from actions.kit.diagnosis.facts import EXPLAINED, confident, count, no_answer, silent_words
from actions.kit.diagnosis.voice import Reach
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView
from actions.kit.topology import Address


def slots_uncovered(facts: ClusterFacts) -> Iterator[Finding]:
    """Some slots have nobody who serves them.

    No node's table gives them to anybody, or nobody reaches the master that owns them. Certain if every node told us
    how it sees the cluster but these masters, and none reaches them.
    """
    seen = facts.shards
    if not seen.views or not (seen.unassigned or facts.lost):
        return
    ranges = sorted([*seen.unassigned, *(slots for part in facts.lost for slots in part.shard.slots)])
    number = sum(last - first + 1 for first, last in ranges)
    yield Finding(
        FindingId.CLUSTER_SLOTS_UNCOVERED,
        Severity.CRITICAL,
        confident(complete=_all_told(facts)),
        f"Nobody serves {number:,} of {SLOTS:,} slots ({slots_text(ranges)}): {'; '.join(_causes(facts))}.",
        tuple(part.shard.master for part in facts.lost if part.shard.master is not None),
        (
            *(Evidence(f"slots {slots_text(part.shard.slots, 3)}", _heirs(part)) for part in facts.lost),
            *(Evidence(f"slots {slots}", "no node's table names an owner") for slots in seen.unassigned),
        ),
        (*(line for part in facts.lost for line in part.promotion_lines), *facts.lines("diagnose", "events")),
    )


def _causes(facts: ClusterFacts) -> Iterator[str]:
    if facts.lost:
        masters = [str(part.shard.master or "a node without an address") for part in facts.lost]
        more = f" and {len(masters) - 3} more" if len(masters) > 3 else ""
        yield f"nobody reaches {'the master' if len(masters) == 1 else 'the masters'} {', '.join(masters[:3])}{more}"
    if facts.shards.unassigned:
        yield f"{slots_text(facts.shards.unassigned, 3)} {'are' if facts.lost else 'is'} assigned to no node"


def _heirs(part: ShardFacts) -> str:
    flagged = sum(voice.votes for voice in part.electors if voice.reach is Reach.NO)
    said = f"master {part.shard.master}, out of reach for {flagged} of {count(part.electorate - 1, 'other master')}"
    replicas = ", ".join(map(str, part.live_replicas))
    heard = part.whole.shards.last_heard(part.shard.master_id)
    last = "" if heard is None else f", which last told the others offset {heard:,}"
    return f"{said}{last}; {f'replicas {replicas} answer' if replicas else 'no replica answers'}"


def majority_lost(facts: ClusterFacts) -> Iterator[Finding]:
    """Half of the masters or more are out of everybody's reach: the others cannot vote a replica in.

    Certain if every other node told us how it sees the cluster.
    """
    shards = facts.parts
    if not shards or len(facts.lost) * 2 < len(shards):
        return
    yield Finding(
        FindingId.CLUSTER_MAJORITY_LOST,
        Severity.CRITICAL,
        confident(complete=_all_told(facts)),
        f"The cluster has lost its majority: nobody reaches {len(facts.lost)} of {count(len(shards), 'master')}, and "
        "the others are too few to vote a replica in. It will not mend itself.",
        tuple(part.shard.master for part in facts.lost if part.shard.master is not None),
        tuple(no_answer(part.master.unasked) for part in facts.lost if part.master and part.master.unasked),
        (*(line for part in facts.lost for line in part.promotion_lines), *facts.lines("diagnose", "events")),
    )


def state_fail(facts: ClusterFacts) -> Iterator[Finding]:
    """Nodes that answer refuse commands, as they say: ``cluster_state:fail``. Critical where a master is among them."""
    refusing = [(node, view) for node, view in facts.shards.views if not view.ok]
    if not refusing:
        return
    masters = sum(node.is_master for node, _ in refusing)
    yield Finding(
        FindingId.WRITES_REFUSED,
        Severity.CRITICAL if masters else Severity.WARNING,
        confident(complete=True),
        f"{count(len(refusing), 'node')}, {count(masters, 'master')} among them, refuse commands (cluster_state:fail): "
        f"{_why_refusing(facts, refusing)}.",
        tuple(node.address for node, _ in refusing),
        tuple(Evidence(f"node {node.address} CLUSTER INFO", _state(view)) for node, view in refusing),
        facts.lines("verify", "diagnose"),
    )


def _why_refusing(facts: ClusterFacts, refusing: Iterable[tuple[NodeView, ClusterView]]) -> str:
    if all(_in_minority(view) for _, view in refusing):
        return "they do not reach a majority of the masters"
    whole = any(node.config is not None and node.config.cluster_full_coverage for node, _ in refusing)
    if facts.lost or facts.shards.unassigned or any(view.slots_ok < SLOTS for _, view in refusing):
        return f"slots have nobody who serves them{', and cluster-require-full-coverage is yes' if whole else ''}"
    return "they have just come back, and wait a moment before they take writes again"


def _in_minority(view: ClusterView) -> bool:
    voting = [one for one in view.members if one.slots]
    return sum(not (one.failed or one.suspected) for one in voting) * 2 <= len(voting)


def _state(view: ClusterView) -> str:
    return f"cluster_state:fail, {view.slots_ok:,} slots ok, {view.slots_pfail:,} pfail, {view.slots_fail:,} fail"


def master_without_replica(facts: ClusterFacts) -> Iterator[Finding]:
    """A master has nobody who could take over: no replica of it answers us, and nobody else reaches one.

    Information where losing one host would cost a shard its master and all its replicas, or the cluster its majority.
    Certain if every node answered, or nothing listens where it was.
    """
    bare = [part for part in facts.parts if not part.live_replicas]
    if bare:
        names = ", ".join(str(part.shard.master) for part in bare[:3])
        more = f" and {len(bare) - 3} more" if len(bare) > 3 else ""
        verb = "has" if len(bare) == 1 else "have"
        yield Finding(
            FindingId.CLUSTER_MASTER_WITHOUT_REPLICA,
            Severity.WARNING,
            confident(complete=not facts.silent),
            f"{count(len(bare), 'master')} {verb} no replica that could take over: {names}{more}.",
            tuple(part.shard.master for part in bare if part.shard.master is not None),
            tuple(Evidence(f"slots {slots_text(part.shard.slots, 3)}", _gone(part)) for part in bare),
            facts.lines("diagnose", "events"),
        )
    yield from _one_host(facts)


def spare_down(facts: ClusterFacts) -> Iterator[Finding]:
    """A node that owns no slots, such as a master that was replaced, gave us nothing.

    Certain if every other node tells of it and none reaches it; undetermined if one does: then our way to it is cut.
    """
    for address in facts.shards.spares:
        node = facts.nodes.get(address)
        if node is None or node.unasked is None or node.unasked.reason in EXPLAINED:
            continue
        heard = facts.heard_of(address)
        reached = sum(voice.votes for voice in heard if voice.reach is Reach.YES)
        yield Finding(
            FindingId.REPLICA_DOWN,
            Severity.WARNING,
            confident(complete=_all_but(facts, address), conflict=reached > 0),
            silent_words(
                f"The node {address}, which owns no slots,",
                "node of a cluster",
                node.unasked,
                reached=count(reached, "other node") if reached else "",
            ),
            (address,),
            (no_answer(node.unasked), *(voice.evidence for voice in heard)),
            facts.lines("diagnose", "events"),
        )


def _all_but(facts: ClusterFacts, address: Address) -> bool:
    return all(node.cluster is not None for node in facts.snapshot.nodes if node.address != address)


def _gone(part: ShardFacts) -> str:
    gone = ", ".join(map(str, part.shard.replicas))
    return f"master {part.shard.master}; {f'no answer from its replicas {gone}' if gone else 'no replica at all'}"


def _one_host(facts: ClusterFacts) -> Iterator[Finding]:
    shards = [shard for shard in facts.shards.shards if shard.master is not None]
    masters = Counter(shard.master.host for shard in shards if shard.master)
    if not masters:
        return
    together = [shard for shard in shards if shard.replicas and len(_hosts(shard.master, *shard.replicas)) == 1]
    host, most = masters.most_common(1)[0]
    said = []
    if together:
        said.append(f"{count(len(together), 'shard')} with all nodes on one host")
    if len(shards) > 1 and most * 2 >= len(shards):
        said.append(f"{most} of {count(len(shards), 'master')} on {host}")
    if said:
        yield Finding(
            FindingId.CLUSTER_MASTER_WITHOUT_REPLICA,
            Severity.INFO,
            confident(complete=not facts.silent),
            f"One lost host may be too many: {' and '.join(said)}.",
            tuple(shard.master for shard in together if shard.master is not None),
            tuple(Evidence("CLUSTER NODES", f"{number} on {name}") for name, number in masters.most_common(3)),
        )


def _hosts(*places: Address | None) -> set[str]:
    return {place.host for place in places if place is not None}


def _all_told(facts: ClusterFacts) -> bool:
    """Every node but the masters that nobody reaches told us, and nobody reaches those."""
    lost = {part.shard.master for part in facts.lost}
    silent = [node for node in facts.snapshot.nodes if node.cluster is None and node.address not in lost]
    reached = any(voice.reach is Reach.YES for part in facts.lost for voice in part.electors)
    return not silent and not reached
