"""What is seen of a target on Kubernetes: pods, volumes, Services, events, and the application that uses it.

Fields are ``None`` where the API server did not say. No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from actions.kit.unasked import Unasked


class Shape(StrEnum):
    """How a chart of Bitnami's has set the target up."""

    REPLICATION = "replication"
    """StatefulSets ``<name>-master`` and ``<name>-replicas``; the write Service selects the first for ever."""
    SENTINEL = "sentinel"
    """One StatefulSet ``<name>-node``, a Sentinel beside each Redis."""
    CLUSTER = "cluster"
    """The chart ``redis-cluster``."""
    UNKNOWN = "unknown"
    """No pod carries a label that says it."""


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container of a pod. ``reason``: why it waits or has ended; ``last_reason``: how it ended the last time."""

    name: str
    ready: bool = False
    restarts: int = 0
    reason: str = ""
    last_reason: str = ""
    last_ended_at: datetime | None = None
    ports: tuple[tuple[str, int], ...] = ()
    memory_limit: int | None = None
    """In bytes; ``None`` where it has none."""


@dataclass(frozen=True, slots=True)
class PodView:
    """One pod. ``component`` is ``master``, ``replica`` or ``node``; ``reason``: why it is not scheduled, or gone."""

    name: str
    component: str = ""
    chart: str = ""
    subdomain: str = ""
    """Of its lasting name in DNS; empty where it has none."""
    node: str = ""
    ip: str = ""
    phase: str = ""
    ready: bool = False
    leaving: bool = False
    """It is being deleted."""
    reason: str = ""
    containers: tuple[ContainerView, ...] = ()

    @property
    def restarts(self) -> int:
        """Of all its containers together."""
        return sum(one.restarts for one in self.containers)

    def port(self, *names: str) -> int | None:
        """The container port of one of these names; ``None`` where no container has it."""
        ports = (port for one in self.containers for port in one.ports)
        return next((number for name, number in ports if name in names), None)

    def memory_limit(self, port: int) -> int | None:
        """Of the container that listens on this port, in bytes; ``None`` where it has none, or nobody says which."""
        listening = (one for one in self.containers if any(number == port for _, number in one.ports))
        return next((one.memory_limit for one in listening), None)


@dataclass(frozen=True, slots=True)
class SetView:
    """A StatefulSet: how many pods it wants, and how many are ready."""

    name: str
    wanted: int
    ready: int


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A PersistentVolumeClaim; ``phase`` is ``Bound``, ``Pending`` or ``Lost``."""

    name: str
    phase: str


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A Service, and the pods that its EndpointSlices name; ``None`` where these could not be asked."""

    name: str
    component: str = ""
    headless: bool = False
    selector: tuple[tuple[str, str], ...] = ()
    pods: tuple[str, ...] | None = None
    unready: tuple[str, ...] = ()

    @property
    def takes_writes(self) -> bool:
        """It is the one that the chart means for writes."""
        return not self.headless and (self.component == "master" or self.name.endswith("-master"))

    @property
    def words(self) -> str:
        """Its selector as kubectl prints it."""
        return ",".join(f"{name}={value}" for name, value in self.selector)


@dataclass(frozen=True, slots=True)
class EventView:
    """A warning of Kubernetes' own: about what, why, how often, and when the last time."""

    about: str
    reason: str
    message: str
    count: int = 1
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EnvValue:
    """What a container's variable is set to.

    ``value`` is ``None`` where it comes from elsewhere and was not read; ``source`` then says from where, and
    ``source_json`` is the ``valueFrom`` to put back.
    """

    value: str | None
    source: str = ""
    source_json: str = ""

    @property
    def words(self) -> str:
        """For a person."""
        shown = "not read" if self.value is None else self.value
        return f"{shown} (from {self.source})" if self.source else shown


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a Deployment is. ``stuck`` is the controller's reason where it gave up."""

    wanted: int
    updated: int
    available: int
    total: int
    generation: int
    observed: int
    stuck: str = ""

    @property
    def done(self) -> bool:
        """The newest template runs everywhere, and nothing else does."""
        return self.observed >= self.generation and self.updated == self.available == self.total == self.wanted

    @property
    def words(self) -> str:
        """For a person."""
        seen = f"{self.updated} of {self.wanted} updated, {self.available} available"
        old = self.total - self.updated
        return seen + (f", {old} of the old ones left" if old > 0 else "") + (f": {self.stuck}" if self.stuck else "")


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """The Deployment that uses the target. ``owner`` says who puts back what is changed here, ``pods`` which run.

    ``unswitchable``: why we could not change its variable, and what to do; empty where nothing is known against it.
    """

    deployment: str
    env: str
    container: str = ""
    value: EnvValue | None = None
    owner: str = ""
    rollout: Rollout | None = None
    pods: tuple[PodView, ...] = ()
    unasked: Unasked | None = None
    unswitchable: str = ""


@dataclass(frozen=True, slots=True)
class KubernetesView:
    """A release as the API server shows it. ``unasked``: nothing could be asked; ``gaps`` holds the rest.

    ``looking_only``: its servers are reached in a way that changes nothing.
    """

    namespace: str
    release: str
    shape: Shape = Shape.UNKNOWN
    pods: tuple[PodView, ...] = ()
    sets: tuple[SetView, ...] = ()
    claims: tuple[ClaimView, ...] = ()
    services: tuple[ServiceView, ...] = ()
    events: tuple[EventView, ...] = ()
    application: ApplicationView | None = None
    unasked: Unasked | None = None
    gaps: tuple[Unasked, ...] = ()
    looking_only: bool = False

    def pod_of(self, host: str) -> PodView | None:
        """The pod that has this IP address, or whose name is the first part of this host name."""
        return next((pod for pod in self.pods if pod.ip and host in (pod.ip, pod.name)), None) or next(
            (pod for pod in self.pods if host.startswith(f"{pod.name}.")), None
        )

    def service_of(self, host: str) -> ServiceView | None:
        """The Service of this name, with or without its namespace and the cluster's domain."""
        name, _, rest = host.partition(".")
        if rest and rest.split(".")[0] != self.namespace:
            return None
        return next((one for one in self.services if one.name == name), None)
