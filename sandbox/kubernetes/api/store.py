"""Keeps the objects as etcd does: versions, what happened since when, and who has to go with whom.

Objects in it are never changed in place: `change` hands out a copy and puts that in.
"""

import asyncio
import contextlib
import copy
import datetime as dt
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.kubernetes.api import rules
from sandbox.kubernetes.api.errors import already_exists, conflict, invalid, not_found
from sandbox.kubernetes.api.resources import (
    NAMESPACES,
    PODS,
    RESOURCES,
    SERVICES,
    Json,
    Resource,
    key_of,
    owners_of,
    timestamp,
)
from sandbox.kubernetes.api.selectors import Matches

HISTORY = 5000
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_KEPT = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True)
class Change:
    """One thing that happened to one object; `before` is None for a new one, `after` for one that is gone."""

    version: int
    resource: Resource
    before: Json | None
    after: Json | None


class Store:
    """All objects of one cluster; `service_address` is asked for the address of each new Service without one."""

    def __init__(self, service_address: Callable[[], str]) -> None:
        self._service_address = service_address
        self.version = 1000
        self.forgotten = self.version
        """The newest version before which nobody remembers what happened."""
        self._objects: dict[Resource, dict[tuple[str, str], Json]] = {resource: {} for resource in RESOURCES}
        self._history: deque[Change] = deque()
        self._waiting: set[asyncio.Event] = set()

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """The object as it is.

        Raises:
            Refused: 404.
        """
        found = self.find(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def find(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """The object as it is, or None."""
        return self._objects[resource].get((namespace if resource.namespaced else "", name))

    def select(self, resource: Resource, namespace: str = "", where: Matches | None = None) -> list[Json]:
        """The objects in this namespace, or in all where it is empty, by namespace and name."""
        found = sorted(self._objects[resource].items())
        return [thing for (at, _), thing in found if namespace in ("", at) and (where is None or where(thing))]

    def owned(self, resource: Resource, owner: Json) -> list[Json]:
        """The objects that this one controls."""
        namespace, _ = key_of(owner)
        return self.select(resource, namespace, lambda thing: owner["metadata"]["uid"] in owners_of(thing))

    def create(self, resource: Resource, thing: Json, *, dry_run: bool = False) -> Json:
        """Put a new object in, complete and checked; it says its namespace itself.

        Raises:
            Refused: 404 for its namespace, 409 where there is one of that name, 422 where it breaks rules.
        """
        new = copy.deepcopy(thing)
        metadata = new.setdefault("metadata", {})
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
        if not metadata.get("name"):
            raise invalid(resource, "", [("metadata.name", "Required value: name or generateName is required")])
        self._check_place(resource, metadata)
        new |= {"apiVersion": resource.api_version, "kind": resource.kind}
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
        if "spec" in new and resource is not PODS:
            metadata["generation"] = 1
        rules.check(resource, new)
        if resource is SERVICES:
            new["spec"].setdefault("clusterIP", self._service_address())
        rules.complete(resource, new)
        new.pop("status", None)
        if (status := rules.first_status(resource)) is not None:
            new["status"] = status
        if not dry_run:
            self._put(resource, None, new)
        return new

    def _check_place(self, resource: Resource, metadata: Json) -> None:
        namespace = metadata.get("namespace", "")
        if not resource.namespaced:
            metadata.pop("namespace", None)
        elif self.find(NAMESPACES, "", namespace) is None:
            raise not_found(NAMESPACES, namespace)
        if self.find(resource, namespace, metadata["name"]) is not None:
            raise already_exists(resource, metadata["name"])

    def replace(self, resource: Resource, thing: Json, *, status: bool = False, dry_run: bool = False) -> Json:
        """Put this in the place of the object of the same name; with `status` only its status, else all but that.

        Raises:
            Refused: 404, 409 where it carries another version or uid than the object has, 422.
        """
        namespace, name = key_of(thing)
        old = self.get(resource, namespace, name)
        for field in ("resourceVersion", "uid"):
            if thing["metadata"].get(field) not in (None, old["metadata"][field]):
                why = "Precondition failed: UID in precondition is not that of the object" if field == "uid" else ""
                raise conflict(resource, name, why)
        new = copy.deepcopy(thing)
        if status:
            new = {**copy.deepcopy(old), "status": new.get("status") or {}}
        elif "status" in old:
            new["status"] = copy.deepcopy(old["status"])
        self._keep_metadata(new, old)
        rules.check(resource, new, old)
        rules.complete(resource, new)
        if "generation" in old["metadata"] and new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if new != old and not dry_run:
            self._put(resource, old, new)
        return new

    def _keep_metadata(self, new: Json, old: Json) -> None:
        new |= {"apiVersion": old["apiVersion"], "kind": old["kind"]}
        kept = (*_KEPT, "resourceVersion", "generation")
        new["metadata"] |= {field: old["metadata"][field] for field in kept if field in old["metadata"]}

    def change(self, resource: Resource, thing: Json, how: Callable[[Json], None]) -> Json | None:
        """Change the object as it is now by `how`, status and all; None where it is gone or is another by now.

        For the controllers and the kubelet: they take whatever the object has become.
        """
        old = self.find(resource, *key_of(thing))
        if old is None or old["metadata"]["uid"] != thing["metadata"]["uid"]:
            return None
        new = copy.deepcopy(old)
        how(new)
        if new != old:
            self._put(resource, old, new)
        return new

    def write(self, resource: Resource, thing: Json, **fields: Any) -> None:
        """Give these fields of the object new values, status and all; nothing where they have them, or it is gone."""
        old = self.find(resource, *key_of(thing))
        if old is None or old["metadata"]["uid"] != thing["metadata"]["uid"]:
            return
        if any(old.get(name) != value for name, value in fields.items()):
            self._put(resource, old, {**old, "metadata": dict(old["metadata"]), **fields})

    def delete(self, resource: Resource, thing: Json, grace_s: int | None = None) -> Json:
        """Take an object away, with all that it owns; a pod on a node is first asked to end."""
        metadata = thing["metadata"]
        over = resource is PODS and thing["status"]["phase"] in {"Failed", "Succeeded"}
        if resource is PODS and thing["spec"].get("nodeName") and grace_s != 0 and not over:
            if metadata.get("deletionTimestamp"):
                return thing
            grace = thing["spec"]["terminationGracePeriodSeconds"] if grace_s is None else grace_s
            ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=grace)
            marks = {"deletionTimestamp": timestamp(ends), "deletionGracePeriodSeconds": grace}
            return self.change(resource, thing, lambda new: new["metadata"].update(marks)) or thing
        current = self.find(resource, *key_of(thing))
        if current is not None and current["metadata"]["uid"] == metadata["uid"]:
            self._put(resource, current, None)
            self._delete_owned(metadata["uid"])
            if resource is NAMESPACES:
                self._delete_inside(metadata["name"])
        return thing

    def orphan(self, owner: Json) -> None:
        """Let go of all that this object owns, so that it outlives it."""
        uid = owner["metadata"]["uid"]

        def let_go(thing: Json) -> None:
            kept = [reference for reference in thing["metadata"]["ownerReferences"] if reference["uid"] != uid]
            thing["metadata"]["ownerReferences"] = kept

        for resource in RESOURCES:
            for thing in self.select(resource, where=lambda one: uid in owners_of(one)):
                self.change(resource, thing, let_go)

    def _delete_owned(self, uid: str) -> None:
        for resource in RESOURCES:
            for thing in self.select(resource, where=lambda one: uid in owners_of(one)):
                self.delete(resource, thing)

    def _delete_inside(self, namespace: str) -> None:
        for resource in RESOURCES:
            for thing in self.select(resource, namespace) if resource.namespaced else ():
                self.delete(resource, thing)

    def since(self, version: int, resource: Resource) -> list[Change]:
        """What happened to objects of this kind after this version, oldest first."""
        return [one for one in self._history if one.version > version and one.resource is resource]

    def remembers(self, version: int) -> bool:
        """Whether everything that happened since is still known."""
        return version >= self.forgotten

    def forget(self) -> None:
        """Compact: whoever asks for what happened before now is answered 410."""
        self._history.clear()
        self.forgotten = self.version

    @contextlib.contextmanager
    def woken(self) -> Iterator[asyncio.Event]:
        """An event that is set by each change; whoever waits clears it."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def _put(self, resource: Resource, before: Json | None, after: Json | None) -> None:
        self.version += 1
        thing = after if after is not None else before
        if thing is None:
            return
        if after is not None:
            after["metadata"]["resourceVersion"] = str(self.version)
            self._objects[resource][key_of(after)] = after
        else:
            del self._objects[resource][key_of(thing)]
        self._history.append(Change(self.version, resource, before, after))
        if len(self._history) > HISTORY:
            self.forgotten = self._history.popleft().version
        for event in self._waiting:
            event.set()
