"""The rule about nodes of a cluster that are of different opinions, or of no cluster of ours. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actions.kit.cluster.facts import ClusterFacts, told_by
from actions.kit.cluster.shards import slots_text
from actions.kit.cluster.view import SlotRange
from actions.kit.diagnosis.facts import confident, count
from actions.kit.diagnosis.voices import majority_says_no
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView
from actions.kit.topology import Address

Problem = tuple[Severity, str, tuple[Address, ...], tuple[Evidence, ...]]


def cluster_disagreement(facts: ClusterFacts) -> Iterator[Finding]:
    """Nodes tell the cluster differently, a finding for each way in which they do.

    Two nodes each take themselves for the owner of a slot, or whom the others name does not: critical, since clients
    are sent astray. Nodes name another owner than whom the highest config-epoch names; not all know the same nodes; two
    owners are at one config-epoch; a node is of no cluster, or of another one; some flag a node that answers us.
    Information where a node is yet to shake hands, or nobody knows its address. Certain: they say so; after a failover
    it takes the others a moment to hear. Likely where a silent node could tell of a higher config-epoch, or of an
    address, and where a node is suspected only, which may pass.
    """
    all_told = all(node.cluster is not None or node in facts.shards.strangers for node in facts.snapshot.nodes)
    for check in _CHECKS:
        for severity, summary, nodes, evidence in check(facts):
            yield Finding(
                FindingId.CLUSTER_DISAGREEMENT,
                severity,
                confident(complete=check is not _suspected and (check not in _COULD_CHANGE or all_told)),
                summary,
                nodes,
                evidence,
                facts.lines("diagnose", "events"),
            )


def _strangers(facts: ClusterFacts) -> Iterator[Problem]:
    for node in facts.shards.strangers:
        yield Severity.WARNING, f"{node.address} {_strange(node)}", (node.address,), (_its_word(node),)


def _strange(node: NodeView) -> str:
    if node.cluster is None:
        return "has cluster mode off (cluster-enabled no): it is no node of this cluster. Take it out of the settings."
    others = node.cluster.known_nodes - 1
    if others < 1:
        return (
            "knows no other node: it has not joined the cluster, or was reset. Take it out of the settings, or join it."
        )
    return f"belongs to another cluster, with {count(others, 'other node')}: a target is one cluster. See the settings."


def _its_word(node: NodeView) -> Evidence:
    if node.cluster is None:
        return Evidence(f"node {node.address} INFO", "cluster_enabled:0")
    return Evidence(f"node {node.address} CLUSTER INFO", f"cluster_known_nodes:{node.cluster.known_nodes}")


def _two_owners(facts: ClusterFacts) -> Iterator[Problem]:
    """A node takes itself for the owner of slots that another one owns by its higher config-epoch."""
    seen = facts.shards
    for node, view in seen.views:
        lost = [slots for one in (view.me.slots if view.me else ()) for slots in _not_owned(facts, view.my_id, one)]
        if not lost:
            continue
        owner_id = seen.owners[lost[0].first] or ""
        owner, epoch = seen.addresses.get(owner_id), seen.members[owner_id].config_epoch
        yield (
            Severity.CRITICAL,
            (
                f"Both {node.address} and {owner} take themselves for the owner of slots {slots_text(lost, 3)}: "
                f"{owner} is right, by the higher config-epoch; what {node.address} takes there will be lost."
            ),
            tuple(address for address in (owner, node.address) if address),
            (
                Evidence(f"node {owner} CLUSTER NODES", f"config-epoch {epoch}"),
                Evidence(
                    f"node {node.address} CLUSTER NODES", f"config-epoch {view.me.config_epoch if view.me else 0}"
                ),
            ),
        )


def _not_owned(facts: ClusterFacts, node_id: str, slots: SlotRange) -> Iterator[SlotRange]:
    """Those of these slots that another node owns."""
    return (owned for owner, owned in facts.shards.owned_in(slots) if owner not in (None, node_id))


def _stale(facts: ClusterFacts) -> Iterator[Problem]:
    """Tables that name another owner of slots than itself and than whom the highest config-epoch names."""
    wrong: dict[str, set[Address]] = {}
    own = {node.address: view.my_id for node, view in facts.shards.views}
    for claim in facts.shards.claims:
        if any(_not_owned(facts, claim.owner_id, claim.slots)):
            tellers = {who for who in claim.told_by if own[who] != claim.owner_id}
            if tellers:
                wrong.setdefault(claim.owner_id, set()).update(tellers)
    for owner_id, tellers in wrong.items():
        told = tuple(sorted(tellers))
        yield (
            Severity.WARNING,
            (
                f"{count(len(told), 'node')} still {'sends' if len(told) == 1 else 'send'} clients to "
                f"{facts.shards.addresses.get(owner_id)} for slots that another node owns by its higher config-epoch."
            ),
            told,
            (told_by(told, f"{facts.shards.addresses.get(owner_id)} owns slots that it has lost"),),
        )


def _disowned(facts: ClusterFacts) -> Iterator[Problem]:
    """Whom the others take for the owner of slots, and who does not itself: clients are sent there in vain."""
    for part in facts.parts:
        node = part.master
        own = node.cluster.me if node and node.cluster else None
        if node is None or own is None or (node.is_master and own.is_master and own.slots == part.shard.slots):
            continue
        kept = {slot for first, last in own.slots for slot in range(first, last + 1)}
        lost = any(slot not in kept for first, last in part.shard.slots for slot in range(first, last + 1))
        if lost or not (node.is_master and own.is_master):
            said = f"role {node.info.role}, slots {slots_text(own.slots) or 'none'}" if node.info else "no answer"
            yield (
                Severity.CRITICAL,
                (
                    f"Others send clients to {node.address} for slots {slots_text(part.shard.slots, 3)}, and "
                    "it does not take itself for their owner."
                ),
                (node.address,),
                (Evidence(f"node {node.address} CLUSTER NODES", said), *(voice.evidence for voice in part.electors)),
            )


def _one_epoch(facts: ClusterFacts) -> Iterator[Problem]:
    owners: dict[int, list[Address]] = {}
    for shard in facts.shards.shards:
        if shard.master is not None:
            owners.setdefault(shard.config_epoch, []).append(shard.master)
    for epoch, masters in owners.items():
        if len(masters) > 1:
            yield (
                Severity.WARNING,
                (
                    f"{len(masters)} masters are at one config-epoch, {epoch}: should they claim one slot, nothing "
                    "would tell who is right."
                ),
                tuple(masters),
                tuple(Evidence(f"node {master} CLUSTER NODES", f"config-epoch {epoch}") for master in masters[:5]),
            )


def _unknown(facts: ClusterFacts) -> Iterator[Problem]:
    """Who of those who told us does not know a node that another one knows."""
    for node_id, address in sorted(facts.shards.addresses.items(), key=lambda item: item[1]):
        ignorant = sorted(who for rows, tellers in facts.shards.rows if node_id not in rows for who in tellers)
        if ignorant:
            named = ", ".join(map(str, ignorant[:3]))
            more = f" and {len(ignorant) - 3} more" if len(ignorant) > 3 else ""
            yield (
                Severity.WARNING,
                (
                    f"{named}{more} {'does' if len(ignorant) == 1 else 'do'} not know {address}, which others know: it "
                    "was forgotten there, or has not been heard of yet."
                ),
                (address, *ignorant),
                (told_by(ignorant, f"nothing of {address}"),),
            )


def _not_yet(facts: ClusterFacts) -> Iterator[Problem]:
    joining = {one.address: who for members, who in facts.shards.tables for one in members if one.joining}
    for address, who in joining.items():
        yield (
            Severity.INFO,
            f"{who[0]} waits to shake hands with {address}: a node is being met, or cannot be reached on its bus port.",
            tuple(one for one in (address,) if one is not None),
            (told_by(who, f"flags handshake on {address}"),),
        )
    lost = sorted(one.id for one in facts.shards.members.values() if one.id not in facts.shards.addresses)
    if lost:
        yield (
            Severity.INFO,
            f"Nobody knows the address of {count(len(lost), 'node')} any more: CLUSTER FORGET removes what is gone.",
            (),
            tuple(Evidence("CLUSTER NODES", f"flags noaddr on {node_id}") for node_id in lost[:5]),
        )


def _failed(facts: ClusterFacts) -> Iterator[Problem]:
    return _flagged(facts, "fail")


def _suspected(facts: ClusterFacts) -> Iterator[Problem]:
    return _flagged(facts, "fail?")


def _flagged(facts: ClusterFacts, flag: str) -> Iterator[Problem]:
    """Nodes that answer us, and that others flag so; what the same nodes say of several is told once.

    A link that is down for a moment is no flag. Of a master that most of the masters do not reach another finding says
    more.
    """
    doubted = {one.id for members, _ in facts.shards.tables for one in members if flag in one.flags}
    if not doubted:  # As a rule: what each of a thousand nodes says of each is not gone through then.
        return
    told = {
        part.shard.master
        for part in facts.parts
        if part.master is not None and part.master.is_master and majority_says_no(part, part.electors)
    }
    by_tellers: dict[tuple[Address, ...], list[Address]] = {}
    for node, view in facts.shards.views:
        said = facts.shards.said_of(view.my_id) if view.my_id in doubted else ()
        tellers = tuple(sorted(who for member, each in said if flag in member.flags for who in each))
        if tellers and node.address not in told:
            by_tellers.setdefault(tellers, []).append(node.address)
    for tellers, flagged in by_tellers.items():
        who = f"{count(len(tellers), 'node')} {'flags' if len(tellers) == 1 else 'flag'}"
        named = ", ".join(map(str, flagged[:3])) + (f" and {len(flagged) - 3} more" if len(flagged) > 3 else "")
        answers, back = ("it answers", "it is") if len(flagged) == 1 else ("they answer", "they are")
        yield (
            Severity.WARNING,
            (
                f"{who} {named} {flag}, though {answers} us: {back} just back, or not reached on the cluster's bus: "
                "look at the bus port."
            ),
            tuple(flagged),
            tuple(told_by(tellers, f"flags {flag} on {address}") for address in flagged[:5]),
        )


_CHECKS: tuple[Callable[[ClusterFacts], Iterator[Problem]], ...] = (
    _strangers,
    _two_owners,
    _stale,
    _disowned,
    _one_epoch,
    _unknown,
    _failed,
    _suspected,
    _not_yet,
)

_COULD_CHANGE = frozenset({_two_owners, _stale, _not_yet})
"""Those against which a silent node could speak: it may know of a higher config-epoch, or of an address."""
