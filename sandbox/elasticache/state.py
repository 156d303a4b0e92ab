"""What the local ElastiCache knows: replication groups, node groups, members, and what is pending. No I/O here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.elasticache.errors import AwsError, fault
from sandbox.elasticache.nodes import Nodes
from sandbox.redis.server import Server

ACCOUNT = "123456789012"
NODE_ID = "0001"
"""Of the one node of a cache cluster that runs Redis or Valkey."""

Toggle = Literal["enabled", "disabled", "enabling", "disabling"]


@dataclass
class Member:
    """A cache cluster: one node of a node group. `index` is its place among the nodes underneath."""

    id: str
    index: int
    zone: str
    created: datetime
    role: Literal["primary", "replica"]
    status: str = "available"


@dataclass
class NodeGroup:
    """A shard: a primary, its replicas, and the real servers, or none, underneath; `slots` only in cluster mode."""

    id: str
    members: list[Member]
    nodes: Nodes
    slots: str | None = None
    status: str = "available"

    @property
    def primary(self) -> Member:
        """The member that takes writes."""
        return next(member for member in self.members if member.role == "primary")

    @property
    def replicas(self) -> list[Member]:
        """All others, in the order of their ids."""
        return [member for member in self.members if member.role == "replica"]

    def address(self, member: Member) -> tuple[str, int]:
        """Where this member listens."""
        return self.nodes.addresses[member.index]

    def server(self, member: Member) -> Server:
        """The real server of this member; LookupError in a group without any."""
        return self.nodes.servers[member.index]

    def to_primary(self, member: Member) -> None:
        """Let this member have the role, and the others be replicas."""
        for one in self.members:
            one.role = "primary" if one is member else "replica"


@dataclass
class Group:
    """A replication group. `waiting` holds what was asked for and is not done, by the names of the request."""

    id: str
    region: str
    created: datetime
    node_groups: list[NodeGroup]
    cluster_enabled: bool
    automatic_failover: Toggle
    multi_az: Literal["enabled", "disabled"]
    engine: str
    engine_version: str
    node_type: str
    port: int
    tls: bool
    auth_token: bool
    description: str = " "
    status: str = "available"
    snapshot_retention: int = 0
    snapshot_window: str = "05:00-06:00"
    maintenance_window: str = "sun:23:00-mon:01:30"
    snapshotting_cluster: str | None = None
    waiting: dict[str, Any] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """As IAM and the answers name it."""
        return f"arn:aws:elasticache:{self.region}:{ACCOUNT}:replicationgroup:{self.id}"

    @property
    def pending(self) -> dict[str, Any]:
        """As PendingModifiedValues shows what is waiting; it has no place for Multi-AZ."""
        shown = {name: self.waiting[name] for name in ("PrimaryClusterId",) if name in self.waiting}
        if "AutomaticFailoverEnabled" in self.waiting:
            on = self.waiting["AutomaticFailoverEnabled"]
            shown["AutomaticFailoverStatus"] = "enabled" if on else "disabled"
        return shown

    @property
    def members(self) -> Iterator[tuple[NodeGroup, Member]]:
        """Every cache cluster with the node group that it belongs to."""
        return ((node_group, member) for node_group in self.node_groups for member in node_group.members)

    def node_group(self, node_group_id: str) -> NodeGroup:
        """The shard with this id; AwsError as AWS says that there is none."""
        for node_group in self.node_groups:
            if node_group.id == node_group_id:
                return node_group
        raise fault("NodeGroupNotFoundFault", f"NodeGroup {node_group_id} not found in ReplicationGroup {self.id}.")

    def node_group_of(self, member: Member) -> NodeGroup:
        """The shard that this cache cluster belongs to."""
        return next(node_group for node_group, one in self.members if one is member)

    def member(self, cluster_id: str) -> Member:
        """The cache cluster with this id; LookupError where it is none of this group."""
        for _, member in self.members:
            if member.id == cluster_id.lower():
                return member
        raise LookupError(f"{cluster_id} is no member of {self.id}.")

    def unstick(self) -> None:
        """Take a change that never completes off the table, as Amazon's support would: everything is as it was."""
        undone: dict[Toggle, Toggle] = {"enabling": "disabled", "disabling": "enabled"}
        self.automatic_failover = undone.get(self.automatic_failover, self.automatic_failover)
        self.waiting.clear()
        self.status = "available"
        for node_group in self.node_groups:
            node_group.status = "available"

    def must_be_available(self, to: str) -> None:
        """Refuse what AWS does only to an available group."""
        if self.status != "available":
            raise not_now(f"Replication group must be in available state to {to}.")


def not_now(message: str) -> AwsError:
    """The group's state does not allow it."""
    return fault("InvalidReplicationGroupStateFault", message)
