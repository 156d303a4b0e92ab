"""What several rules want to know of one snapshot, each worked out once. No I/O here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from actions.kit.diagnosis.voice import Reach, Voice
from actions.kit.elasticache.words import AVAILABLE
from actions.kit.findings import Confidence, Evidence
from actions.kit.heirs import best_heir
from actions.kit.replication_refusals import others_in_charge
from actions.kit.sentinels_gone import still_in_charge
from actions.kit.snapshot import MonitoredMaster, NodeView, Reason, SentinelReplica, SentinelView, Snapshot, Unasked
from actions.kit.topology import Address, Kind

if TYPE_CHECKING:
    from actions.kit.elasticache.views import GroupView

ACCESS = frozenset({Reason.NOAUTH, Reason.WRONGPASS, Reason.NOPERM, Reason.DENIED})
"""It is there, and does not let us in: this says nothing of its health."""
EXPLAINED = ACCESS | {Reason.TLS, Reason.LOADING, Reason.BUSY, Reason.MAXCLIENTS, Reason.UNKNOWN_MASTER}
"""Reasons that have a finding of their own; all others are silence."""
SOMEBODY = frozenset({Reason.GARBAGE, Reason.REFUSED_COMMAND})
"""Something answers there, and is not understood: that proves nothing of who should be there."""
DOWN_FLAGS = frozenset({"s_down", "o_down", "disconnected"})
"""Sentinel's flags of somebody that it does not reach at the moment."""
CONNECTING_MS = 1_500
"""A Sentinel tries to connect once a second."""


class Facts:
    """One snapshot as the rules see it.

    Args:
        snapshot: what is judged.
        earlier: an earlier snapshot of the same target, for what only growth can tell.
    """

    def __init__(self, snapshot: Snapshot, earlier: Snapshot | None = None) -> None:
        self.snapshot = snapshot
        self.before = earlier

    def earlier(self, node: NodeView) -> NodeView | None:
        """The same node in the earlier snapshot; ``None`` where there is none, or it restarted in between."""
        before = self.nodes_before.get(node.address)
        if before is None or before.info is None or node.info is None or before.info.run_id != node.info.run_id:
            return None
        return before

    @cached_property
    def nodes_before(self) -> dict[Address, NodeView]:
        """The nodes of the earlier snapshot by their address."""
        return {node.address: node for node in self.before.nodes} if self.before else {}

    @property
    def has_sentinels(self) -> bool:
        """Sentinels are in charge of the roles."""
        return self.snapshot.kind is Kind.SENTINEL

    @property
    def in_cluster(self) -> bool:
        """The nodes vote themselves, and each shard has a master of its own."""
        return self.snapshot.in_cluster

    @cached_property
    def is_unnoticed_cluster(self) -> bool:
        """The nodes run in cluster mode, each shard with a master of its own, and the settings call it otherwise."""
        clustered = [node for node in self.masters if node.info and node.info.cluster_enabled]
        return not self.in_cluster and len(clustered) > 1

    @property
    def group(self) -> GroupView | None:
        """What AWS says, of a target that is AWS's."""
        return self.snapshot.group

    @property
    def silent_aws(self) -> Unasked | None:
        """Why AWS did not say how the group is, where it is AWS's."""
        return self.group.unasked if self.group else None

    @property
    def silent_kubernetes(self) -> Unasked | None:
        """Why Kubernetes did not say which pods there are, where they are in its hands."""
        return self.snapshot.kubernetes.unasked if self.snapshot.kubernetes else None

    @property
    def parts(self) -> Sequence[Facts]:
        """The groups of one master and its replicas: this one; of a cluster its shards."""
        return (self,)

    @property
    def whole(self) -> Facts:
        """All that there is; of a shard its cluster."""
        return self

    voters: str = "Sentinel"
    """Who votes on a failover, in a word."""

    watchers: str = "Sentinel"
    """Who tells in ``heard_of`` whether a replica is reached, in a word."""

    @property
    def title(self) -> str:
        """The node that should be master, as sentences call it."""
        return f"master {self.master_address}"

    @cached_property
    def agreed(self) -> Address | None:
        """``Snapshot.agreed_master``, worked out once."""
        return self.snapshot.agreed_master

    @cached_property
    def electorate(self) -> int:
        """``Snapshot.electorate``, worked out once."""
        return self.snapshot.electorate

    @cached_property
    def nodes(self) -> dict[Address, NodeView]:
        """The nodes by their address."""
        return {node.address: node for node in self.snapshot.nodes}

    def known_as(self, address: Address) -> Address:
        """What the process behind an address is called here, by whichever of its names it was named."""
        node = None if address in self.nodes else self.snapshot.node(address)
        return node.address if node is not None else address

    @cached_property
    def opinions(self) -> tuple[tuple[SentinelView, MonitoredMaster], ...]:
        """The Sentinels that answered and know our master's name, and what they say of it."""
        return tuple((view, view.master) for view in self.snapshot.sentinels if view.master is not None)

    @cached_property
    def roles_undecided(self) -> bool:
        """A Sentinel fails over, and nobody knows a newer config-epoch than it yet: whom they name may be replaced.

        From the first newer epoch on they name who was promoted, though the failover goes on for seconds. AWS, while it
        is at work on a group, says nothing that lasts.
        """
        if self.group is not None and self.group.status not in (AVAILABLE, ""):
            return True
        newest = max((master.config_epoch for _, master in self.opinions), default=-1)
        return any("failover_in_progress" in one.flags and one.config_epoch == newest for _, one in self.opinions)

    @cached_property
    def masters(self) -> tuple[NodeView, ...]:
        """The nodes that say they are masters, each process once, though it may be known by two addresses."""
        seen: dict[str, NodeView] = {}
        for node in self.snapshot.masters:
            identity = (node.info.run_id if node.info else "") or str(node.address)
            if identity not in seen or node.address == self.agreed:
                seen[identity] = node
        return tuple(seen.values())

    @cached_property
    def master_address(self) -> Address | None:
        """Who should be master: whom the Sentinels agree on, else the only one there is, else whom the replicas follow.

        ``None`` where these name several or none.
        """
        if self.agreed is not None:
            return self.agreed
        if self.masters:
            return self.masters[0].address if len(self.masters) == 1 else None
        named = {master.address for _, master in self.opinions}
        return named.pop() if len(named) == 1 else self._followed

    @cached_property
    def _followed(self) -> Address | None:
        """The node that most replicas follow, those left out that answer as replicas themselves."""
        chained = {node.address for node in self.snapshot.nodes if node.is_replica}
        links = (node.info.link for node in self.snapshot.nodes if node.info)
        ranking = Counter(link.master for link in links if link and link.master not in chained).most_common(2)
        if not ranking or (len(ranking) == 2 and ranking[0][1] == ranking[1][1]):
            return None
        return ranking[0][0]

    @cached_property
    def master(self) -> NodeView | None:
        """The view of the node that should be master."""
        return self.nodes.get(self.master_address) if self.master_address else None

    @cached_property
    def silent_master(self) -> tuple[NodeView, Unasked] | None:
        """The node that should be master, where it gave us nothing: not even a refusal to let us in."""
        node = self.master
        if node is None or node.unasked is None or node.unasked.reason in EXPLAINED:
            return None
        return node, node.unasked

    @cached_property
    def others(self) -> tuple[NodeView, ...]:
        """All nodes but the one that should be master, under whatever address."""
        info = self.master.info if self.master else None
        run_id = info.run_id if info else ""
        return tuple(
            node
            for node in self.snapshot.nodes
            if node.address != self.master_address and not (run_id and node.info and node.info.run_id == run_id)
        )

    @cached_property
    def all_voters_answered(self) -> bool:
        """Everybody who votes, Sentinels that only a peer knows of included, told us of our master."""
        return len(self.opinions) >= self.electorate

    @cached_property
    def electors(self) -> tuple[Voice, ...]:
        """What everybody who votes, and answered, says of the node that should be master."""
        said = ((view, master) for view, master in self.opinions if master.address == self.master_address)
        return tuple(
            Voice(1, Reach.UNSAID, of_sentinel(view, "is in TILT"))
            if view.tilt
            else Voice(1, _reach(master.flags), of_sentinel(view, flags_of(master.flags)))
            for view, master in said
        )

    @property
    def called_down(self) -> bool:
        """One of those who vote holds the node that should be master to be down, and is not about to connect."""
        return any(is_lost(said) for _, said in self.opinions if said.address == self.master_address)

    def nobody_else_could_tell(self, _replica: Address) -> bool:
        """Everybody who watches this replica answered; of Sentinels ``sure_of_master`` says so already."""
        return True

    def heard_of(self, replica: Address) -> tuple[Voice, ...]:
        """What everybody who watches a replica, and answered, says of it."""
        return tuple(
            Voice(1, _reach(one.flags), of_sentinel(view, f"{flags_of(one.flags)} on {replica}"))
            for view, one in self.sentinel_replicas.get(replica, ())
        )

    @cached_property
    def all_others_answered(self) -> bool:
        """Every node but the one that should be master gave INFO."""
        return all(node.info is not None for node in self.others)

    @cached_property
    def sure_of_master(self) -> bool:
        """Nobody who did not answer could name another master: all did, or nothing listens where they were."""
        if self.has_sentinels:
            views: tuple[NodeView | SentinelView, ...] = self.snapshot.sentinels
            answering = self.agreed is not None and len(views) >= self.electorate
        else:
            views, answering = self.others, self.master_address is not None
        return answering and all(view.unasked is None or view.unasked.reason is Reason.REFUSED for view in views)

    @cached_property
    def sentinel_replicas(self) -> dict[Address, tuple[tuple[SentinelView, SentinelReplica], ...]]:
        """By replica: what each Sentinel says of it."""
        said: dict[Address, list[tuple[SentinelView, SentinelReplica]]] = {}
        for view, master in self.opinions:
            for replica in master.replicas:
                said.setdefault(replica.address, []).append((view, replica))
        return {address: tuple(entries) for address, entries in said.items()}

    @cached_property
    def attached(self) -> dict[Address, tuple[str, int]]:
        """The replicas that the master has attached: their state, and seconds since they acknowledged."""
        info = self.master.info if self.master else None
        return {one.address: (one.state, one.lag_s) for one in info.replicas} if info else {}

    @cached_property
    def followers(self) -> dict[Address, tuple[NodeView, ...]]:
        """By node: those that say that they follow it."""
        said: dict[Address, list[NodeView]] = {}
        for node in self.snapshot.nodes:
            if node.info is not None and node.info.link is not None:
                said.setdefault(node.info.link.master, []).append(node)
        return {address: tuple(nodes) for address, nodes in said.items()}

    def lag_bytes(self, node: NodeView) -> int | None:
        """How far behind the master; ``None`` where one did not say, or their offsets are of different histories."""
        info = self.master.info if self.master else None
        if info is None or node.info is None or not node.is_replica or node.info.replid != info.replid:
            return None
        return max(0, info.offset - node.info.offset)

    def leads(self, node: NodeView) -> bool:
        """It should be a master, or says that it is one."""
        return node.address == self.master_address or node.is_master

    @property
    def promotion_lines(self) -> tuple[str, ...]:
        """The action line that promotes the best replica by hand, where nobody is in charge, or not any more."""
        if self.snapshot.kind not in {Kind.SENTINEL, Kind.REPLICATION}:
            return ()
        others = still_in_charge if self.has_sentinels else others_in_charge
        heir = None if any(others(self.snapshot)) else best_heir(self.snapshot)
        return (f"promote {self.snapshot.target} --to {heir.address}",) if heir else ()

    def failover_lines(self, node: NodeView, to: Address | None = None) -> tuple[str, ...]:
        """The action line by which another takes over from this master, which answers; nothing where it has no plan."""
        from actions.kit.failing_over import why_not  # noqa: PLC0415 -- Its steps and plans are made from facts.

        if not node.is_master or why_not(self.snapshot, to):
            return ()
        return (f"failover {self.snapshot.target} --to {to}",) if to else self.lines("failover")

    def tune_lines(self, setting: str) -> tuple[str, ...]:
        """The action line that sets this, as it is typed; nothing where it has no plan."""
        from actions.kit.kubernetes.refusals import not_from_here  # noqa: PLC0415 -- Its plans are made from facts.
        from actions.kit.unsettled import unsettled  # noqa: PLC0415 -- As above.

        snapshot = self.whole.snapshot
        if self.group is not None or any(not_from_here(snapshot)) or any(unsettled(snapshot)):
            return ()
        return (f"tune {self.snapshot.target} {setting}",)

    def lines(self, *actions: str) -> tuple[str, ...]:
        """Action lines for this target."""
        return tuple(f"{action} {self.snapshot.target}" for action in actions)


def is_lost(said: MonitoredMaster | SentinelReplica) -> bool:
    """A Sentinel does not reach somebody, and is not only about to connect, as it is to all after a failover."""
    connecting = said.known_ms is None or said.known_ms <= CONNECTING_MS
    return bool(said.flags & (DOWN_FLAGS - {"disconnected"} if connecting else DOWN_FLAGS))


def _reach(flags: frozenset[str]) -> Reach:
    return Reach.NO if flags & DOWN_FLAGS else Reach.YES


def confident(*, complete: bool, conflict: bool = False) -> Confidence:
    """Undetermined on conflict; certain only where all that could contradict answered."""
    if conflict:
        return Confidence.UNDETERMINED
    return Confidence.CERTAIN if complete else Confidence.LIKELY


def no_answer(unasked: Unasked) -> Evidence:
    """That one vantage point did not answer us."""
    return Evidence(unasked.source, f"{unasked.reason}: {unasked.why}")


def silent_words(who: str, kind: str, unasked: Unasked, *, reached: str) -> str:
    """What one that gave us nothing of use is said to be; ``reached``: by whom it is reached all the same, in words."""
    if unasked.reason in SOMEBODY:
        return f"{who} answers, but not as a {kind} does: {unasked.why}. Check its address in the settings."
    if not reached:
        return f"{who} is down: it does not answer ({unasked.reason})."
    if unasked.reason is Reason.TIMED_OUT:
        return (
            f"{who} does not answer us in time, but is reached by {reached}: it hangs since a moment ago, or the way "
            "from here is at fault. Look again in a few seconds."
        )
    return f"{who} does not answer us ({unasked.reason}), but is reached by {reached}: look at the way from here."


def of_node(node: NodeView, observation: str) -> Evidence:
    """What a node says of itself."""
    return Evidence(f"node {node.address} INFO", observation)


def of_sentinel(view: SentinelView, observation: str) -> Evidence:
    """What a Sentinel says."""
    return Evidence(f"sentinel {view.address}", observation)


def flags_of(flags: Iterable[str]) -> str:
    """Flags as Sentinel prints them, in a fixed order."""
    return "flags " + ",".join(sorted(flags))


def count(number: int, noun: str) -> str:
    """A number and its noun: ``1 replica``, ``3 replicas``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
