"""Keeps StatefulSets: pods by ordinal, each with claims of its own, one after the other."""

import copy

from sandbox.kubernetes.api.events import record_event
from sandbox.kubernetes.api.resources import CLAIMS, PODS, STATEFUL_SETS, Json, key_of, labels_of
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.controllers.pods import hash_of, make_pod
from sandbox.kubernetes.kubelet.status import is_ready

_REVISION = "controller-revision-hash"
_SOURCE = "statefulset-controller"


class StatefulSets:
    """The StatefulSet controller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """Do for each StatefulSet the next thing that may be done now."""
        for owner in self._store.select(STATEFUL_SETS):
            _Ordinals(self._store, owner).step()
            current = self._store.find(STATEFUL_SETS, *key_of(owner))
            if current is not None:
                self._tell(current)

    def _tell(self, owner: Json) -> None:
        pods = _Ordinals(self._store, owner)
        self._store.write(STATEFUL_SETS, owner, status=pods.status())


class _Ordinals:
    """The pods of one StatefulSet by their numbers."""

    def __init__(self, store: Store, owner: Json) -> None:
        self._store = store
        self._owner = owner
        self._namespace, self._name = key_of(owner)
        self._wanted = owner["spec"]["replicas"]
        self._revision = f"{self._name}-{hash_of(owner['spec']['template'])}"
        self._in_order = owner["spec"]["podManagementPolicy"] == "OrderedReady"
        self._pods = {int(key_of(pod)[1].rpartition("-")[2]): pod for pod in store.owned(PODS, owner)}

    def step(self) -> None:
        """Make the pods that are missing, then take away those that are too many, then renew old ones."""
        for number in range(self._wanted):
            if not self._is_there(number) and self._in_order:
                return
        leaving = [pod for pod in self._pods.values() if pod["metadata"].get("deletionTimestamp")]
        surplus = sorted((number for number in self._pods if number >= self._wanted), reverse=True)
        for number in surplus if not (self._in_order and leaving) else ():
            self._delete(number)
            if self._in_order:
                return
        if not surplus and not leaving:
            self._renew()

    def _is_there(self, number: int) -> bool:
        """Whether this pod is ready; it is made where there is none, and made anew where it has failed."""
        pod = self._pods.get(number)
        if pod is None:
            self._create(number)
            return False
        if pod["status"]["phase"] in {"Failed", "Succeeded"}:
            record_event(
                *(self._store, self._owner, "RecreatingFailedPod"),
                f"StatefulSet {self._namespace}/{self._name} is recreating failed Pod {key_of(pod)[1]}",
                source=_SOURCE,
                warning=True,
            )
            self._store.delete(PODS, pod)
            return False
        return is_ready(pod)

    def _create(self, number: int) -> None:
        name = f"{self._name}-{number}"
        volumes = self._claim(number)
        labels = {
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(number),
            _REVISION: self._revision,
        }
        own = {"hostname": name, "subdomain": self._owner["spec"].get("serviceName", "")}
        present = self._owner["spec"]["template"]["spec"].get("volumes") or []
        kept = [volume for volume in present if volume["name"] not in {one["name"] for one in volumes}]
        make_pod(self._store, self._owner, {"name": name}, labels, {**own, "volumes": [*kept, *volumes]})
        self._event("SuccessfulCreate", f"create Pod {name} in StatefulSet {self._name} successful")

    def _claim(self, number: int) -> list[Json]:
        """The volumes of this pod's own claims, which are made where there are none and stay when it goes."""
        volumes = []
        for template in self._owner["spec"].get("volumeClaimTemplates") or ():
            volume = template["metadata"]["name"]
            name = f"{volume}-{self._name}-{number}"
            if self._store.find(CLAIMS, self._namespace, name) is None:
                metadata = {
                    "name": name,
                    "namespace": self._namespace,
                    "labels": {**self._owner["spec"]["selector"]["matchLabels"], **labels_of(template)},
                }
                self._store.create(CLAIMS, {"metadata": metadata, "spec": copy.deepcopy(template["spec"])})
                pod = f"Pod {self._name}-{number} in StatefulSet {self._name}"
                self._event("SuccessfulCreate", f"create Claim {name} {pod} success")
            volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": name}})
        return volumes

    def _renew(self) -> None:
        """Delete the last pod that is of an older template, once all others are ready."""
        strategy = self._owner["spec"]["updateStrategy"]
        if strategy["type"] != "RollingUpdate":
            return
        first = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        for number in reversed(range(first, self._wanted)):
            pod = self._pods.get(number)
            if pod is not None and labels_of(pod).get(_REVISION) != self._revision:
                self._delete(number)
                return
            if pod is None or not is_ready(pod):
                return

    def _delete(self, number: int) -> None:
        pod = self._pods[number]
        if not pod["metadata"].get("deletionTimestamp"):
            self._store.delete(PODS, pod)
            self._event("SuccessfulDelete", f"delete Pod {key_of(pod)[1]} in StatefulSet {self._name} successful")

    def _event(self, reason: str, message: str) -> None:
        record_event(self._store, self._owner, reason, message, source=_SOURCE)

    def status(self) -> Json:
        """As it stands in the object; the revision that all pods have is the current one."""
        pods = list(self._pods.values())
        ready = sum(map(is_ready, pods))
        updated = sum(labels_of(pod).get(_REVISION) == self._revision for pod in pods)
        before = self._owner["status"]
        whole = updated == len(pods)
        current = self._revision if whole else before.get("currentRevision", self._revision)
        status = {
            "observedGeneration": self._owner["metadata"]["generation"],
            "replicas": len(pods),
            "availableReplicas": ready,
            "currentRevision": current,
            "updateRevision": self._revision,
            "collisionCount": 0,
        }
        counts = {
            "readyReplicas": ready,
            "updatedReplicas": updated,
            "currentReplicas": sum(labels_of(pod).get(_REVISION) == current for pod in pods),
        }
        return {**status, **{name: count for name, count in counts.items() if count}}
