"""Keeps Deployments: a ReplicaSet for each template, and the way from the old ones to the new one."""

import copy
import time

from sandbox.kubernetes.api.events import record_event
from sandbox.kubernetes.api.resources import DEPLOYMENTS, REPLICA_SETS, Json, key_of, owner_reference
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.controllers import rollout
from sandbox.kubernetes.controllers.pods import hash_of

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_SOURCE = "deployment-controller"


class Deployments:
    """The Deployment controller; `pace` is how long one second of a progress deadline takes here, in seconds."""

    def __init__(self, store: Store, pace: float) -> None:
        self._store = store
        self._pace = pace
        self._progress: dict[str, tuple[Json, float]] = {}

    def reconcile(self) -> None:
        """Do for each Deployment what may be done now."""
        for owner in self._store.select(DEPLOYMENTS):
            sets = self._store.owned(REPLICA_SETS, owner)
            new = next((one for one in sets if _template(one) == owner["spec"]["template"]), None)
            if new is None and not owner["spec"].get("paused"):
                new = self._make(owner, sets)
                sets.append(new)
            if new is not None:
                self._revise(owner, new, sets)
                old = [one for one in sets if one["metadata"]["uid"] != new["metadata"]["uid"]]
                self._scale(owner, new, old)
                self._clean_up(owner, old)
            self._tell(owner, new)

    def _make(self, owner: Json, sets: list[Json]) -> Json:
        namespace, name = key_of(owner)
        template = copy.deepcopy(owner["spec"]["template"])
        marked = {**(template["metadata"].get("labels") or {}), HASH: hash_of(owner["spec"]["template"])}
        template["metadata"]["labels"] = marked
        selector = copy.deepcopy(owner["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: marked[HASH]}
        metadata = {
            "name": f"{name}-{marked[HASH]}",
            "namespace": namespace,
            "labels": marked,
            "annotations": {REVISION: str(_last_revision(sets) + 1)},
            "ownerReferences": [owner_reference(owner)],
        }
        spec = {"replicas": 0, "selector": selector, "template": template}
        return self._store.create(REPLICA_SETS, {"metadata": metadata, "spec": spec})

    def _revise(self, owner: Json, new: Json, sets: list[Json]) -> None:
        """A template that was there before comes back as the newest revision, as after a roll-back."""
        others = [one for one in sets if one is not new]
        if _revision(new) <= _last_revision(others):
            number = str(_last_revision(others) + 1)
            self._store.change(REPLICA_SETS, new, lambda one: one["metadata"]["annotations"].update({REVISION: number}))
        current = self._store.get(REPLICA_SETS, *key_of(new))
        number = str(_revision(current))

        annotations = owner["metadata"].get("annotations") or {}
        if annotations.get(REVISION) != number:
            marked = {**owner["metadata"], "annotations": {**annotations, REVISION: number}}
            self._store.write(DEPLOYMENTS, owner, metadata=marked)

    def _scale(self, owner: Json, new: Json, old: list[Json]) -> None:
        if owner["spec"].get("paused"):
            return
        counts = [rollout.Count.of(one) for one in old]
        wanted = rollout.next_sizes(owner["spec"], rollout.Count.of(new), counts)
        for one, replicas in zip([new, *old], wanted, strict=True):
            before = one["spec"]["replicas"]
            if before == replicas:
                continue
            self._resize(one, replicas)
            way = "up" if replicas > before else "down"
            message = f"Scaled {way} replica set {key_of(one)[1]} from {before} to {replicas}"
            record_event(self._store, owner, "ScalingReplicaSet", message, source=_SOURCE)

    def _resize(self, replica_set: Json, replicas: int) -> None:
        self._store.change(REPLICA_SETS, replica_set, lambda changed: changed["spec"].update(replicas=replicas))

    def _clean_up(self, owner: Json, old: list[Json]) -> None:
        """Forget the oldest revisions that are empty, beyond those that a roll-back may want."""
        empty = [one for one in old if not one["spec"]["replicas"] and not one["status"]["replicas"]]
        surplus = len(empty) - owner["spec"]["revisionHistoryLimit"]
        for one in sorted(empty, key=_revision)[: max(0, surplus)]:
            self._store.delete(REPLICA_SETS, one)

    def _tell(self, owner: Json, new: Json | None) -> None:
        sets = self._store.owned(REPLICA_SETS, owner)
        fresh = self._store.find(REPLICA_SETS, *key_of(new)) if new is not None else None
        status = rollout.status(owner, fresh, sets, too_late=self._too_late(owner, sets))
        self._store.write(DEPLOYMENTS, owner, status=status)

    def _too_late(self, owner: Json, sets: list[Json]) -> bool:
        """Whether nothing has moved for longer than the progress deadline."""
        moved: Json = {key_of(one)[1]: (one["spec"]["replicas"], one["status"]) for one in sets}
        moved["template"] = hash_of(owner["spec"]["template"])
        uid = owner["metadata"]["uid"]
        last, since = self._progress.get(uid, ({}, 0.0))
        if last != moved:
            self._progress[uid] = (moved, time.monotonic())
            return False
        return time.monotonic() - since > self._pace * float(owner["spec"]["progressDeadlineSeconds"])


def _template(replica_set: Json) -> Json:
    """Of a ReplicaSet, without the mark that tells its pods from others."""
    template: Json = copy.deepcopy(replica_set["spec"]["template"])
    template["metadata"]["labels"].pop(HASH, None)
    return template


def _revision(replica_set: Json) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, 0))


def _last_revision(sets: list[Json]) -> int:
    return max(map(_revision, sets), default=0)
