"""What the tests of failovers in a cluster share: a target, a scene under load, settings everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from actions import failover
from actions.adapters import TargetHands, connect
from actions.kit.cluster.steps import AwaitAgreement, ClusterFailover, LetGo, ProveShards
from actions.kit.loop import Ending, carry_out
from actions.kit.plan import Plan, Step
from actions.kit.topology import Address, Credentials, Kind, Limits, Target, Tls
from sandbox.redis import Build, Cluster, ClusterLoad, Server, Shape, cluster
from tests.failover import Fault, Journal, answered, goes_on, setting


def target_of_cluster(made: Cluster, **changes: object) -> Target:
    """The cluster as targets.yaml would describe it: by one of its nodes."""
    target = Target(
        name="carts",
        kind=Kind.CLUSTER,
        nodes=(Address.parse(made.node_addresses[-1]),),
        auth=Credentials(made.username, made.password),
        tls=Tls(ca_file=str(made.tls.ca_file)) if made.tls else None,
        limits=Limits(max_pause_ms=3000),
        timeout_ms=10_000,
    )
    return replace(target, **changes)  # type: ignore[arg-type]


THREE = Shape()


@dataclass
class Scene:
    """A cluster under load, and how the bot sees it."""

    made: Cluster
    hands: TargetHands
    load: ClusterLoad

    async def planned(self, **options: str) -> Plan:
        """The plan for what is there now; a refusal fails the test in its own words."""
        plan = failover.plan(await answered(self.hands), options)
        assert isinstance(plan, Plan), plan
        return plan

    async def carry_out(
        self, plan: Plan, at: type[Step] | None = None, fault: Fault | None = None, hands: TargetHands | None = None
    ) -> tuple[Ending, Journal]:
        """Do it, with a fault before a step of this kind."""
        journal = Journal(at, fault)
        return await carry_out((in_haste if fault else patient)(plan.steps), hands or self.hands, journal), journal

    def node(self, address: Address | None) -> Server:
        """The server at an address of a plan."""
        return self.made.node(str(address))

    async def epoch(self) -> int:
        """The highest epoch that any node knows: one more with each election that was won."""
        texts = await asyncio.gather(*(node.command("CLUSTER", "INFO") for node in self.made.nodes if not node.hung))
        return max(int(line.partition(":")[2]) for text in texts for line in text.split() if "current_epoch" in line)

    async def lost(self) -> int:
        """Acknowledged writes that are nowhere, once the cluster is whole."""
        await self.made.ready()
        await self.load.stop()
        return await self.load.lost()

    async def as_it_was(self) -> None:
        """No pause and no fence anywhere: every shard takes writes."""
        for node in self.made.nodes:
            assert await setting(node, "min-replicas-to-write") == "0"
        await goes_on(self.load, 100)


def patient(steps: Sequence[Step]) -> list[Step]:
    """What comes about is waited for on however busy a machine."""
    kinds = LetGo | AwaitAgreement | ProveShards
    return without_the_long_look(replace(one, within_s=60) if isinstance(one, kinds) else one for one in steps)


def in_haste(steps: Sequence[Step]) -> list[Step]:
    """What a test has broken on purpose is not waited for long."""
    quick = [replace(one, within_s=2) if isinstance(one, LetGo | AwaitAgreement) else one for one in steps]
    quick = [replace(one, within_s=6) if isinstance(one, ProveShards) else one for one in quick]
    return without_the_long_look(quick)


def without_the_long_look(steps: Iterable[Step]) -> list[Step]:
    """The second proof waits half a minute."""
    return [one for one in steps if not (isinstance(one, ProveShards) and one.after_s)]


def turning_step(plan: Plan) -> ClusterFailover:
    """The plan's first point of no return."""
    step = plan.steps[plan.turning]
    assert isinstance(step, ClusterFailover)
    return step


@asynccontextmanager
async def cluster_under_load(
    which: Build,
    shape: Shape = THREE,
    *,
    timeout_ms: int = 10_000,
    patience_s: float = 8,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """A cluster, writers on it, and the bot's hands."""
    async with cluster(which, shape, **settings) as made, ClusterLoad(made, rate=400, timeout=patience_s) as load:
        hands = connect(target_of_cluster(made, timeout_ms=timeout_ms))
        try:
            yield Scene(made, hands, load)
        finally:
            await hands.aclose()
