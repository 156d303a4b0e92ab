"""Decides how a Deployment goes from its old pods to the new ones, and says how far it is. No I/O here."""

import math
from dataclasses import dataclass
from typing import Self

from sandbox.kubernetes.api.resources import Json, key_of, timestamp


@dataclass(frozen=True)
class Count:
    """The pods of one ReplicaSet: how many it wants, has, and has ready."""

    wanted: int
    there: int
    ready: int

    @classmethod
    def of(cls, replica_set: Json) -> Self:
        """As its spec and status say; of pods that are about to go none counts as ready."""
        wanted, status = replica_set["spec"]["replicas"], replica_set["status"]
        return cls(wanted, status["replicas"], min(wanted, status.get("readyReplicas", 0)))


def next_sizes(spec: Json, new: Count, old: list[Count]) -> list[int]:
    """How many pods the new ReplicaSet and each of the old ones shall want now."""
    desired = spec["replicas"]
    if spec["strategy"]["type"] == "Recreate":
        return [new.wanted if any(one.there for one in old) else desired, *(0 for _ in old)]
    surge, unavailable = _bounds(spec)
    total = new.wanted + sum(one.wanted for one in old)
    grown = min(desired, new.wanted + max(0, desired + surge - total))
    total += grown - new.wanted
    spare = total - (desired - unavailable) - (grown - new.ready)
    return [grown, *_shrunk(old, spare, desired - unavailable - new.ready)]


def _bounds(spec: Json) -> tuple[int, int]:
    """How many pods there may be too many, and how many too few; never none of both."""
    rolling, desired = spec["strategy"]["rollingUpdate"], spec["replicas"]
    surge = math.ceil(_share(rolling["maxSurge"], desired))
    unavailable = math.floor(_share(rolling["maxUnavailable"], desired))
    return surge, unavailable or (0 if surge else 1)


def _share(value: int | str, whole: int) -> float:
    return value if isinstance(value, int) else int(value.removesuffix("%")) * whole / 100


def _shrunk(old: list[Count], spare: int, needed: int) -> list[int]:
    """Take `spare` pods away at most: those that are not ready first, then so many that `needed` are still ready."""
    sizes = []
    for one in old:
        unready = min(max(0, spare), one.wanted - one.ready)
        sizes.append(one.wanted - unready)
        spare -= unready
    free = min(max(0, spare), max(0, sum(one.ready for one in old) - max(0, needed)))
    for index, size in enumerate(sizes):
        taken = min(free, size)
        sizes[index] -= taken
        free -= taken
    return sizes


def status(owner: Json, new: Json | None, sets: list[Json], *, too_late: bool) -> Json:
    """The Deployment's status, with when and why its conditions changed."""
    counts = [Count.of(one) for one in sets]
    there, ready = sum(one.there for one in counts), sum(one.ready for one in counts)
    updated = Count.of(new) if new is not None else Count(0, 0, 0)
    made = {
        "replicas": there,
        "updatedReplicas": updated.there,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, sum(one.wanted for one in counts) - ready),
    }
    conditions = [_available(owner, ready), _progressing(owner, new, updated, there, too_late=too_late)]
    before: list[Json] = owner["status"].get("conditions") or []
    return {
        "observedGeneration": owner["metadata"]["generation"],
        **{name: count for name, count in made.items() if count},
        "conditions": [_since(condition, before) for condition in conditions],
    }


def _available(owner: Json, ready: int) -> Json:
    needed = owner["spec"]["replicas"]
    if owner["spec"]["strategy"]["type"] == "RollingUpdate":
        needed -= _bounds(owner["spec"])[1]
    if ready >= needed:
        return _condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    message = "Deployment does not have minimum availability."
    return _condition("Available", "False", "MinimumReplicasUnavailable", message)


def _progressing(owner: Json, new: Json | None, updated: Count, there: int, *, too_late: bool) -> Json:
    desired = owner["spec"]["replicas"]
    name = key_of(new)[1] if new is not None else ""
    if owner["spec"].get("paused"):
        return _condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    if updated.there == updated.ready == there == desired:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _condition("Progressing", "True", "NewReplicaSetAvailable", message)
    if too_late:
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return _condition("Progressing", "False", "ProgressDeadlineExceeded", message)
    return _condition("Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')


def _condition(kind: str, holds: str, reason: str, message: str) -> Json:
    return {"type": kind, "status": holds, "reason": reason, "message": message}


def _since(condition: Json, before: list[Json]) -> Json:
    """An unchanged condition keeps its times; one of the same status keeps that of its transition."""
    old = next((one for one in before if one["type"] == condition["type"]), None)
    now = timestamp()
    if old is None:
        return {**condition, "lastUpdateTime": now, "lastTransitionTime": now}
    if condition.items() <= old.items():
        return old
    transition = old["lastTransitionTime"] if old["status"] == condition["status"] else now
    return {**condition, "lastUpdateTime": now, "lastTransitionTime": transition}
