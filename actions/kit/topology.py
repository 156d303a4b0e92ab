"""What a target is: where its nodes and Sentinels are, how to be let in, what is allowed. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from actions.kit.errors import UsageError

if TYPE_CHECKING:
    from actions.kit.kubernetes.place import KubernetesPlace
    from actions.kit.prometheus_place import PrometheusPlace
    from actions.kit.rescue_place import RescuePlace


class Kind(StrEnum):
    """Who is in charge of a target's roles."""

    REPLICATION = "replication"
    """One master and its replicas; nobody fails over by itself."""
    SENTINEL = "sentinel"
    """Sentinels watch the master and promote a replica."""
    CLUSTER = "cluster"
    """Redis Cluster: the nodes vote themselves."""
    ELASTICACHE = "elasticache"
    """AWS moves the roles."""


class Address(NamedTuple):
    """Where a node or a Sentinel listens. ``host`` is a name or an IP address, ``port`` 1 to 65535."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, default_port: int | None = None) -> Address:
        """Read ``host:port``, ``[v6]:port`` or, with a default port, ``host``.

        Raises:
            UsageError: there is no host, no port or no port between 1 and 65535.
        """
        if "/" in text or "@" in text:  # It may hold a password, so it is not repeated.
            raise UsageError("A URL is not an address; write only host:port, such as 10.0.0.1:6379.")
        host, colon, port = text.strip().rpartition(":")
        if not colon or (":" in host and not host.startswith("[")):
            host, port = text.strip(), str(default_port or "")
        host = host.removeprefix("[").removesuffix("]")
        if (
            not host
            or not port.isascii()
            or not port.isdigit()
            or not 0 < int(port) < 65536
            or any(map(str.isspace, host))
        ):
            raise UsageError(f"{text!r} is not an address; write host:port, such as 10.0.0.1:6379.")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Resource:
    """What has settings and is no server: ``kind`` says who keeps them (``deployment``), ``name`` which one it is."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Place = Address | Resource
"""Where a setting is."""


@dataclass(frozen=True, slots=True)
class AddressMap:
    """Where servers are dialled from here whose own addresses do not lead to them from here, as behind NAT.

    ``places``: by the address that the servers go by among themselves; ``hosts``: by its host, for every port that
    stays the same. An address of its own goes before its host.
    """

    places: tuple[tuple[Address, Address], ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()

    def place(self, announced: Address) -> Address:
        """Where to dial for this server; its own address where none is mapped."""
        for known, place in self.places:
            if known == announced:
                return place
        return next((Address(host, announced.port) for known, host in self.hosts if known == announced.host), announced)

    def announced(self, place: Address) -> Address:
        """What the servers call what is dialled there; a place of nobody's is called what it is."""
        for known, mapped in self.places:
            if mapped == place:
                return known
        return next((Address(known, place.port) for known, host in self.hosts if host == place.host), place)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password; neither is ever shown."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """How to speak TLS; paths to PEM files. Without ``ca_file`` the system's authorities are trusted."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    check_hostname: bool = True


GROUP_KIND = "replication group"
"""The kind of the resource that a replication group of ElastiCache is."""


@dataclass(frozen=True, slots=True)
class ReplicationGroup:
    """A replication group of Amazon ElastiCache: where AWS is asked about it.

    ``endpoint_url``: where AWS's API is reached instead of the region's own address, without a slash at its end.
    """

    region: str
    name: str
    endpoint_url: str | None = None

    @property
    def resource(self) -> Resource:
        """Where its settings are."""
        return Resource(GROUP_KIND, self.name)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a planned change may go on this target."""

    max_lag_bytes: int = 1_048_576
    """A candidate further behind than this is not eligible."""
    max_pause_ms: int = 5_000
    """Writes may be refused for at most this long before the new master has to be there."""
    cooldown_s: int = 900
    """No second failover sooner than this after the last one."""


@dataclass(frozen=True, slots=True)
class Target:
    """One Redis deployment. Source: ``targets.yaml``."""

    name: str
    kind: Kind
    environment: str = "production"
    nodes: tuple[Address, ...] = ()
    sentinels: tuple[Address, ...] = ()
    master_name: str = ""
    auth: Credentials = Credentials()
    sentinel_auth: Credentials = Credentials()
    tls: Tls | None = None
    sentinel_tls: Tls | None = None
    limits: Limits = Limits()
    elasticache: ReplicationGroup | None = None
    """Of kind elasticache only."""
    timeout_ms: int = 1_000
    """Each vantage point has this long to answer."""
    address_map: AddressMap = AddressMap()
    """``nodes`` and ``sentinels`` hold what the servers call themselves; this says where they are dialled."""
    kubernetes: KubernetesPlace | None = None
    """Where it lives on Kubernetes; ``nodes`` and ``sentinels`` may be empty then: the pods say them."""
    rescue: RescuePlace | None = None
    """Where copies of its data go before something is done that cannot be taken back."""
    prometheus: PrometheusPlace | None = None
    """Where its metrics are kept, for charts."""
