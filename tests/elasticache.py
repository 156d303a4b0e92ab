"""What the tests of ElastiCache share: a local AWS with one group on real servers, and hands on it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from actions import failover
from actions.adapters import TargetHands, connect
from actions.kit.elasticache.proof import ProveMove
from actions.kit.plan import Plan, Refusal, Step
from actions.kit.topology import Address, Kind, Limits, ReplicationGroup, Target
from sandbox.elasticache import Group, LocalElastiCache, Member, elasticache
from sandbox.redis import Build, Server, build

GROUP = "aragora-redis"


@dataclass
class Scene:
    """One target of kind elasticache; ``hands`` have looked at nothing yet."""

    aws: LocalElastiCache
    group: Group
    hands: TargetHands
    target: Target

    def member(self, number: int) -> Member:
        return self.group.node_groups[0].members[number - 1]

    def address(self, number: int) -> Address:
        return Address(*self.group.node_groups[0].address(self.member(number)))

    def server(self, number: int) -> Server:
        return self.group.node_groups[0].server(self.member(number))

    @property
    def primary(self) -> Address:
        return Address(*self.group.node_groups[0].address(self.group.node_groups[0].primary))

    def calls(self, action: str) -> int:
        """How often AWS carried such a call out."""
        return sum(call.action == action and call.error is None for call in self.aws.calls)

    def another(self, **changes: Any) -> TargetHands:
        """Other hands on the same target; whoever asks for them closes them."""
        return connect(replace(self.target, **changes))


def place(aws: LocalElastiCache, name: str = GROUP) -> ReplicationGroup:
    return ReplicationGroup(aws.region, name, aws.endpoint_url)


@asynccontextmanager
async def account(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalElastiCache]:
    """A local AWS whose credentials are in the environment."""
    # A port may have been another AWS's before, for whose credentials there is a client still.
    monkeypatch.setattr("actions.adapters.aws.calls._clients", {})
    async with elasticache() as aws:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        yield aws


@asynccontextmanager
async def search(
    monkeypatch: pytest.MonkeyPatch, on: Build | None = None, *, paper: bool = False, **settings: Any
) -> AsyncIterator[Scene]:
    """A group in a local AWS, and hands on it."""
    for name, seconds in {"steps.EVERY_S": 0.1, "steps.CALM_S": 1.5, "setting.EVERY_S": 0.1}.items():
        monkeypatch.setattr(f"actions.kit.elasticache.{name}", seconds)  # The local AWS takes a second, not minutes.
    async with account(monkeypatch) as aws:
        group = await aws.add_group(GROUP, build=None if paper else on or build(), **settings)
        target = Target(
            "search", Kind.ELASTICACHE, limits=Limits(max_pause_ms=4000), elasticache=place(aws), timeout_ms=2000
        )
        hands = connect(target)
        try:
            yield Scene(aws, group, hands, target)
        finally:
            await hands.aclose()


def quick(steps: Sequence[Step]) -> list[Step]:
    """Without the look after half a minute, and with less patience for what a test has broken on purpose."""
    kept = [step for step in steps if not (isinstance(step, ProveMove) and step.after_s)]
    return [replace(step, within_s=30) if isinstance(step, ProveMove) else step for step in kept]


async def planned(hands: TargetHands, **options: str) -> Plan:
    plan = failover.plan(await hands.observe(), options)
    assert isinstance(plan, Plan), plan
    return plan


async def refused(hands: TargetHands, **options: str) -> str:
    refusal = failover.plan(await hands.observe(), options)
    assert isinstance(refusal, Refusal), refusal
    return refusal.reason
