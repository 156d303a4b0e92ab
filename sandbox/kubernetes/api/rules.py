"""Fills in what a request leaves out, and refuses objects that break the rules that matter here. No I/O here."""

import base64
from collections.abc import Callable

from sandbox.kubernetes.api.errors import bad_request, invalid
from sandbox.kubernetes.api.resources import (
    CLAIMS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    Json,
    Resource,
)
from sandbox.kubernetes.api.selectors import by_selector

Problems = list[tuple[str, str]]

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
}
_WORKLOADS = (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS)


def complete(resource: Resource, thing: Json) -> None:
    """Write the defaults into this object, new or changed."""
    if resource in _WORKLOADS:
        _complete_workload(resource, thing)
    elif filled := _COMPLETED.get(resource):
        filled(thing)


def first_status(resource: Resource) -> Json | None:
    """The status that a new object has; None where the resource has none."""
    first: dict[Resource, Json] = {
        PODS: {"phase": "Pending", "qosClass": "BestEffort"},
        SERVICES: {"loadBalancer": {}},
        CLAIMS: {"phase": "Pending"},
        NAMESPACES: {"phase": "Active"},
        DEPLOYMENTS: {},
        REPLICA_SETS: {"replicas": 0},
        STATEFUL_SETS: {"replicas": 0, "availableReplicas": 0},
    }
    return first.get(resource)


def check(resource: Resource, thing: Json, before: Json | None = None) -> None:
    """Refuse an object that breaks the rules, or that changes what must stay.

    Raises:
        Refused: 422 with each field and what is wrong with it.
    """
    if resource in _WORKLOADS and not isinstance(thing.get("spec"), dict):
        raise bad_request(f"{resource.kind} in version v1 cannot be handled: it has no spec")
    problems: Problems = []
    if resource is PODS:
        problems += _pod_problems(thing.get("spec") or {}, "spec")
    elif resource in _WORKLOADS:
        problems += _workload_problems(thing, before)
    if problems:
        raise invalid(resource, thing["metadata"]["name"], problems)


def _complete_pod(spec: Json) -> None:
    for name, value in _POD.items():
        spec.setdefault(name, value if not isinstance(value, dict) else {})
    for container in spec.get("containers") or []:
        container.setdefault("imagePullPolicy", "IfNotPresent")
        container.setdefault("resources", {})
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        for port in container.get("ports") or []:
            port.setdefault("protocol", "TCP")
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            if kind in container:
                container[kind] = {**_PROBE, **container[kind]}


def _complete_workload(resource: Resource, thing: Json) -> None:
    spec = thing["spec"]
    spec.setdefault("replicas", 1)
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _complete_pod(template.setdefault("spec", {}))
    if resource is DEPLOYMENTS:
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)
        strategy = spec.setdefault("strategy", {})
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
    elif resource is STATEFUL_SETS:
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("podManagementPolicy", "OrderedReady")
        spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})


def _complete_service(thing: Json) -> None:
    spec = thing["spec"]
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])


def _complete_claim(thing: Json) -> None:
    thing["spec"].setdefault("volumeMode", "Filesystem")
    thing["spec"].setdefault("storageClassName", "standard")


def _complete_secret(thing: Json) -> None:
    thing.setdefault("type", "Opaque")
    plain = thing.pop("stringData", {})
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    thing["data"] = {**(thing.get("data") or {}), **encoded}


_COMPLETED: dict[Resource, Callable[[Json], None]] = {
    PODS: lambda thing: _complete_pod(thing["spec"]),
    SERVICES: _complete_service,
    CLAIMS: _complete_claim,
    SECRETS: _complete_secret,
}


def _pod_problems(spec: Json, where: str) -> Problems:
    containers = spec.get("containers") or []
    problems: Problems = [] if containers else [(f"{where}.containers", "Required value")]
    names: set[str] = set()
    for index, container in enumerate(containers):
        at = f"{where}.containers[{index}]"
        problems += [(f"{at}.{name}", "Required value") for name in ("name", "image") if not container.get(name)]
        if container.get("name") in names:
            problems.append((f"{at}.name", f'Duplicate value: "{container["name"]}"'))
        names.add(container.get("name", ""))
    return problems


def _workload_problems(thing: Json, before: Json | None) -> Problems:
    spec = thing["spec"]
    template = spec.get("template") or {}
    problems = _pod_problems(template.get("spec") or {}, "spec.template.spec")
    if not spec.get("selector"):
        problems.append(("spec.selector", "Required value"))
    elif not by_selector(spec["selector"])({"metadata": template.get("metadata") or {}}):
        labels = (template.get("metadata") or {}).get("labels")
        problems.append(
            ("spec.template.metadata.labels", f"Invalid value: {labels}: `selector` does not match template `labels`")
        )
    if spec.get("replicas", 0) < 0:
        problems.append(("spec.replicas", f"Invalid value: {spec['replicas']}: must be greater than or equal to 0"))
    if before and before["spec"].get("selector") != spec.get("selector"):
        problems.append(("spec.selector", f"Invalid value: {spec.get('selector')}: field is immutable"))
    return problems
