"""Says how a pod is: phase, conditions, containers. No I/O here."""

from collections.abc import Mapping

from sandbox.kubernetes.api.resources import Json, timestamp
from sandbox.kubernetes.kubelet.container import Container


def pod_status(pod: Json, ip: str, containers: Mapping[str, Container], eviction: str) -> Json:
    """The status of a pod on the node; a condition keeps the time of its last transition."""
    before: Json = pod["status"]
    if eviction:
        kept: Json = {name: before[name] for name in ("qosClass", "startTime") if name in before}
        return {**kept, "phase": "Failed", "reason": "Evicted", "message": eviction}
    unready = [name for name, container in containers.items() if not container.ready]
    conditions = [
        _condition(before, "PodReadyToStartContainers", True),
        _condition(before, "Initialized", True),
        _condition(before, "Ready", not unready, unready),
        _condition(before, "ContainersReady", not unready, unready),
        _condition(before, "PodScheduled", True),
    ]
    return {
        **before,
        "phase": _phase(pod, containers),
        "conditions": conditions,
        "hostIP": "127.0.0.1",
        "hostIPs": [{"ip": "127.0.0.1"}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": before.get("startTime") or timestamp(),
        "containerStatuses": [containers[name].status() for name in sorted(containers)],
    }


def _phase(pod: Json, containers: Mapping[str, Container]) -> str:
    states = [container.state for container in containers.values()]
    if all("terminated" in state for state in states) and pod["spec"].get("restartPolicy") != "Always":
        codes = [state["terminated"]["exitCode"] for state in states]
        return "Failed" if any(codes) else "Succeeded"
    begun = all(container.restarts or "waiting" not in container.state for container in containers.values())
    return "Running" if begun else "Pending"


def _condition(before: Json, kind: str, holds: bool, unready: list[str] | None = None) -> Json:
    status = "True" if holds else "False"
    old = next((one for one in before.get("conditions") or () if one["type"] == kind), None)
    since = old["lastTransitionTime"] if old and old["status"] == status else timestamp()
    condition: Json = {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
    if unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        condition |= {"reason": "ContainersNotReady", "message": message}
    return condition


def is_ready(pod: Json) -> bool:
    """Whether the pod says that it is ready, and nobody has deleted it."""
    conditions = pod["status"].get("conditions") or ()
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")
