"""What AWS says of a replication group, frozen. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from actions.kit.topology import Address
from actions.kit.unasked import Unasked


class Source(StrEnum):
    """What an event is about. AWS: SourceType."""

    GROUP = "replication-group"
    MEMBER = "cache-cluster"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of what AWS did. Source: DescribeEvents. ``at`` is by AWS's clock, in UTC."""

    at: datetime
    source: str
    """The id of the replication group or of the member."""
    kind: Source
    message: str


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What AWS says of a member beside its group. Source: DescribeCacheClusters."""

    status: str = ""
    """``available``, ``modifying``, ``rebooting cluster nodes`` …; empty where it was not told."""
    zone: str = ""
    endpoint: Address | None = None


@dataclass(frozen=True, slots=True)
class MemberView:
    """One node, which AWS calls a cache cluster. ``primary`` is ``None`` in cluster mode, where AWS does not say."""

    name: str
    """CacheClusterId, such as ``aragora-redis-002``."""
    node_group: str
    primary: bool | None = None
    zone: str = ""
    status: str = ""
    endpoint: Address | None = None


@dataclass(frozen=True, slots=True)
class NodeGroupView:
    """One shard: a primary and its replicas."""

    name: str
    """NodeGroupId, such as ``0001``."""
    status: str = ""
    primary_endpoint: Address | None = None
    """Follows the primary; not there in cluster mode."""
    slots: str = ""
    members: tuple[MemberView, ...] = ()

    @property
    def primary(self) -> MemberView | None:
        """The only member that AWS calls primary."""
        primaries = [member for member in self.members if member.primary]
        return primaries[0] if len(primaries) == 1 else None


@dataclass(frozen=True, slots=True)
class GroupView:
    """A replication group as AWS sees it. ``unasked`` is set when AWS did not tell of it; ``gaps`` holds the rest.

    ``automatic_failover``: enabled, disabled, enabling or disabling. ``multi_az``: enabled or disabled.
    """

    region: str
    name: str
    """ReplicationGroupId."""
    unasked: Unasked | None = None
    status: str = ""
    automatic_failover: str = ""
    multi_az: str = ""
    cluster_mode: bool = False
    pending: tuple[str, ...] = ()
    """What AWS is about to change, a few words each."""
    node_groups: tuple[NodeGroupView, ...] = ()
    events: tuple[Event, ...] = ()
    """The group's own of the last 24 hours, the oldest first."""
    tests_in_region: tuple[datetime, ...] | None = None
    """When TestFailover was called in the last 24 hours, as the events of all groups in this region show."""
    gaps: tuple[Unasked, ...] = ()
    configuration_endpoint: Address | None = None
    """Any of its nodes, which tells of the others; in cluster mode only."""

    @property
    def members(self) -> tuple[MemberView, ...]:
        """All members of all node groups."""
        return tuple(member for group in self.node_groups for member in group.members)

    @property
    def primaries(self) -> tuple[MemberView, ...]:
        """The members that AWS calls primary; none in cluster mode, where it does not say."""
        return tuple(member for member in self.members if member.primary)

    @property
    def endpoints(self) -> tuple[Address, ...]:
        """Where the members listen, each by itself."""
        return tuple(member.endpoint for member in self.members if member.endpoint is not None)

    def member(self, which: str | Address) -> MemberView | None:
        """The member of this name or at this address."""
        return next((one for one in self.members if which in (one.name, one.endpoint)), None)

    def node_group(self, name: str) -> NodeGroupView | None:
        """The node group of this name."""
        return next((one for one in self.node_groups if one.name == name), None)
