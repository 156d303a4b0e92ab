"""Whether a group is as it should be: by AWS, by its nodes, and by a write. No I/O here but through Hands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from actions.kit.cluster.keys import tag_in
from actions.kit.cluster.view import SlotRange
from actions.kit.elasticache.events import open_tests
from actions.kit.elasticache.moving import Move
from actions.kit.elasticache.views import GroupView, NodeGroupView
from actions.kit.elasticache.words import AVAILABLE
from actions.kit.plan import Held, Step
from actions.kit.ports import Hands, ProbeResult
from actions.kit.proof import Check, prove
from actions.kit.snapshot import Snapshot
from actions.kit.steps import until
from actions.kit.topology import Address


def group_checks(snapshot: Snapshot) -> Iterator[Check]:
    """What AWS says, and that the nodes say the same."""
    group = snapshot.group
    if group is None:
        return
    title = f"AWS has {group.name} at rest"
    if group.unasked is not None:
        yield Check(title, ok=False, observation=f"AWS did not say: {group.unasked.why}")
        return
    yield Check(title, ok=group.status == AVAILABLE, observation=f"status {group.status}")
    yield _members(group)
    if not group.cluster_mode:
        yield from (_primary(snapshot, shard) for shard in group.node_groups)
    if group.tests_in_region is not None:
        open_ = [f"{one.at:%H:%M:%S} {one.message}" for one in open_tests(group.events)]
        seen = "; ".join(open_) or "none of the last 24 hours is open"
        yield Check("AWS's events tell of the end of each TestFailover", ok=not open_, observation=seen)


def shard_checks(snapshot: Snapshot, addresses: tuple[Address, ...], master: Address) -> tuple[Check, ...]:
    """As ``prove``, of the nodes of one shard alone."""
    return prove(of_shard(snapshot, addresses), master, addresses)


def of_shard(snapshot: Snapshot, addresses: tuple[Address, ...]) -> Snapshot:
    """The same picture of these nodes alone."""
    wanted = {node.address for node in map(snapshot.node, addresses) if node is not None}
    return replace(snapshot, nodes=tuple(node for node in snapshot.nodes if node.address in wanted))


async def written(hands: Hands, snapshot: Snapshot, shard: NodeGroupView, token: str) -> ProbeResult:
    """Write past the primary endpoint, or to the master where there is none, and read on every replica."""
    nodes = of_shard(snapshot, tuple(member.endpoint for member in shard.members if member.endpoint)).nodes
    replicas = tuple(node.address for node in nodes if node.is_replica)
    where = shard.primary_endpoint or next((node.address for node in nodes if node.is_master), None)
    if where is None:
        return ProbeResult(ok=False, observations=(f"no master of shard {shard.name} answers",))
    await hands.renew(where)
    return await hands.write_probe(where, replicas, f"{{{tag_in(slots_of(shard))}}}{token}" if shard.slots else token)


def slots_of(shard: NodeGroupView) -> tuple[SlotRange, ...]:
    """The slots as AWS prints them: ``0-5460,5470-5480``."""
    ranges = (part.partition("-") for part in shard.slots.split(",") if part.strip())
    return tuple(SlotRange(int(first), int(last or first)) for first, _, last in ranges)


def _members(group: GroupView) -> Check:
    trouble = [f"{one.name} is {one.status}" for one in group.members if one.status not in (AVAILABLE, "")]
    seen = "; ".join(trouble) or f"{len(group.members)} of {len(group.members)} available"
    return Check(f"AWS has every member of {group.name} available", ok=not trouble, observation=seen)


def _primary(snapshot: Snapshot, shard: NodeGroupView) -> Check:
    primary = shard.primary
    title = f"AWS and the nodes agree on the primary of shard {shard.name}"
    if primary is None:
        return Check(title, ok=False, observation="AWS names none")
    node = snapshot.node(primary.endpoint)
    said = f"{node.info.role}" if node and node.info else "no answer"
    return Check(title, ok=node is not None and node.is_master, observation=f"{primary.name}: {said}")


@dataclass(frozen=True, slots=True)
class ProveMove(Step):
    """Look at AWS and at every node of the shard, now or after a while, and write past the endpoint."""

    move: Move
    token: str
    after_s: int = 0
    within_s: int = 60

    @property
    def title(self) -> str:
        """What the step does."""
        return "Prove the result" + (f" again after {self.after_s} s" if self.after_s else "")

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        where = self.move.endpoint or "the new primary"
        return (
            f"describe-replication-groups, describe-events; ROLE on every node; {where}> SET … NX EX 30, WAIT, GET, DEL"
        )

    def looks_again_at(self, earlier: Step) -> bool:
        """Whether an earlier one looked at the same, for however long."""
        if not isinstance(earlier, ProveMove):
            return False
        return replace(earlier, after_s=self.after_s, within_s=self.within_s) == self

    async def act(self, hands: Hands) -> str:
        """Wait out the delay, then look until all is proven."""
        await hands.sleep(self.after_s)
        held = await until(lambda: self._proven(hands), hands, self.within_s, every_s=0.5)
        return held.observation

    async def _proven(self, hands: Hands) -> Held:
        snapshot = await hands.observe()
        addresses = tuple(where for _, where in self.move.members)
        masters = of_shard(snapshot, addresses).masters
        shard = snapshot.group.node_group(self.move.shard) if snapshot.group else None
        if len(masters) != 1 or shard is None or snapshot.node(self.move.primary) == masters[0]:
            named = ", ".join(str(node.address) for node in masters) or "no node"
            return Held(yes=False, observation=f"{named} of shard {self.move.shard} says that it is master")
        checks = (*shard_checks(snapshot, addresses, masters[0].address), *group_checks(snapshot))
        wrong = [f"{check.title}: {check.observation}" for check in checks if not check.ok]
        if wrong:
            return Held(yes=False, observation="; ".join(wrong))
        probe = await written(hands, snapshot, shard, f"{self.token}{'-again' if self.after_s else ''}")
        if not probe.ok:
            return Held(yes=False, observation="write probe: " + "; ".join(probe.observations))
        return Held(yes=True, observation=f"{len(checks)} checks and the write probe passed")
