"""Which replica of a shard could become its master, which one should, and why not each other one. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.candidates import Choice
from actions.kit.cluster.agreement import doubters, voters
from actions.kit.cluster.shards import Shard, Shards
from actions.kit.fencing import fence_left
from actions.kit.plan import Rejected
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address


class Candidates:
    """The replicas of one shard.

    Args:
        snapshot: as seen now.
        shards: the same, added up.
        shard: whose master is to be another one.
        avoid: a host on which the new master must not be.
    """

    def __init__(self, snapshot: Snapshot, shards: Shards, shard: Shard, avoid: str | None = None) -> None:
        self._snapshot, self._shards, self._shard, self._avoid = snapshot, shards, shard, avoid
        self._master = snapshot.node(shard.master)

    def refusals(self, wanted: Address | None) -> tuple[str, ...]:
        """Why there is no candidate, or why the wanted one cannot be it; nothing where there is one."""
        if wanted is not None:
            node = self._snapshot.node(wanted)
            reasons = self.why_not(node) if node else (f"it is not a node of {self._snapshot.target}",)
            return (f"{wanted} cannot take over: {'; '.join(reasons)}.",) if reasons else ()
        if any(not self.why_not(node) for node in self._replicas()):
            return ()
        each = [f"{node.address}: {'; '.join(self.why_not(node))}." for node in self._replicas()]
        return (f"No replica can take over from {self._shard.master}.", *(each or ["It has none."]))

    def choose(self, wanted: Address | None) -> Choice:
        """The wanted candidate, else the best: the master's version, no flag against it, few masters beside it.

        The lag does not decide: within the limit the plan waits for every byte, and an order by lag would change from
        one look to the next.

        Raises:
            ValueError: nobody is eligible; ``refusals`` says so before.
        """
        eligible = sorted((node for node in self._replicas() if not self.why_not(node)), key=self._rank)
        eligible.sort(key=lambda node: wanted is not None and node.address != wanted)
        best = eligible[0]
        chosen = "was asked for" if wanted else "is the best candidate" if eligible[1:] else "is the only candidate"
        why = f"{best.address} {chosen}: link up, {self._snapshot.lag_bytes(best)} bytes behind."
        rejected = [Rejected(node.address, self._second(best, node, wanted)) for node in eligible[1:]]
        rejected += [
            Rejected(node.address, "; ".join(reasons)) for node in self._replicas() if (reasons := self.why_not(node))
        ]
        return Choice(best, why, tuple(sorted(rejected, key=lambda one: one.node)))

    def why_not(self, node: NodeView) -> tuple[str, ...]:
        """Every reason why this node cannot become the master of the shard; empty where it can."""
        if node.info is None:
            return (f"it does not answer ({node.unasked.why if node.unasked else 'no reason known'})",)
        if node.address == self._shard.master:
            return ("it is the master of this shard already",)
        if node.is_master:
            return ("it is a master itself",)
        if node.address not in self._shard.replicas:
            other = self._shards.shard_of(node.address)
            return (f"it is a replica of another shard, that of {other.master}" if other else "it is in no shard",)
        return tuple(self._of_replica(node))

    def _of_replica(self, node: NodeView) -> Iterator[str]:
        info = node.info
        if info is None:
            return
        if self._avoid is not None and node.address.host == self._avoid:
            yield f"it is on {self._avoid} too"
        if info.loading:
            yield "it is loading its data"
        if info.link is None or info.link.master != self._shard.master:
            yield f"it follows {info.link.master if info.link else 'nobody'}, not the master"
        elif info.link.sync_in_progress:
            yield "it is in a full sync"
        elif not info.link.up:
            yield "its link to the master is down"
        if node.cluster is not None and not node.cluster.ok:
            yield "its cluster_state is fail"
        if fence_left(node):
            yield "it holds the fence of an earlier failover, and would refuse all writes as master"
        yield from self._lag(node)
        yield from self._others_say(node)

    def _lag(self, node: NodeView) -> Iterator[str]:
        lag, most = self._snapshot.lag_bytes(node), self._snapshot.limits.max_lag_bytes
        if lag is None:
            yield "its lag cannot be told"
        elif lag > most:
            yield f"it is {lag} bytes behind, more than the limit of {most}"

    def _others_say(self, node: NodeView) -> Iterator[str]:
        """What those who would have to vote say against it."""
        node_id = self._shards.ids.get(node.address, "")
        who = sorted(set(doubters(self._shards, node_id)) & set(voters(self._shards)))
        if who:
            yield f"{', '.join(map(str, who))} does not reach it"

    def _replicas(self) -> tuple[NodeView, ...]:
        found = (self._snapshot.node(address) for address in self._shard.replicas)
        return tuple(node for node in found if node is not None)

    def _rank(self, node: NodeView) -> tuple[bool, bool, int, Address]:
        return self._other_version(node), self._held_back(node), self._masters_beside(node), node.address

    def _other_version(self, node: NodeView) -> bool:
        """A replica of another version may not understand what the old master would have to follow."""
        ours, theirs = node.info, self._master.info if self._master else None
        return ours is not None and theirs is not None and ours.version != theirs.version

    def _held_back(self, node: NodeView) -> bool:
        """``cluster-replica-no-failover``: somebody meant it not to be master; the command takes it all the same."""
        member = self._shards.members.get(self._shards.ids.get(node.address, ""))
        return member is not None and "nofailover" in member.flags

    def _masters_beside(self, node: NodeView) -> int:
        masters = (shard.master for shard in self._shards.shards if shard.master != self._shard.master)
        return sum(master is not None and master.host == node.address.host for master in masters)

    def _second(self, best: NodeView, node: NodeView, wanted: Address | None) -> str:
        could = "it could take over too, but "
        if wanted is not None:
            return f"{could}was not asked for"
        if self._other_version(node) != self._other_version(best):
            return f"{could}runs another version than the master"
        if self._held_back(node) != self._held_back(best):
            return f"{could}has cluster-replica-no-failover"
        if (beside := self._masters_beside(node)) != self._masters_beside(best):
            return f"{could}its host has {beside} other masters"
        return "it could take over as well; the first by address is taken"
