"""Binds claims to storage, and pods to the node once their claims are bound."""

from sandbox.kubernetes.api.events import record_event
from sandbox.kubernetes.api.resources import CLAIMS, EVENTS, PODS, Json, key_of, timestamp
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.kubelet.node import NODE_NAME


class Claims:
    """Gives each claim of a known storage class a volume; others stay pending."""

    def __init__(self, store: Store, storage_classes: set[str]) -> None:
        self._store = store
        self._classes = storage_classes

    def reconcile(self) -> None:
        """Bind what waits and can be bound."""
        for claim in self._store.select(CLAIMS, where=lambda claim: claim["status"]["phase"] == "Pending"):
            storage_class = claim["spec"]["storageClassName"]
            if storage_class in self._classes:
                self._store.change(CLAIMS, claim, _bind)
            elif not told(self._store, claim, "ProvisioningFailed"):
                message = f'storageclass.storage.k8s.io "{storage_class}" not found'
                record_event(
                    *(self._store, claim, "ProvisioningFailed", message),
                    source="persistentvolume-controller",
                    warning=True,
                )


class Scheduler:
    """Puts pods on the one node."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """Bind pods that are on no node and have all their claims."""
        for pod in self._store.select(PODS, where=lambda pod: not pod["spec"].get("nodeName")):
            if problem := self._problem(pod):
                self._refuse(pod, problem)
                continue
            self._store.change(PODS, pod, _place)
            namespace, name = key_of(pod)
            message = f"Successfully assigned {namespace}/{name} to {NODE_NAME}"
            record_event(self._store, pod, "Scheduled", message, source="default-scheduler")

    def _problem(self, pod: Json) -> str:
        namespace, _ = key_of(pod)
        for volume in pod["spec"].get("volumes") or ():
            if "persistentVolumeClaim" not in volume:
                continue
            name = volume["persistentVolumeClaim"]["claimName"]
            claim = self._store.find(CLAIMS, namespace, name)
            if claim is None:
                return f'0/1 nodes are available: persistentvolumeclaim "{name}" not found.'
            if claim["status"]["phase"] != "Bound":
                return "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
        return ""

    def _refuse(self, pod: Json, problem: str) -> None:
        def unschedulable(changed: Json) -> None:
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": problem}
            before = changed["status"].get("conditions") or [{}]
            since = before[0].get("lastTransitionTime") or timestamp()
            changed["status"]["conditions"] = [{**condition, "lastProbeTime": None, "lastTransitionTime": since}]

        self._store.change(PODS, pod, unschedulable)
        if not told(self._store, pod, "FailedScheduling"):
            record_event(
                *(self._store, pod, "FailedScheduling", problem),
                source="default-scheduler",
                warning=True,
            )


def told(store: Store, thing: Json, reason: str) -> bool:
    """Whether an event of this reason is on record for the object."""
    about = (thing["metadata"]["uid"], reason)
    namespace, _ = key_of(thing)
    return any((event["involvedObject"]["uid"], event["reason"]) == about for event in store.select(EVENTS, namespace))


def _bind(claim: Json) -> None:
    claim["spec"]["volumeName"] = f"pvc-{claim['metadata']['uid']}"
    modes = claim["spec"].get("accessModes") or ["ReadWriteOnce"]
    capacity = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "1Gi")
    claim["status"] = {"phase": "Bound", "accessModes": modes, "capacity": {"storage": capacity}}


def _place(pod: Json) -> None:
    pod["spec"]["nodeName"] = NODE_NAME
    pod["status"].pop("conditions", None)
