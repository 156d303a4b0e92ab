"""What the kit needs of AWS, in our own verbs. The adapter fills it. No I/O here."""

from __future__ import annotations

from typing import Protocol

from actions.kit.elasticache.views import Event, GroupView


class ElastiCache(Protocol):
    """One replication group. Every call is bounded in time; a throttled one is tried again within that time.

    All but ``look`` raise ``Unreachable``, ``AccessDenied``, ``CommandRefused`` or ``Garbled`` and say what is wrong.
    """

    async def look(self) -> GroupView:
        """Status, members and the events of the last day; never raises for what AWS does not answer."""

    async def group(self) -> GroupView:
        """Status and members only."""

    async def events(self, minutes: int) -> tuple[Event, ...]:
        """What AWS did to the group and to each member in the last so many minutes, the oldest first."""

    async def test_failover(self, node_group: str) -> None:
        """TestFailover of one node group; that it was accepted does not mean that it has come about."""

    async def make_primary(self, member: str) -> None:
        """ModifyReplicationGroup with PrimaryClusterId, at once; refused while automatic failover is on."""

    async def set_failover(self, automatic: str, multi_az: str) -> None:
        """ModifyReplicationGroup with automatic failover and Multi-AZ, at once; ``enabled`` or ``disabled`` each."""
