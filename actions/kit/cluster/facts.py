"""A cluster as the rules see it: as a whole, and each shard as one master with its replicas. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from actions.kit.cluster.shards import Shard, Shards, slots_text
from actions.kit.cluster.view import Member
from actions.kit.diagnosis.facts import Facts, count, flags_of
from actions.kit.diagnosis.master import nobody_reaches
from actions.kit.diagnosis.voice import Reach, Voice
from actions.kit.diagnosis.voices import voices
from actions.kit.findings import Evidence
from actions.kit.heirs import best_heir
from actions.kit.snapshot import NodeView, Reason, Snapshot
from actions.kit.topology import Address, Kind

NODE_TIMEOUT_MS = 15_000
"""Redis' own default of cluster-node-timeout, where that may not be read."""
ELECTION_MS = 5_000
"""A vote takes a second or two after the node time-out; a second one, where the first got no majority, twice that."""


class ClusterFacts(Facts):
    """One snapshot of a cluster. It has no one master; its ``parts`` do."""

    def __init__(self, snapshot: Snapshot, earlier: Snapshot | None = None) -> None:
        super().__init__(snapshot, earlier)
        self.shards = Shards(snapshot)

    @cached_property
    def master_address(self) -> Address | None:
        """Nobody: each shard has its own."""
        return None

    @cached_property
    def parts(self) -> Sequence[ShardFacts]:
        """Each shard."""
        return tuple(ShardFacts(self, shard) for shard in self.shards.shards)

    @cached_property
    def lost(self) -> tuple[ShardFacts, ...]:
        """The shards whose master nobody reaches."""
        return tuple(part for part in self.parts if part.is_lost)

    @cached_property
    def answering_masters(self) -> frozenset[Address]:
        """The owners of slots that told us how they see the cluster: their word is that of who votes."""
        owners = {shard.master for shard in self.shards.shards}
        return frozenset(node.address for node, _ in self.shards.views if node.address in owners)

    def heard_of(self, replica: Address) -> tuple[Voice, ...]:
        """What all other nodes have in their tables for this one, whatever its role."""
        return self.said_of(self.shards.ids.get(replica, ""))

    def said_of(self, node_id: str, among: frozenset[Address] | None = None) -> tuple[Voice, ...]:
        """What others, of these, have in their tables for this node; those who agree have one voice of many votes."""
        return tuple(
            Voice(len(who), reach_in_table(member), told_by(who, f"{flags_in_table(member)} on {member.address}"))
            for member, who in self.shards.said_of(node_id, among)
        )

    @cached_property
    def silent(self) -> frozenset[Address]:
        """The nodes that did not tell how they see the cluster, and may be there all the same."""
        return frozenset(
            node.address
            for node in self.snapshot.nodes
            if node.cluster is None and (node.unasked is None or node.unasked.reason is not Reason.REFUSED)
        )

    @property
    def promotion_lines(self) -> tuple[str, ...]:
        """None: the nodes are in charge."""
        return ()

    def leads(self, node: NodeView) -> bool:
        """It owns slots, or says that it is a master."""
        shard = self.shards.shard_of(node.address)
        return node.is_master or (shard is not None and shard.master == node.address)

    def failover_lines(self, node: NodeView, to: Address | None = None) -> tuple[str, ...]:
        """To the replica of its shard that has most; nothing where it has no plan."""
        shard = self.shards.shard_of(node.address)
        views = (self.nodes.get(replica) for replica in (shard.replicas if shard else ()))
        linked = [one for one in views if one and one.info and one.info.link and one.info.link.up]
        best = max(linked, key=lambda one: (one.info.offset if one.info else 0, one.address), default=None)
        heir = to or (best.address if best else None)
        if shard is None or heir is None or not node.is_master or any(self._against(shard, heir)):
            return ()
        return (f"failover {self.snapshot.target} --to {heir}",)

    def _against(self, shard: Shard, heir: Address) -> Iterator[str]:
        from actions.kit.cluster.candidates import Candidates  # noqa: PLC0415 -- What plans is made from facts.
        from actions.kit.cluster.refusals import not_now, shard_not_now  # noqa: PLC0415 -- As above.
        from actions.kit.failing_over import why_not  # noqa: PLC0415 -- As above.

        if self.snapshot.kind is Kind.ELASTICACHE:
            yield from why_not(self.snapshot, heir)
            return
        yield from not_now(self.snapshot, self.shards)
        yield from shard_not_now(self.snapshot, self.shards, shard)
        yield from Candidates(self.snapshot, self.shards, shard, None).refusals(heir)


class ShardFacts(Facts):
    """One shard as the rules about a master and its replicas see it; who votes are the other masters."""

    voters = "other master"
    watchers = "other node"

    def __init__(self, whole: ClusterFacts, shard: Shard) -> None:
        places = (shard.master, *shard.replicas)
        nodes = tuple(whole.nodes[place] for place in places if place is not None and place in whole.nodes)
        super().__init__(replace(whole.snapshot, nodes=nodes), whole.before)
        self._whole, self.shard = whole, shard

    @property
    def whole(self) -> ClusterFacts:
        """The cluster."""
        return self._whole

    @cached_property
    def nodes_before(self) -> dict[Address, NodeView]:
        """Those of the whole cluster, put in order once for all shards."""
        return self.whole.nodes_before

    @cached_property
    def agreed(self) -> Address | None:
        """The owner of its slots."""
        return self.shard.master

    @cached_property
    def master_address(self) -> Address | None:
        """The owner of its slots; ``None`` where nobody knows its address."""
        return self.shard.master

    @cached_property
    def electorate(self) -> int:
        """How many masters own slots."""
        return len(self.whole.shards.shards)

    @property
    def title(self) -> str:
        """With its slots."""
        return f"master {self.master_address} of slots {slots_text(self.shard.slots, 3)}"

    @cached_property
    def all_voters_answered(self) -> bool:
        """Every other master told us."""
        return len(self.whole.answering_masters - {self.shard.master}) == self.electorate - 1

    @cached_property
    def sure_of_master(self) -> bool:
        """A majority of the masters told us, and whoever of the shard is silent is not there."""
        heard = len(self.whole.answering_masters) * 2 > self.electorate
        return heard and all(node.unasked is None or node.unasked.reason is Reason.REFUSED for node in self.others)

    @cached_property
    def electors(self) -> tuple[Voice, ...]:
        """What the other masters have in their tables for this one."""
        return self.whole.said_of(self.shard.master_id, self.whole.answering_masters)

    @property
    def called_down(self) -> bool:
        """One of the masters that answered flags it ``fail`` or ``fail?``."""
        said = self.whole.shards.said_of(self.shard.master_id, self.whole.answering_masters)
        return any(member.failed or member.suspected for member, _ in said)

    def heard_of(self, replica: Address) -> tuple[Voice, ...]:
        """What all other nodes have in their tables for it."""
        return self.whole.heard_of(replica)

    def nobody_else_could_tell(self, replica: Address) -> bool:
        """Every other node of the cluster told what it has in its table."""
        return self.whole.silent <= {replica}

    @cached_property
    def given_up_by(self) -> tuple[Evidence, ...]:
        """Who flags its master FAIL, which takes a majority of the masters and is then told to all."""
        said = self.whole.shards.said_of(self.shard.master_id)
        return tuple(told_by(who, f"flags fail on {member.address}") for member, who in said if member.failed)

    @cached_property
    def electable(self) -> tuple[NodeView, ...]:
        """The replicas of a lost master that the other masters may be voting in now, or are about to."""
        majority = len(self.whole.lost) * 2 < self.electorate
        return tuple(filter(_may_be_elected, self.others)) if majority and self.is_lost and self.given_up_by else ()

    @property
    def promotion_lines(self) -> tuple[str, ...]:
        """By whose hand a replica takes over from a lost master where the cluster does not do it by itself."""
        alive = any(voice.reach is Reach.YES for voice in self.whole.said_of(self.shard.master_id, None))
        heir = best_heir(replace(self.snapshot, nodes=self.others)) if self.is_lost and not alive else None
        majority = len(self.whole.answering_masters) * 2 > self.electorate
        if heir is None or (majority and (self.electable or not self.given_up_by)):
            return ()
        return (f"{'promote' if majority else 'takeover'} {self.snapshot.target} --to {heir.address}",)

    @cached_property
    def is_lost(self) -> bool:
        """Nobody reaches its master, or knows where it is."""
        return self.shard.master is None or (self.silent_master is not None and nobody_reaches(self, voices(self)))

    @cached_property
    def live_replicas(self) -> tuple[Address, ...]:
        """Those that answer, and those that only others reach."""
        return tuple(
            node.address
            for node in self.others
            if node.info is not None or any(voice.reach is Reach.YES for voice in self.heard_of(node.address))
        )


def told_by(who: Sequence[Address], observation: str) -> Evidence:
    """What one node, or several alike, have in their table."""
    return Evidence(f"{f'node {who[0]}' if len(who) == 1 else count(len(who), 'node')} CLUSTER NODES", observation)


def _may_be_elected(node: NodeView) -> bool:
    """It lost its link no longer ago than a vote can take, has its data, and is not kept from taking over."""
    link = node.info.link if node.info else None
    mine = node.cluster.me if node.cluster else None
    if link is None or link.up or link.sync_in_progress or mine is None or "nofailover" in mine.flags:
        return False
    timeout_ms = node.config.cluster_node_timeout_ms if node.config else None
    return (link.down_since_s or 0) * 1000 <= 2 * (timeout_ms or NODE_TIMEOUT_MS) + ELECTION_MS


def reach_in_table(member: Member) -> Reach:
    """Whether who has this line in its table reaches the node."""
    return Reach.NO if member.failed or member.suspected or not member.link_up else Reach.YES


def flags_in_table(member: Member) -> str:
    """The flags of a line of CLUSTER NODES, in words."""
    return flags_of(member.flags if member.link_up else {*member.flags, "disconnected"})
