"""Says behind each Service which pods are: as Endpoints, as an EndpointSlice, and as names that pods can look up."""

from pathlib import Path

from sandbox.kubernetes.api.resources import (
    ENDPOINT_SLICES,
    ENDPOINTS,
    PODS,
    SERVICES,
    Json,
    key_of,
    labels_of,
    owner_reference,
)
from sandbox.kubernetes.api.selectors import by_selector
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.kubelet.names import write
from sandbox.kubernetes.kubelet.node import NODE_NAME
from sandbox.kubernetes.kubelet.probes import port_number
from sandbox.kubernetes.kubelet.status import is_ready

_SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_DOMAIN = "svc.cluster.local"


class EndpointsOfServices:
    """The endpoints and the endpoint slice controller, and DNS."""

    def __init__(self, store: Store, names_file: Path) -> None:
        self._store = store
        self._names_file = names_file
        self._names = ""
        self.stale = False
        """Whether they have stopped noticing changes."""

    def reconcile(self) -> None:
        """Bring them up to date, unless they are to be stale."""
        if self.stale:
            return
        for service in self._store.select(SERVICES):
            if service["spec"].get("selector"):
                endpoints = self._endpoints(service)
                self._write_slice(service, endpoints)
                self._write_endpoints(service, endpoints)
        self._write_names()

    def _endpoints(self, service: Json) -> list[Json]:
        namespace, _ = key_of(service)
        selects = by_selector({"matchLabels": service["spec"]["selector"]})
        pods = self._store.select(PODS, namespace, lambda pod: selects(pod) and "podIP" in pod["status"])
        return [_endpoint(service, pod) for pod in pods if pod["status"]["phase"] in {"Pending", "Running"}]

    def _ports(self, service: Json, endpoints: list[Json]) -> list[Json]:
        """With a named port as the number that the first pod's containers give it."""
        containers: list[Json] = []
        for endpoint in endpoints[:1]:
            pod = self._store.find(PODS, key_of(service)[0], endpoint["targetRef"]["name"])
            containers = pod["spec"]["containers"] if pod is not None else []
        ports = []
        for port in service["spec"].get("ports") or ():
            numbers = (port_number(container, port["targetPort"]) for container in containers)
            if number := next((number for number in numbers if number), 0):
                name = {"name": port["name"]} if "name" in port else {}
                ports.append({**name, "port": number, "protocol": port["protocol"]})
        return ports

    def _write_slice(self, service: Json, endpoints: list[Json]) -> None:
        namespace, name = key_of(service)
        content = {"endpoints": endpoints, "ports": self._ports(service, endpoints)}
        found = self._store.select(ENDPOINT_SLICES, namespace, lambda one: labels_of(one).get(_SERVICE_NAME) == name)
        for present in found:
            self._store.write(ENDPOINT_SLICES, present, **content)
        if not found:
            labels = {**labels_of(service), _SERVICE_NAME: name, _MANAGED_BY: "endpointslice-controller.k8s.io"}
            metadata: Json = {"generateName": f"{name}-", "namespace": namespace, "labels": labels}
            metadata["ownerReferences"] = [owner_reference(service)]
            self._store.create(ENDPOINT_SLICES, {"metadata": metadata, "addressType": "IPv4", **content})

    def _write_endpoints(self, service: Json, endpoints: list[Json]) -> None:
        namespace, name = key_of(service)
        subset: Json = {}
        for field, wanted in (("addresses", True), ("notReadyAddresses", False)):
            chosen = [_address(endpoint) for endpoint in endpoints if endpoint["conditions"]["ready"] == wanted]
            if chosen:
                subset[field] = chosen
        subsets = [{**subset, "ports": self._ports(service, endpoints)}] if subset else []
        present = self._store.find(ENDPOINTS, namespace, name)
        if present is not None:
            self._store.write(ENDPOINTS, present, subsets=subsets)
        else:
            metadata: Json = {"name": name, "namespace": namespace, "labels": labels_of(service)}
            metadata["ownerReferences"] = [owner_reference(service)]
            self._store.create(ENDPOINTS, {"metadata": metadata, "subsets": subsets})

    def _write_names(self) -> None:
        lines = ["127.0.0.1 localhost"]
        for one in self._store.select(ENDPOINT_SLICES):
            namespace, service = key_of(one)[0], labels_of(one)[_SERVICE_NAME]
            address = self._store.get(SERVICES, namespace, service)["spec"]["clusterIP"]
            if address != "None":
                lines.append(f"{address} {' '.join(_names(service, namespace))}")
                continue
            for endpoint in one["endpoints"]:
                if endpoint["conditions"]["ready"]:
                    hosts = _names(service, namespace, endpoint.get("hostname", ""))
                    lines.append(f"{endpoint['addresses'][0]} {' '.join(hosts)}")
        names = "\n".join(lines) + "\n"
        if names != self._names:
            write(self._names_file, names)
            self._names = names


def _names(service: str, namespace: str, hostname: str = "") -> list[str]:
    """Of a Service, or of one of the pods behind a headless one, which the Service's own name means as well."""
    hosts = [service, *([f"{hostname}.{service}"] if hostname else [])]
    endings = ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.{_DOMAIN}")
    return [f"{host}{ending}" for host in hosts for ending in endings]


def _endpoint(service: Json, pod: Json) -> Json:
    namespace, name = key_of(pod)
    leaving = bool(pod["metadata"].get("deletionTimestamp"))
    ready = is_ready(pod)
    anyway = service["spec"].get("publishNotReadyAddresses", False)
    endpoint = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready or anyway, "serving": ready, "terminating": leaving},
        "targetRef": {"kind": "Pod", "namespace": namespace, "name": name, "uid": pod["metadata"]["uid"]},
        "nodeName": NODE_NAME,
    }
    if pod["spec"].get("subdomain") == key_of(service)[1]:
        endpoint["hostname"] = pod["spec"]["hostname"]
    return endpoint


def _address(endpoint: Json) -> Json:
    address = {"ip": endpoint["addresses"][0], "nodeName": NODE_NAME, "targetRef": endpoint["targetRef"]}
    return {**address, **({"hostname": endpoint["hostname"]} if "hostname" in endpoint else {})}
