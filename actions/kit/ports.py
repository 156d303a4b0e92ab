"""What the kit needs of the outside, in our own verbs. The adapters fill these. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from actions.kit.charting.prometheus import Told
    from actions.kit.comparison import Bounds, Comparison
    from actions.kit.elasticache.ports import ElastiCache
    from actions.kit.kubernetes.ports import Kubernetes
    from actions.kit.prometheus_place import PrometheusPlace
    from actions.kit.rescue import RescueCopy, RescueRoom
    from actions.kit.snapshot import Role, SentinelView, Snapshot
    from actions.kit.topology import Address, Place, Target


@dataclass(frozen=True, slots=True)
class Standing:
    """A node's role and position at one moment. ``offset`` in bytes; ``master`` and ``link_up`` on a replica.

    ``replid`` names its history, ``replid2`` the one that it was promoted from, at ``second_repl_offset``.
    """

    role: Role
    offset: int
    master: Address | None = None
    link_up: bool = False
    replid: str = ""
    replid2: str = ""
    second_repl_offset: int = -1


class Takeover(Enum):
    """How a replica of a cluster takes over without the handshake with its master; a value is the command's word."""

    FORCE = "FORCE"
    """A majority of the masters votes on it; what the master has acknowledged and not sent is lost."""
    TAKEOVER = "TAKEOVER"
    """Nobody votes: it takes the slots, and the others learn of it."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a node holds in all its databases: keys, how many of them have an expiry, the bytes of their data."""

    keys: int
    expiring: int
    dataset: int
    """Without what the server keeps for each key beside it."""
    fixed: int
    """What it takes without a single key: the server itself, and its backlog."""


@dataclass(frozen=True, slots=True)
class Keyspace:
    """The number of each database that has keys, and how many; ``changes``: of all of them since the last dump."""

    databases: tuple[tuple[int, int], ...]
    changes: int | None = None


@dataclass(frozen=True, slots=True)
class Flush:
    """What is flushed on one master, and on which condition.

    It has to be a master of history ``replid`` at ``offset``, or one PING to its replicas further. ``mark``: a key that
    is set in the first of ``databases`` together with it, by which it can be seen afterwards, on the replicas too.
    """

    databases: tuple[int, ...]
    replid: str
    offset: int
    mark: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A write probe: what each node answered, and whether all of it was as it should be."""

    ok: bool
    observations: tuple[str, ...]


class Prometheus(Protocol):
    """Whoever keeps the metrics of a target."""

    @property
    def place(self) -> PrometheusPlace:
        """Where it is, as the settings have it."""

    async def matrix(self, query: str, since: float, until: float, step_s: float) -> tuple[Told, ...]:
        """The series of a query, from a moment to another, in seconds since 1970, every ``step_s`` seconds.

        Raises:
            ActionError: it does not answer, does not let us in, or refuses; says where it is.
        """


class Hands(Protocol):
    """The one way in which a step looks at and acts on one target. Every call has its own time-out.

    All raise ``Unreachable``, ``AccessDenied``, ``CommandRefused`` or ``Garbled`` and say which node.
    """

    @property
    def target(self) -> Target:
        """What it is, as the settings have it."""

    @property
    def elasticache(self) -> ElastiCache:
        """AWS, of a target of kind elasticache; asking for it of another one is refused."""

    @property
    def kubernetes(self) -> Kubernetes:
        """Kubernetes, of a target that lives there or whose application does; of another one it is refused."""

    @property
    def prometheus(self) -> Prometheus:
        """Prometheus, of a target whose metrics it keeps; of another one it is refused."""

    async def observe(self) -> Snapshot:
        """A picture from every vantage point; never raises for a node that does not answer."""

    async def observe_servers(self) -> Snapshot:
        """As ``observe`` of the servers alone, those that are known by now: AWS and Kubernetes are not asked."""

    async def standing(self, node: Address) -> Standing:
        """Role and offset of one node. Source: INFO replication."""

    async def holdings(self, node: Address) -> Holdings:
        """What it holds. Source: INFO memory and keyspace."""

    async def keyspace(self, node: Address) -> Keyspace:
        """Which databases hold how many keys. Source: INFO keyspace and persistence."""

    async def why_not_flush(self, node: Address) -> str:
        """Why the server would not let us flush it, in its own words; empty where it would.

        Found out by commands that are queued and discarded, and that would be no commands if they were run.
        """

    async def flush(
        self, node: Address, wanted: Flush, settings: Mapping[str, str]
    ) -> tuple[Keyspace, Keyspace] | None:
        """In one go: CONFIG SET, CLIENT UNPAUSE, and a script that flushes if the node is still where it is to be.

        By a connection that ``recall`` finds again. FLUSHDB ASYNC of each database; what they held before and after.
        ``None``: the node has moved on, and nothing was flushed.
        """

    async def flush_mark(self, node: Address, mark: str, database: int, *, remove: bool = False) -> bool:
        """Whether this node has the mark of a flush; with ``remove`` it is deleted, and was there."""

    async def renew(self, node: Address) -> None:
        """Close the connection: the next question makes a new one, to whoever is behind an endpoint by then."""

    async def fence(self, node: Address, pause_ms: int, settings: Mapping[str, str]) -> int:
        """In one transaction: CLIENT PAUSE WRITE for ``pause_ms`` and CONFIG SET; then the frozen offset.

        As every change, by a connection that ``recall`` finds again.
        """

    async def unfence(self, node: Address, settings: Mapping[str, str]) -> None:
        """In one transaction: CONFIG SET and CLIENT UNPAUSE."""

    async def settings(self, node: Place, names: tuple[str, ...]) -> Mapping[str, str]:
        """CONFIG GET, or SENTINEL MASTER; a name that is not known there is left out.

        ``monitor`` of a Sentinel is whom it names as master.
        """

    async def change_settings(self, node: Place, settings: Mapping[str, str], *, rewrite: bool) -> None:
        """CONFIG SET, or SENTINEL SET, and for its ``monitor`` a hello.

        With ``rewrite`` CONFIG REWRITE too, where a node has a file that it can write.

        Sentinel rewrites the file of each node that it reconfigures, with whatever is set at that moment: what we put
        back after a failover has to reach the file too, or it returns with the next restart.
        """

    async def cluster_failover(self, replica: Address, mode: Takeover | None = None) -> None:
        """CLUSTER FAILOVER at this replica, by a connection that ``recall`` finds again.

        OK is not success: it comes long before the replica is master, if it ever is.
        """

    async def rewrite_config(self, node: Address) -> str | None:
        """CONFIG REWRITE, so that roles and settings survive a restart; ``None``, or why no file was written."""

    async def demote(self, node: Address, master: Address) -> None:
        """In one transaction: CLIENT UNPAUSE and REPLICAOF, by a connection that ``recall`` finds again."""

    async def promote(self, node: Address) -> None:
        """REPLICAOF NO ONE, by a connection that ``recall`` finds again."""

    async def recall(self, node: Place) -> None:
        """Close, at this node's or Sentinel's end, the connections of changes and moves that got no answer.

        What has not arrived by now never does. It takes the rights to CLIENT LIST and CLIENT KILL.
        """

    async def disconnect_clients(self, node: Address) -> None:
        """CLIENT KILL TYPE normal, the asking connection spared: clients that hang on a pause find the new master."""

    async def sentinel_failover(self, sentinel: Address, *, coordinated: bool) -> None:
        """SENTINEL FAILOVER at this Sentinel only."""

    async def stop_sentinel_failover(self, sentinel: Address, timeout_ms: int) -> str:
        """Let a failover that has not promoted yet run into its time-out at once; say what was seen.

        Sentinel has no command for it: its failover-timeout is set to 1 ms, and to ``timeout_ms`` again in any case.
        """

    async def abort_failover(self, node: Address) -> None:
        """FAILOVER ABORT; nothing happens where none runs."""

    async def named_master(self, sentinel: Address) -> Address | None:
        """SENTINEL GET-MASTER-ADDR-BY-NAME; ``None`` where it does not know the name."""

    async def sentinel_views(self) -> tuple[SentinelView, ...]:
        """Every Sentinel's view, asked now."""

    async def write_probe(self, master: Address, replicas: tuple[Address, ...], token: str) -> ProbeResult:
        """SET a unique key with an expiry, WAIT on the same connection, read it on each replica, delete it.

        ``token`` becomes part of the key: a hash tag in it says in which shard of a cluster the key is.
        """

    async def compare_keys(self, first: Address, second: Address, bounds: Bounds) -> Comparison:
        """Compare what two nodes hold, key by key; nothing is changed, and nothing touched as by a use.

        Whatever ends it early, such as a node that dies or a right that is missing, is part of the result: it is then
        not ``complete``. Raises ``CommandRefused`` where both are one process.
        """

    async def rescue_room(self, node: Address) -> RescueRoom:
        """Whether a copy of all data of this node could be put where copies of this target go; writes nothing there."""

    async def rescue(
        self, node: Address, name: str, evidence: Mapping[str, object], *, fork: int | None = None
    ) -> RescueCopy:
        """Put a verified copy of all data of this node where copies of this target go.

        What every node and Sentinel says is kept beside it first, together with ``evidence``, which has to be fit for
        JSON. The node forks for it, and sends it as to a replica. Takes as long as it takes while data comes.

        Args:
            node: whose data.
            name: from ``copy_name``. Nothing is ever written over; what is there already is refused.
            evidence: what else was seen, and why the copy is taken.
            fork: the first offset of what only this node has: the commands from there on are kept too, where its
                backlog still holds them.

        Raises:
            RescueFailed: there is no store, no room, no right, or what came is not good. As every other error it leaves
                nothing under this name but the evidence, so that it can be tried again.
        """

    async def rescued(self, name: str) -> RescueCopy | None:
        """The copy of this name, whose data is hashed again; ``None`` where there is none.

        Raises:
            RescueDamaged: it is not what it was.
        """

    async def commands_since(self, node: Address, replid: str, offset: int) -> frozenset[str]:
        """The names of the commands that this node has sent its replicas after this offset of its history, until now.

        Raises:
            CommandRefused: its backlog no longer has all of them.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait; a fake may make time pass at once."""

    def now(self) -> float:
        """Monotonic seconds."""
