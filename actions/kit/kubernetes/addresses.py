"""Where the pods of a release say that Redis and the Sentinels listen. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from actions.kit.topology import Address

if TYPE_CHECKING:
    from actions.kit.kubernetes.view import KubernetesView

REDIS_PORTS = ("redis", "tcp-redis", "tcp-redis-tls")
SENTINEL_PORTS = ("redis-sentinel", "tcp-sentinel")


def nodes_of(view: KubernetesView) -> tuple[Address, ...]:
    """Every pod's Redis, by the pod's IP address; a pod without one, or without Redis, is none."""
    return tuple(sorted(_ports(view, REDIS_PORTS)))


def sentinels_of(view: KubernetesView) -> tuple[Address, ...]:
    """Every pod's Sentinel."""
    return tuple(sorted(_ports(view, SENTINEL_PORTS)))


def by_pod(view: KubernetesView | None, wanted: Address | None) -> Address | None:
    """The address of the pod that goes by this name or address; what was wanted itself where there is none."""
    pod = view.pod_of(wanted.host) if view is not None and wanted is not None else None
    return Address(pod.ip, wanted.port) if pod is not None and wanted is not None and pod.ip else wanted


def by_name(view: KubernetesView | None, address: Address) -> Address:
    """The address of a pod by its lasting name, which goes on to be right when the pod is made anew; else as it is."""
    pod = view.pod_of(address.host) if view is not None else None
    if view is None or pod is None or not pod.subdomain or pod.ip != address.host:
        return address
    return Address(f"{pod.name}.{pod.subdomain}.{view.namespace}.svc", address.port)


def is_gone(view: KubernetesView | None, host: str) -> bool:
    """Whether Kubernetes tells that the pod of this lasting name is no more: its StatefulSet is there, and it is not.

    An address says nothing: it may be anybody's.
    """
    if view is None or view.unasked is not None or any("pods" in gap.source for gap in view.gaps):
        return False
    owner, _, number = host.partition(".")[0].rpartition("-")
    return number.isdigit() and any(one.name == owner for one in view.sets) and view.pod_of(host) is None


def _ports(view: KubernetesView, names: tuple[str, ...]) -> Iterator[Address]:
    for pod in view.pods:
        port = pod.port(*names)
        if port is not None and pod.ip and pod.phase not in ("Succeeded", "Failed"):
            yield Address(pod.ip, port)
