"""Where a target lives on Kubernetes, and which application uses it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How we come to a pod's Redis."""

    DIRECT = "direct"
    """By its own address: from inside the cluster, or where its network is routed."""
    PORT_FORWARD = "port-forward"
    """Through the Kubernetes API, as ``kubectl port-forward``."""
    EXEC = "exec"
    """``redis-cli`` in the pod, as ``kubectl exec``: for looking only."""


@dataclass(frozen=True, slots=True)
class Application:
    """What uses the target: a Deployment that is told by a variable of its environment where Redis is.

    ``container``: which one has the variable; empty: the only one that has it. ``health_url`` may be empty.
    """

    deployment: str
    env: str
    container: str = ""
    health_url: str = ""


@dataclass(frozen=True, slots=True)
class KubernetesPlace:
    """A Helm release in a namespace; ``release`` is empty where only the application lives there.

    ``context`` and ``kubeconfig`` say which cluster, as kubectl does; without both it is the one that we run in, and
    outside of any the kubeconfig's current context.
    """

    namespace: str
    release: str
    context: str = ""
    kubeconfig: str = ""
    reach: Way = Way.DIRECT
    application: Application | None = None
