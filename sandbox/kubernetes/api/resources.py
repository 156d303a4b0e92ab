"""Says which resources there are and what each has. No I/O here."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One resource: `fields` are those that a field selector may name beside name and namespace."""

    plural: str
    kind: str
    group: str = ""
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    short_names: tuple[str, ...] = field(default=(), compare=False)

    @property
    def api_version(self) -> str:
        """As it stands in an object: "v1", "apps/v1"."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def qualified(self) -> str:
        """As errors name it: "pods", "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """As errors about an object's content name it: "Pod", "Deployment.apps"."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


_ABOUT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_EVENT_FIELDS = (*(f"involvedObject.{name}" for name in _ABOUT), "reason", "source", "type", "reportingComponent")
_POD_FIELDS = ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP")
_SCALED = ("scale", "status")

PODS = Resource(
    "pods", "Pod", subresources=("status", "log", "exec", "portforward"), fields=_POD_FIELDS, short_names=("po",)
)
SERVICES = Resource("services", "Service", subresources=("status",), fields=("spec.clusterIP",), short_names=("svc",))
ENDPOINTS = Resource("endpoints", "Endpoints", short_names=("ep",))
CLAIMS = Resource("persistentvolumeclaims", "PersistentVolumeClaim", subresources=("status",), short_names=("pvc",))
EVENTS = Resource("events", "Event", fields=_EVENT_FIELDS, short_names=("ev",))
CONFIG_MAPS = Resource("configmaps", "ConfigMap", short_names=("cm",))
SECRETS = Resource("secrets", "Secret", fields=("type",))
NAMESPACES = Resource(
    "namespaces", "Namespace", namespaced=False, subresources=("status",), fields=("status.phase",), short_names=("ns",)
)
NODES = Resource("nodes", "Node", namespaced=False, subresources=("status",), short_names=("no",))
DEPLOYMENTS = Resource("deployments", "Deployment", "apps", subresources=_SCALED, short_names=("deploy",))
REPLICA_SETS = Resource("replicasets", "ReplicaSet", "apps", subresources=_SCALED, short_names=("rs",))
STATEFUL_SETS = Resource("statefulsets", "StatefulSet", "apps", subresources=_SCALED, short_names=("sts",))
ENDPOINT_SLICES = Resource("endpointslices", "EndpointSlice", "discovery.k8s.io")

RESOURCES = (
    *(PODS, SERVICES, ENDPOINTS, CLAIMS, EVENTS, CONFIG_MAPS, SECRETS, NAMESPACES, NODES),
    *(DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, ENDPOINT_SLICES),
)


def timestamp(at: dt.datetime | None = None) -> str:
    """This moment, or now, as objects carry it."""
    return (at or dt.datetime.now(dt.UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(thing: Json) -> tuple[str, str]:
    """Its namespace, empty where it has none, and its name."""
    return thing["metadata"].get("namespace", ""), thing["metadata"]["name"]


def labels_of(thing: Json) -> dict[str, str]:
    """Its labels, or none."""
    return thing["metadata"].get("labels") or {}


def owner_reference(owner: Json) -> Json:
    """As an object carries it that this one controls."""
    metadata = owner["metadata"]
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"]}
    return {**reference, "uid": metadata["uid"], "controller": True, "blockOwnerDeletion": True}


def owners_of(thing: Json) -> set[str]:
    """The uids of those that it goes with."""
    return {reference["uid"] for reference in thing["metadata"].get("ownerReferences") or ()}
