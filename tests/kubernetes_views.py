"""Hand-made views of Kubernetes that go with ``tests.builders``: a pod for each node, the Services, an application."""

from dataclasses import replace

from actions.kit.kubernetes.view import (
    ApplicationView,
    ClaimView,
    ContainerView,
    EnvValue,
    KubernetesView,
    PodView,
    Rollout,
    ServiceView,
    SetView,
    Shape,
)
from actions.kit.snapshot import Snapshot
from tests.builders import node_at


def pod_view(number: int, name: str, component: str) -> PodView:
    redis = ContainerView("redis", ready=True, ports=(("redis", 6379),))
    return PodView(
        name,
        component,
        "redis",
        node="worker-1",
        ip=node_at(number).host,
        phase="Running",
        ready=True,
        containers=(redis,),
    )


def chart_of_replication(value: str = "redis-master") -> KubernetesView:
    """What the chart makes of one master and two replicas; the application is set to the write Service."""
    pods = (
        pod_view(1, "redis-master-0", "master"),
        pod_view(2, "redis-replicas-0", "replica"),
        pod_view(3, "redis-replicas-1", "replica"),
    )
    services = (
        ServiceView("redis-headless", headless=True, pods=tuple(pod.name for pod in pods)),
        ServiceView("redis-master", "master", selector=(("component", "master"),), pods=("redis-master-0",)),
        ServiceView("redis-replicas", "replica", pods=("redis-replicas-0", "redis-replicas-1")),
    )
    application = ApplicationView("api", "REDIS_HOST", "api", EnvValue(value), rollout=Rollout(2, 2, 2, 2, 1, 1))
    return KubernetesView(
        "aragora",
        "redis",
        Shape.REPLICATION,
        pods,
        sets=(SetView("redis-master", 1, 1), SetView("redis-replicas", 2, 2)),
        claims=(ClaimView("redis-data-redis-master-0", "Bound"),),
        services=services,
        application=application,
    )


def on_kubernetes(snapshot: Snapshot, view: KubernetesView) -> Snapshot:
    return replace(snapshot, kubernetes=view)


def with_pod(view: KubernetesView, number: int, **pod: object) -> KubernetesView:
    """The same with fields of one pod changed; of its one container with ``container={…}``."""
    pods = list(view.pods)
    container = pod.pop("container", {})
    one = replace(pods[number - 1].containers[0], **container)
    pods[number - 1] = replace(pods[number - 1], containers=(one,), **pod)
    return replace(view, pods=tuple(pods))
