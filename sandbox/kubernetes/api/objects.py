"""Answers requests for objects: get, list in pages, create, update, patch, delete, scale and status."""

import base64
import binascii
import json
from typing import Any

from sandbox.kubernetes.api.errors import bad_request, conflict, expired, method_not_allowed
from sandbox.kubernetes.api.patches import patched
from sandbox.kubernetes.api.requests import Asked
from sandbox.kubernetes.api.resources import PODS, Json, key_of
from sandbox.kubernetes.api.selectors import Matches, by_fields, by_labels
from sandbox.kubernetes.api.store import Store

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)


def selected(asked: Asked) -> Matches:
    """The objects that the request's selectors mean; a watch on a name means that one."""
    labels = by_labels(asked.query.get("labelSelector", ""))
    fields = by_fields(asked.query.get("fieldSelector", ""), asked.resource)
    name = asked.name
    return lambda thing: labels(thing) and fields(thing) and name in ("", thing["metadata"]["name"])


def answer(store: Store, asked: Asked, body: Any, content_type: str) -> tuple[int, Json]:
    """The HTTP code and the object of the answer.

    Raises:
        Refused: what is asked for cannot be had.
    """
    match asked.verb:
        case "list":
            return 200, _list(store, asked)
        case "get":
            return 200, _shown(asked, _found(store, asked))
        case "create":
            return 201, _create(store, asked, body)
        case "update" | "patch":
            return 200, _change(store, asked, body, content_type)
        case "delete":
            return 200, _delete(store, asked, body)
        case "deletecollection":
            for thing in store.select(asked.resource, asked.namespace, selected(asked)):
                store.delete(asked.resource, thing, _grace(asked, body))
            return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    raise method_not_allowed()


def _found(store: Store, asked: Asked) -> Json:
    return store.get(asked.resource, asked.namespace, asked.name)


def _shown(asked: Asked, thing: Json) -> Json:
    return _scale(thing) if asked.subresource == "scale" else thing


def _list(store: Store, asked: Asked) -> Json:
    found = store.select(asked.resource, asked.namespace, selected(asked))
    metadata: Json = {"resourceVersion": str(store.version)}
    if token := asked.query.get("continue"):
        version, start = _read_continue(token)
        if not store.remembers(version):
            raise expired(_TOO_OLD)
        found = [thing for thing in found if list(key_of(thing)) > start]
    limit = int(asked.query.get("limit") or 0)
    if 0 < limit < len(found):
        metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
        metadata["continue"] = _continue(store.version, list(key_of(found[-1])))
    # A list says once, for itself, of what kind its items are.
    items = [{name: value for name, value in one.items() if name not in {"kind", "apiVersion"}} for one in found]
    kind = {"kind": f"{asked.resource.kind}List", "apiVersion": asked.resource.api_version}
    return {**kind, "metadata": metadata, "items": items}


def _continue(version: int, start: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": version, "start": start}).encode()).decode()


def _read_continue(token: str) -> tuple[int, list[str]]:
    try:
        read = json.loads(base64.urlsafe_b64decode(token))
        return int(read["rv"]), list(read["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error


def _create(store: Store, asked: Asked, body: Any) -> Json:
    if asked.name:
        raise method_not_allowed()
    thing = _object(body)
    metadata = thing.setdefault("metadata", {})
    if asked.resource.namespaced and metadata.setdefault("namespace", asked.namespace) != asked.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    return store.create(asked.resource, thing, dry_run=asked.dry_run)


def _change(store: Store, asked: Asked, body: Any, content_type: str) -> Json:
    old = _found(store, asked)
    current = _shown(asked, old)
    new = patched(current, body, content_type) if asked.verb == "patch" else _object(body)
    metadata = new.setdefault("metadata", {})
    if metadata.get("name", asked.name) != asked.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({asked.name})"
        )
    if asked.subresource == "scale":
        return _scale(_rescaled(store, asked, old, new))
    metadata |= {"name": asked.name, **({"namespace": asked.namespace} if asked.namespace else {})}
    return store.replace(asked.resource, new, status=asked.subresource == "status", dry_run=asked.dry_run)


def _rescaled(store: Store, asked: Asked, old: Json, scale: Json) -> Json:
    if scale["metadata"].get("resourceVersion") not in (None, old["metadata"]["resourceVersion"]):
        raise conflict(asked.resource, asked.name)
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    return store.replace(asked.resource, {**old, "spec": {**old["spec"], "replicas": replicas}}, dry_run=asked.dry_run)


def _scale(thing: Json) -> Json:
    """As autoscaling/v1 shows it, which leaves a replica count of 0 out of `spec`."""
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = thing["spec"]["replicas"]
    selector = thing["spec"]["selector"].get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: thing["metadata"][name] for name in kept},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": thing["status"].get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in sorted(selector.items())),
        },
    }


def _delete(store: Store, asked: Asked, body: Any) -> Json:
    thing = _found(store, asked)
    preconditions = (body or {}).get("preconditions") or {}
    for field in ("uid", "resourceVersion"):
        if preconditions.get(field) not in (None, thing["metadata"][field]):
            why = f"Precondition failed: {field} in precondition: {preconditions[field]}, "
            raise conflict(asked.resource, asked.name, f"{why}{field} in object meta: {thing['metadata'][field]}")
    if not asked.dry_run:
        if (body or {}).get("propagationPolicy", asked.query.get("propagationPolicy")) == "Orphan":
            store.orphan(thing)
        thing = store.delete(asked.resource, thing, _grace(asked, body))
    if asked.resource is PODS:
        return thing
    details = {"name": asked.name, "kind": asked.resource.plural, "uid": thing["metadata"]["uid"]}
    if asked.resource.group:
        details["group"] = asked.resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _grace(asked: Asked, body: Any) -> int | None:
    grace = (body or {}).get("gracePeriodSeconds", asked.query.get("gracePeriodSeconds"))
    return None if grace is None else int(grace)


def _object(body: Any) -> Json:
    if not isinstance(body, dict):
        raise bad_request("the body of the request is no object")
    return body
