"""The objects of the Bitnami charts in their three shapes. No I/O here."""

from sandbox.kubernetes.api.resources import Json
from sandbox.kubernetes.charts import bitnami
from sandbox.kubernetes.charts.bitnami import Chart


def objects(chart: Chart, images: dict[str, str], *, probes: bool) -> list[Json]:
    """What `helm install` makes; `images` are the names of those with "redis" and "sentinel".

    `probes` says whether the images have redis-cli, with which the probes ask; else they only connect.
    """
    made = {"sentinel": _sentinel, "replication": _replication, "cluster": _cluster}[chart.values.shape]
    return [*bitnami.secret(chart), *made(chart, images, probes)]


def _sentinel(chart: Chart, images: dict[str, str], probes: bool) -> list[Json]:
    """One StatefulSet of pods with a data node and a Sentinel each, and one Service in front of all of them."""
    ports = {"tcp-redis": chart.port, "tcp-sentinel": chart.sentinel_port}
    sentinels = ["--service", chart.service, "--sentinel-port", str(chart.sentinel_port)]
    role = ["sentinel-node", *sentinels, "--master-set", chart.values.master_set]
    containers = [
        bitnami.data_container(chart, "redis", images["redis"], role, probes=probes),
        bitnami.sentinel_container(chart, images["sentinel"], probes=probes),
    ]
    return [
        bitnami.service(chart, "", "node", ports),
        bitnami.headless_service(chart, ports),
        bitnami.stateful_set(chart, "-node", "node", chart.values.replicas, containers),
    ]


def _replication(chart: Chart, images: dict[str, str], probes: bool) -> list[Json]:
    """A master and its replicas apart; the Services select by component, whoever may be master."""
    master = f"{chart.full_name}-master-0.{chart.headless}"
    as_master = bitnami.data_container(chart, "redis", images["redis"], ["master"], probes=probes)
    as_replica = bitnami.data_container(chart, "redis", images["redis"], ["replica", "--master", master], probes=probes)
    return [
        bitnami.service(chart, "-master", "master", {"tcp-redis": "redis"}),
        bitnami.service(chart, "-replicas", "replica", {"tcp-redis": "redis"}),
        bitnami.headless_service(chart, {"tcp-redis": "redis"}),
        bitnami.stateful_set(chart, "-master", "master", 1, [as_master]),
        bitnami.stateful_set(chart, "-replicas", "replica", chart.values.replicas, [as_replica]),
    ]


def _cluster(chart: Chart, images: dict[str, str], probes: bool) -> list[Json]:
    """One StatefulSet whose container is called like the release, and no component label."""
    container = bitnami.data_container(chart, chart.full_name, images["redis"], ["cluster-node"], probes=probes)
    bus = chart.port + 10_000
    container["ports"].append({"name": "tcp-redis-bus", "containerPort": bus})
    return [
        bitnami.service(chart, "", "", {"tcp-redis": "tcp-redis"}),
        bitnami.headless_service(chart, {"tcp-redis": "tcp-redis", "tcp-redis-bus": bus}),
        bitnami.stateful_set(chart, "", "", chart.values.replicas, [container], "Parallel"),
    ]
