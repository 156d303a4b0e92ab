"""A frozen picture of a target from every vantage point, with what could not be asked and why. No I/O here.

Optional fields are ``None`` where the server did not say: never zero, never a guess.
Offsets, sizes and limits are bytes; ages are seconds unless the name says ``_ms``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from actions.kit.stats import NO_ERRORS, NO_STATS, Errors, NodeStats
from actions.kit.topology import Address, Kind, Limits, Place
from actions.kit.unasked import Reason, Unasked

if TYPE_CHECKING:
    from actions.kit.clients import Clients
    from actions.kit.closer import Closer, SlowCommand
    from actions.kit.cluster.view import ClusterView
    from actions.kit.elasticache.views import GroupView
    from actions.kit.flushing.look import Flushable
    from actions.kit.kubernetes.view import KubernetesView
    from actions.kit.tuning.look import Tunable

__all__ = [
    "AttachedReplica",
    "Link",
    "MonitoredMaster",
    "NodeConfig",
    "NodeInfo",
    "NodeView",
    "Reason",
    "Role",
    "SentinelReplica",
    "SentinelView",
    "Snapshot",
    "Unasked",
]


class Role(StrEnum):
    """What a node says that it is."""

    MASTER = "master"
    REPLICA = "replica"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class AttachedReplica:
    """A ``slaveN`` line of a master's INFO: what the master knows of one replica."""

    address: Address
    state: str
    """``online``, ``wait_bgsave``, ``send_bulk`` …"""
    offset: int
    lag_s: int
    """Seconds since the last acknowledgement; says nothing about bytes."""


@dataclass(frozen=True, slots=True)
class Link:
    """A replica's own view of its link to its master."""

    master: Address
    up: bool
    sync_in_progress: bool
    last_io_s: int | None
    down_since_s: int | None
    sync_left_bytes: int | None = None
    """``None`` also of a sync without a dump file (repl-diskless-sync): its size is known by nobody beforehand."""
    sync_read_bytes: int | None = None
    """What has come of a full sync so far (6.2 and later)."""


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """What one node says about itself. Source: INFO."""

    role: Role
    flavour: str
    """``redis`` or ``valkey``."""
    version: tuple[int, ...]
    run_id: str
    uptime_s: int
    loading: bool
    replid: str
    replid2: str
    offset: int
    """``master_repl_offset``; on a replica what it has applied, ``slave_repl_offset``."""
    second_repl_offset: int
    replicas: tuple[AttachedReplica, ...] = ()
    link: Link | None = None
    priority: int | None = None
    read_only: bool | None = None
    failover_state: str | None = None
    """``master_failover_state``: ``no-failover`` unless FAILOVER runs (6.2 and later)."""
    config_file: str | None = None
    connected_clients: int | None = None
    blocked_clients: int | None = None
    max_clients: int | None = None
    rejected_connections: int | None = None
    used_memory: int | None = None
    max_memory: int | None = None
    max_memory_policy: str | None = None
    evicted_keys: int | None = None
    changes_since_save: int | None = None
    last_bgsave_ok: bool | None = None
    aof_enabled: bool | None = None
    last_aof_write_ok: bool | None = None
    last_aof_rewrite_ok: bool | None = None
    ops_per_s: int | None = None
    backlog_bytes: int | None = None
    backlog_active: bool | None = None
    """``repl_backlog_active``: without a backlog the offset does not count what the node takes."""
    good_replicas: int | None = None
    """``min_slaves_good_slaves``: only there while min-replicas-to-write is in force."""
    cluster_enabled: bool | None = None
    paused_ms: int | None = None
    """For how long somebody's CLIENT PAUSE is yet to last; 0: there is none. Only newer servers say."""
    stats: NodeStats = NO_STATS
    """What it counts and measures."""
    errors: Errors = NO_ERRORS
    """How often it has answered with which error."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """The settings that matter to a failover. Source: CONFIG GET; ``None`` where it is not known to this server."""

    min_replicas_to_write: int | None = None
    min_replicas_max_lag: int | None = None
    replica_priority: int | None = None
    save_points: tuple[tuple[int, int], ...] | None = None
    """After so many seconds, where there were at least so many changes; empty where it never saves by itself."""
    stops_on_bgsave_error: bool | None = None
    masterauth: bool | None = None
    """Whether one is set; what it is is not kept. Asked where roles may be moved by hand, as is the next."""
    masteruser: str | None = None
    """The user by which it logs in at its master; it is no secret."""
    held: bool = False
    """A repair holds its data back: it cannot follow anybody. See ``actions.kit.holding``."""
    tls_replication: bool | None = None
    cluster_node_timeout_ms: int | None = None
    """Asked only of the nodes of a cluster, as is the next."""
    cluster_full_coverage: bool | None = None
    """``cluster-require-full-coverage``: one slot that nobody serves stops the whole cluster."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node as we see it. ``unasked`` is set when it gave no INFO; ``gaps`` holds single refused questions."""

    address: Address
    unasked: Unasked | None = None
    info: NodeInfo | None = None
    role_offset: int | None = None
    """The offset that ROLE tells; taken a moment after INFO."""
    config: NodeConfig | None = None
    normal_clients: int | None = None
    """Connected clients beside replicas, the master of a replica, subscribers and our own connection. Source: INFO.

    CLIENT LIST would be exact, but is 3 MB at 10,000 clients, from a server that may be in trouble. Sentinels' own
    connections are among them; subscribers too where INFO has no ``pubsub_clients`` (Redis 6.2 and 7.0).
    """
    clients: Clients | None = None
    """Its clients by what they last asked. Source: CLIENT LIST; asked of masters where there are several, or where
    somebody waits and it does not say for what, and of replicas that may be written to."""
    watching_sentinels: int | None = None
    """How many Sentinels listen on it, under whatever name they know it. Asked where roles may be moved by hand."""
    keys: int | None = None
    """How many keys it holds in all its databases. Asked where roles may be moved by hand."""
    cluster: ClusterView | None = None
    """The cluster as it sees it. Asked only of the nodes of one."""
    last_slow: SlowCommand | None = None
    """Its last slow command, whenever that was."""
    closer: Closer | None = None
    """Asked only where something is amiss with it, or with who follows it."""
    tunable: Tunable | None = None
    """Asked only where settings are to be changed."""
    flushable: Flushable | None = None
    """Asked only of masters, and only where they are to be flushed."""
    gaps: tuple[Unasked, ...] = ()
    known_from: tuple[str, ...] = ()
    """Who named this node: ``settings``, ``sentinel A``, ``node A``."""
    also: tuple[Address, ...] = ()
    """Other addresses of the same process."""

    @property
    def is_master(self) -> bool:
        """It answered, and says that it is a master."""
        return self.info is not None and self.info.role is Role.MASTER

    @property
    def is_replica(self) -> bool:
        """It answered, and says that it is a replica."""
        return self.info is not None and self.info.role is Role.REPLICA


@dataclass(frozen=True, slots=True)
class SentinelReplica:
    """A replica as one Sentinel sees it. Source: SENTINEL REPLICAS."""

    address: Address
    flags: frozenset[str]
    link_up: bool
    priority: int
    offset: int
    master: Address | None
    role_reported: str
    info_age_ms: int | None = None
    """How long ago this Sentinel last heard the replica's INFO."""
    known_ms: int | None = None
    """Since when this Sentinel has it in this role: it begins anew, with its connections, at a failover or RESET."""


@dataclass(frozen=True, slots=True)
class MonitoredMaster:
    """The master as one Sentinel sees it. Source: SENTINEL MASTER and GET-MASTER-ADDR-BY-NAME."""

    address: Address
    flags: frozenset[str]
    config_epoch: int
    quorum: int
    other_sentinels: int
    down_after_ms: int
    failover_timeout_ms: int
    replicas: tuple[SentinelReplica, ...] = ()
    peers: tuple[Address, ...] = ()
    peers_down: tuple[Address, ...] = ()
    run_id: str = ""
    known_ms: int | None = None
    """As that of a replica."""


@dataclass(frozen=True, slots=True)
class SentinelView:
    """One Sentinel as we see it, and the master as it sees it."""

    address: Address
    unasked: Unasked | None = None
    flavour: str = ""
    version: tuple[int, ...] = ()
    run_id: str = ""
    tilt: bool = False
    master: MonitoredMaster | None = None
    knows: tuple[str, ...] = ()
    """The master names that it monitors, where it does not know ours."""
    quorum_ok: bool | None = None
    """CKQUORUM's verdict; ``None`` where it could not be asked."""
    quorum_text: str = ""
    gaps: tuple[Unasked, ...] = ()
    also: tuple[Address, ...] = ()
    """Other addresses by which it was asked: it has one vote."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A target as seen at one moment. The order of nodes and Sentinels is that of their addresses."""

    target: str
    kind: Kind
    observed_at: datetime
    nodes: tuple[NodeView, ...]
    sentinels: tuple[SentinelView, ...] = ()
    master_name: str = ""
    limits: Limits = Limits()
    took_ms: float = 0.0
    clock_s: float | None = None
    """``observed_at`` by a clock that never jumps: it tells the time between two looks of one process, nothing else."""
    group: GroupView | None = None
    """What AWS says, of a target of kind elasticache."""
    kubernetes: KubernetesView | None = None
    """What Kubernetes says of it, where it lives there."""
    rescues_to: str = ""
    """Where rescue copies of it go, for a person; empty where the settings do not say."""

    def node(self, address: Place | None) -> NodeView | None:
        """The view of this node, under whatever address, or ``None`` where nobody named it."""
        return next((node for node in self.nodes if node.address == address or address in node.also), None)

    @property
    def masters(self) -> tuple[NodeView, ...]:
        """Every node that says it is a master."""
        return tuple(node for node in self.nodes if node.is_master)

    @property
    def in_cluster(self) -> bool:
        """The nodes vote themselves, and each shard has a master of its own; AWS's cluster mode is that too."""
        if self.kind is Kind.ELASTICACHE:
            told = self.group is not None and self.group.cluster_mode
            return told or any(node.info and node.info.cluster_enabled for node in self.nodes)
        return self.kind is Kind.CLUSTER

    @property
    def agreed_master(self) -> Address | None:
        """The address that a majority of *all* Sentinels gives at the highest config-epoch, TILT left out.

        Of a group whose primary AWS tells: that one, unless it says otherwise itself. Else the only node that answers
        as a master; one that is silent could be another. ``None`` where there is no majority, or no single master; and
        of a cluster, where each shard has its own.
        """
        if self.kind is Kind.SENTINEL:
            return self._sentinels_choice()
        if self.in_cluster:
            return None
        if self.group is not None and self.group.primaries:
            return self._primary_of_aws(self.group)
        return self.masters[0].address if len(self.masters) == 1 else None

    def _primary_of_aws(self, group: GroupView) -> Address | None:
        """AWS may be a little behind what the node says, or ahead of it: then nobody is agreed on."""
        node = self.node(group.primaries[0].endpoint) if len(group.primaries) == 1 else None
        return node.address if node is not None and not node.is_replica else None

    def _sentinels_choice(self) -> Address | None:
        votes = [view.master for view in self.sentinels if view.master is not None and not view.tilt]
        newest = max((vote.config_epoch for vote in votes), default=-1)
        heads = [vote.address for vote in votes if vote.config_epoch == newest]
        if not heads or len(set(heads)) != 1:
            return None
        return heads[0] if len(heads) * 2 > self.electorate else None

    @property
    def electorate(self) -> int:
        """How many Sentinels there are: those in the settings, or more where a Sentinel knows of more."""
        known = (1 + view.master.other_sentinels for view in self.sentinels if view.master is not None)
        return max(len(self.sentinels), *known, 0)

    @property
    def unasked(self) -> tuple[Unasked, ...]:
        """Everything that could not be asked, whole vantage points first."""
        views: list[NodeView | SentinelView | GroupView | KubernetesView] = [*self.nodes, *self.sentinels]
        views += [view for view in (self.group, self.kubernetes) if view]
        whole = tuple(view.unasked for view in views if view.unasked is not None)
        return whole + tuple(gap for view in views for gap in view.gaps)

    def lag_bytes(self, node: NodeView) -> int | None:
        """How far a replica is behind the agreed master, in a cluster behind whom it follows, both read by us.

        ``None`` where one of them did not say. The master is read a moment apart from the replica, so a busy replica
        may seem ahead: never below 0.
        """
        link = node.info.link if node.info else None
        followed = link.master if link and self.in_cluster else None
        master = self.node(followed or self.agreed_master)
        if not node.is_replica or node.info is None or master is None or master.info is None:
            return None
        return max(0, master.info.offset - node.info.offset)
