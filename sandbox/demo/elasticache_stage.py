"""The stage of a replication group of ElastiCache with cluster mode disabled, and of AWS itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.demo.stage import NAME, WRITES_A_SECOND, counts, pressed
from sandbox.elasticache import Group, LocalElastiCache, Mishap, Timing, elasticache, write_load
from sandbox.redis import Build, WriteLoad
from sandbox.slack import DemoButton

# AWS takes minutes; as long as it takes to see something happen is enough here.
_TIMING = Timing(change=3, detection=2, dns=0.5, replacement=4, late=10)


@dataclass(frozen=True, slots=True)
class ElastiCacheStage:
    """One group with a primary and two replicas, and the account that it is in."""

    aws: LocalElastiCache
    group: Group
    load: WriteLoad

    @property
    def target(self) -> Mapping[str, object]:
        """See ``Stage.target``."""
        return {"kind": "elasticache", "region": self.aws.region, "replication_group_id": self.group.id}

    @property
    def environment(self) -> Mapping[str, str]:
        """See ``Stage.environment``."""
        return self.aws.environment

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """See ``Stage.places``."""
        nodes = self.group.node_groups[0].nodes
        endpoints = ", ".join("{}:{}".format(*one) for one in (nodes.primary_endpoint, nodes.reader_endpoint))
        members = ", ".join("{}:{}".format(*address) for address in nodes.addresses)
        return [("AWS's API", self.aws.endpoint_url), ("Endpoints", endpoints), ("Members", members)]

    @property
    def watched(self) -> None:
        """See ``Stage.watched``."""
        return

    async def masters(self) -> str:
        """See ``Stage.masters``."""
        primary = self.group.node_groups[0].primary
        host, port = self.group.node_groups[0].address(primary)
        return f"{primary.id} at {host}:{port}; {self.group.id} is {self.group.status}"

    @property
    def buttons(self) -> Sequence[DemoButton]:
        """See ``Stage.buttons``."""
        stuck, rolled_back = Mishap.NEVER_COMPLETES, Mishap.ROLLED_BACK
        return [
            DemoButton("lose-primary", "Lose the primary", "AWS notices it", pressed(lambda: self._lose("primary"))),
            DemoButton("lose-replica", "Lose a replica", "AWS replaces it", pressed(lambda: self._lose("replica"))),
            DemoButton("throttle", "Throttle the API", "the next 20 calls", pressed(self._throttle)),
            DemoButton("deny", "Deny TestFailover", "no policy allows it", pressed(self._deny)),
            DemoButton("stuck", "Let AWS get stuck", "the next change", pressed(lambda: self._next(stuck))),
            DemoButton("undo", "Let AWS take it back", "the next change", pressed(lambda: self._next(rolled_back))),
            DemoButton("mend", "Mend AWS", "allowed, not stuck", pressed(self._mend), "Mend"),
            counts(self._lost),
        ]

    async def _lose(self, role: Literal["primary", "replica"]) -> str:
        node_group = self.group.node_groups[0]
        member = node_group.primary if role == "primary" else node_group.replicas[0]
        await self.aws.lose(self.group, member)
        return f"The {role} {member.id} is gone with its data."

    async def _throttle(self) -> str:
        self.aws.faults.throttle(times=20)
        return "AWS refuses the next 20 calls for their rate."

    async def _deny(self) -> str:
        self.aws.faults.denied.add("TestFailover")
        return "No policy allows TestFailover."

    async def _next(self, mishap: Mishap) -> str:
        self.aws.faults.next_change(mishap)
        return f"The next change that AWS accepts: {mishap.value}."

    async def _mend(self) -> str:
        self.aws.faults.mend()
        if not self.aws.world.busy:
            self.group.unstick()
        return "AWS allows everything; what was stuck is as it was."

    async def _lost(self) -> str:
        node_group = self.group.node_groups[0]
        primary = node_group.primary
        lost = await self.load.lost(node_group.server(primary))
        return f"{lost} of {self.load.acked} acknowledged writes are missing on {primary.id}."


@contextlib.asynccontextmanager
async def with_elasticache(build: Build) -> AsyncIterator[ElastiCacheStage]:
    """A group with automatic failover and Multi-AZ."""
    async with elasticache(timing=_TIMING) as aws:
        group = await aws.add_group(NAME, build=build)
        async with write_load(group, rate=WRITES_A_SECOND, process=True) as load:
            yield ElastiCacheStage(aws, group, load)
