"""Breaks a release as accidents on Kubernetes do, and mends it; each function returns a sentence on what it did.

What goes wrong with the API server itself is in `Kubernetes.api`: its `faults`, `switch_off` and `switch_on`.
"""

import signal

from sandbox.kubernetes.api.resources import PODS
from sandbox.kubernetes.charts.install import Release
from sandbox.kubernetes.kubelet.pod import RunningPod

_MADE_UP = "made to fail"


async def delete_pod(release: Release, pod: str) -> str:
    """Delete a pod at once, as `kubectl delete pod --force` does; its owner makes it anew."""
    release.cluster.store.delete(PODS, release.cluster.get(PODS, release.namespace, pod), 0)
    return f"The pod {pod} was deleted by force."


async def kill(release: Release, pod: str, container: str = "redis") -> str:
    """Kill a container's processes with SIGKILL once; it is started again."""
    _running(release, pod).signal(signal.SIGKILL, container)
    return f"The container {container} of {pod} was killed (kill -9)."


async def out_of_memory(release: Release, pod: str, container: str = "redis") -> str:
    """Kill a container as the kernel does that has used up its memory limit; it is started again."""
    running = _running(release, pod)
    running.containers[container].end = "OOMKilled"
    running.signal(signal.SIGKILL, container)
    return f"The container {container} of {pod} was killed by the kernel: it had used up its memory (OOMKilled)."


async def hang(release: Release, pod: str, container: str = "") -> str:
    """Stop a container, or all of a pod, with SIGSTOP: connections stay open, nothing is answered."""
    _running(release, pod).signal(signal.SIGSTOP, container)
    return f"{container or 'Everything'} of {pod} hangs (SIGSTOP): connections stay open, nothing is answered."


async def crash_loop(release: Release, pod: str, container: str = "redis") -> str:
    """Let a container end as soon as it is started, again and again."""
    running = _running(release, pod)
    running.containers[container].crashes = True
    running.signal(signal.SIGKILL, container)
    return f"The container {container} of {pod} ends whenever it is started."


async def unready(release: Release, pod: str, container: str = "redis") -> str:
    """Let a container's readiness probe fail; what runs in it goes on."""
    _running(release, pod).containers[container].spoiled = _MADE_UP
    return f"The readiness probe of {pod} fails; it runs all the same."


async def evict(release: Release, pod: str, short_of: str = "memory") -> str:
    """Let the node be short of "memory" or "disk", and evict a pod."""
    release.cluster.kubelet.press(short_of)
    _running(release, pod).evict(f"The node was low on resource: {short_of}.")
    return f"The node is short of {short_of}, and has evicted {pod}."


async def stale_endpoints(release: Release) -> str:
    """Let the Services not notice any more what becomes of their pods."""
    release.cluster.endpoints.stale = True
    return "The Services do not notice any more what becomes of their pods."


async def mend(release: Release) -> str:
    """End everything that the functions above have made to last, and the faults of the API server."""
    for pod in release.pod_names():
        running = _running(release, pod)
        for container in running.containers.values():
            container.crashes, container.spoiled = False, ""
        running.signal(signal.SIGCONT)
    release.cluster.endpoints.stale = False
    release.cluster.kubelet.relieve()
    release.cluster.api.faults.mend()
    return "Nothing is made to fail any more."


def _running(release: Release, pod: str) -> RunningPod:
    return release.cluster.kubelet.pod(release.namespace, pod)
