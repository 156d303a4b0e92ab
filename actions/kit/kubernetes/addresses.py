"""Where the pods of a release say that Redis and the Sentinels listen. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.kubernetes.view import KubernetesView, PodView
from actions.kit.topology import Address

REDIS_PORTS = ("redis", "tcp-redis", "tcp-redis-tls")
SENTINEL_PORTS = ("redis-sentinel", "tcp-sentinel")
_OTHERS = ("metrics",)


def nodes_of(view: KubernetesView) -> tuple[Address, ...]:
    """Every pod's Redis, by the pod's IP address; a pod without one, or without Redis, is none."""
    return tuple(sorted(_ports(view, REDIS_PORTS)))


def sentinels_of(view: KubernetesView) -> tuple[Address, ...]:
    """Every pod's Sentinel."""
    return tuple(sorted(_ports(view, SENTINEL_PORTS)))


def pod_at(view: KubernetesView, address: Address) -> tuple[PodView, int] | None:
    """The pod that announces this address, by its IP or its name, and the port in it."""
    pod = view.pod_of(address.host)
    return (pod, address.port) if pod is not None else None


def _ports(view: KubernetesView, names: tuple[str, ...]) -> Iterator[Address]:
    for pod in view.pods:
        port = pod.port(*names)
        if port is not None and pod.ip and pod.phase not in ("Succeeded", "Failed"):
            yield Address(pod.ip, port)
