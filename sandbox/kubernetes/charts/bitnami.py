"""Names, labels and parts that all shapes of the Bitnami charts share. No I/O here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.kubernetes.api.resources import Json
from sandbox.redis.builds import Build

_VERSIONS = {"redis": "redis-21.2.5", "redis-cluster": "redis-cluster-12.0.9"}


@dataclass(frozen=True, kw_only=True)
class Values:
    """What the chart is installed with. Times in milliseconds; without a password there is no login at all.

    `replicas` counts as the chart does: for "sentinel" and "cluster" all pods, for "replication" the replicas only.
    `shape` is "sentinel", "replication" or "cluster"; `shard_replicas` is for "cluster" only. With `hostnames`, which
    real releases have by default, nodes and Sentinels announce the names of their pods, which only pods can look up.
    """

    shape: str = "sentinel"
    release: str = "redis"
    namespace: str = "orders"
    replicas: int = 3
    shard_replicas: int = 1
    password: str | None = "known-to-every-test"  # noqa: S105 - It opens what listens on loopback addresses for a while.
    master_set: str = "mymaster"
    quorum: int = 2
    down_after_ms: int = 2000
    failover_timeout_ms: int = 10000
    storage_class: str = "standard"
    with_cli: bool = True
    hostnames: bool = False
    flags: tuple[str, ...] = ()
    extra_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chart:
    """One installation: the values, the server that its images hold, and the ports it may have here."""

    values: Values
    build: Build
    port: int
    sentinel_port: int

    @property
    def name(self) -> str:
        """Of the chart: "redis", "redis-cluster"."""
        return "redis-cluster" if self.values.shape == "cluster" else "redis"

    @property
    def full_name(self) -> str:
        """With which all names begin: the release, with the chart's name unless that is in it."""
        release = self.values.release
        return release if self.name in release else f"{release}-{self.name}"

    @property
    def headless(self) -> str:
        """The headless Service's full name in DNS, in which the pods' names are."""
        return f"{self.full_name}-headless.{self.values.namespace}.svc.cluster.local"

    @property
    def service(self) -> str:
        """The full name in DNS of the Service that is called like the release."""
        return f"{self.full_name}.{self.values.namespace}.svc.cluster.local"

    def selector(self, component: str = "") -> dict[str, str]:
        """The labels by which a component's pods are found."""
        labels = {"app.kubernetes.io/instance": self.values.release, "app.kubernetes.io/name": self.name}
        return {**labels, **({"app.kubernetes.io/component": component} if component else {})}

    def labels(self, component: str = "") -> dict[str, str]:
        """All labels of a component's objects."""
        version = ".".join(map(str, self.build.version))
        made = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/version": version}
        return {**self.selector(component), **made, "helm.sh/chart": _VERSIONS[self.name], **self.values.extra_labels}

    def metadata(self, suffix: str = "", component: str = "") -> Json:
        """Of an object that Helm has installed."""
        annotations = {
            "meta.helm.sh/release-name": self.values.release,
            "meta.helm.sh/release-namespace": self.values.namespace,
        }
        return {
            "name": f"{self.full_name}{suffix}",
            "namespace": self.values.namespace,
            "labels": self.labels(component),
            "annotations": annotations,
        }


def secret(chart: Chart) -> list[Json]:
    """The Secret with the password, if there is one."""
    if chart.values.password is None:
        return []
    return [{"kind": "Secret", "metadata": chart.metadata(), "stringData": {"redis-password": chart.values.password}}]


def service(chart: Chart, suffix: str, component: str, ports: Mapping[str, int | str], **spec: object) -> Json:
    """A Service of these named ports; what is a name is looked up in the pods' containers."""
    listed = []
    for name, target in ports.items():
        number = target if isinstance(target, int) else chart.port
        listed.append({"name": name, "port": number, "targetPort": target, "protocol": "TCP"})
    content = {"selector": chart.selector(component), "ports": listed, **spec}
    return {"kind": "Service", "metadata": chart.metadata(suffix, component), "spec": content}


def headless_service(chart: Chart, ports: Mapping[str, int | str]) -> Json:
    """The Service that gives each pod its name, ready or not."""
    return service(chart, "-headless", "", ports, clusterIP="None", publishNotReadyAddresses=True)


def stateful_set(
    chart: Chart, suffix: str, component: str, replicas: int, containers: list[Json], policy: str = "OrderedReady"
) -> Json:
    """A StatefulSet with one claim for each pod, called redis-data."""
    metadata = {"name": "redis-data", "labels": chart.selector(component)}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "8Gi"}},
        "storageClassName": chart.values.storage_class,
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": chart.selector(component)},
        "serviceName": f"{chart.full_name}-headless",
        "podManagementPolicy": policy,
        "template": {
            "metadata": {"labels": chart.labels(component)},
            "spec": {"containers": containers, "terminationGracePeriodSeconds": 30, "enableServiceLinks": True},
        },
        "volumeClaimTemplates": [{"metadata": metadata, "spec": claim}],
    }
    return {"kind": "StatefulSet", "metadata": chart.metadata(suffix, component), "spec": spec}


def data_container(chart: Chart, name: str, image: str, role: list[str], *, probes: bool) -> Json:
    """The container with a data node; `role` are the words for the start program."""
    arguments = [*role, "--port", str(chart.port), "--headless", chart.headless]
    arguments += ["--hostnames"] if chart.values.hostnames else []
    arguments += ["--", *chart.values.flags] if chart.values.flags else []
    return {
        "name": name,
        "image": image,
        "command": ["redis-container"],
        "args": arguments,
        "env": [*_password(chart), {"name": "REDIS_PORT", "value": str(chart.port)}],
        "ports": [{"name": "redis" if chart.name == "redis" else "tcp-redis", "containerPort": chart.port}],
        "volumeMounts": [{"name": "redis-data", "mountPath": "/data"}],
        **_probes(chart.port, by_command=probes),
    }


def sentinel_container(chart: Chart, image: str, *, probes: bool) -> Json:
    """The container with a Sentinel."""
    values = chart.values
    arguments = ["sentinel", "--port", str(chart.port), "--sentinel-port", str(chart.sentinel_port)]
    arguments += ["--service", chart.service, "--headless", chart.headless, "--master-set", values.master_set]
    arguments += ["--quorum", str(values.quorum), "--down-after-ms", str(values.down_after_ms)]
    arguments += ["--failover-timeout-ms", str(values.failover_timeout_ms)]
    arguments += ["--hostnames"] if values.hostnames else []
    port = {"name": "REDIS_SENTINEL_PORT", "value": str(chart.sentinel_port)}
    probed = {"name": "SANDBOX_PROBED_PORT", "value": str(chart.sentinel_port)}
    return {
        "name": "sentinel",
        "image": image,
        "command": ["redis-container"],
        "args": arguments,
        "env": [*_password(chart), {"name": "REDIS_PORT", "value": str(chart.port)}, port, probed],
        "ports": [{"name": "redis-sentinel", "containerPort": chart.sentinel_port}],
        **_probes(chart.sentinel_port, by_command=probes),
    }


def _password(chart: Chart) -> list[Json]:
    if chart.values.password is None:
        return [{"name": "ALLOW_EMPTY_PASSWORD", "value": "yes"}]
    reference = {"secretKeyRef": {"name": chart.full_name, "key": "redis-password"}}
    return [
        {"name": "ALLOW_EMPTY_PASSWORD", "value": "no"},
        *({"name": name, "valueFrom": reference} for name in ("REDIS_PASSWORD", "REDIS_MASTER_PASSWORD")),
    ]


def _probes(port: int, *, by_command: bool) -> Json:
    asks: Json = {"exec": {"command": ["sh", "-c", "ping_local.sh 5"]}} if by_command else {"tcpSocket": {"port": port}}
    asks["timeoutSeconds"] = 5
    return {
        "startupProbe": {**asks, "initialDelaySeconds": 2, "periodSeconds": 2, "failureThreshold": 100},
        "readinessProbe": {**asks, "periodSeconds": 10, "failureThreshold": 3},
        "livenessProbe": {**asks, "initialDelaySeconds": 20, "periodSeconds": 30, "failureThreshold": 5},
    }
