"""Keeps ReplicaSets: as many pods of one template as are wanted."""

from sandbox.kubernetes.api.events import record_event
from sandbox.kubernetes.api.resources import PODS, REPLICA_SETS, Json, key_of
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.controllers.pods import make_pod
from sandbox.kubernetes.kubelet.status import is_ready

_SOURCE = "replicaset-controller"


class ReplicaSets:
    """The ReplicaSet controller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """Make and delete pods until there are as many as each wants."""
        for owner in self._store.select(REPLICA_SETS):
            pods = self._living(owner)
            wanted = owner["spec"]["replicas"]
            for _ in range(wanted - len(pods)):
                prefix = f"{owner['metadata']['name']}-"
                pod = make_pod(self._store, owner, {"generateName": prefix}, {})
                self._event(owner, "SuccessfulCreate", f"Created pod: {key_of(pod)[1]}")
            for pod in sorted(pods, key=_first_to_go)[: max(0, len(pods) - wanted)]:
                self._store.delete(PODS, pod)
                self._event(owner, "SuccessfulDelete", f"Deleted pod: {key_of(pod)[1]}")
            self._tell(owner)

    def _living(self, owner: Json) -> list[Json]:
        return [pod for pod in self._store.owned(PODS, owner) if _lives(pod)]

    def _tell(self, owner: Json) -> None:
        pods = self._living(owner)
        ready = sum(map(is_ready, pods))
        status: Json = {"observedGeneration": owner["metadata"]["generation"], "replicas": len(pods)}
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        status |= {name: count for name, count in counts.items() if count}
        self._store.write(REPLICA_SETS, owner, status=status)

    def _event(self, owner: Json, reason: str, message: str) -> None:
        record_event(self._store, owner, reason, message, source=_SOURCE)


def _lives(pod: Json) -> bool:
    return pod["status"]["phase"] not in {"Failed", "Succeeded"} and not pod["metadata"].get("deletionTimestamp")


def _first_to_go(pod: Json) -> tuple[bool, bool, int]:
    """Pods that are on no node first, then those that are not ready, then the youngest."""
    version = int(pod["metadata"]["resourceVersion"])
    return bool(pod["spec"].get("nodeName")), is_ready(pod), -version
