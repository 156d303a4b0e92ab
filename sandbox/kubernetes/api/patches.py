"""Applies the three kinds of patch: strategic merge, merge and JSON patch. No I/O here."""

import copy
from typing import Any

from sandbox.kubernetes.api.errors import Refused, bad_request
from sandbox.kubernetes.api.resources import Json

# By which field the entries of a list are told apart; any other list is replaced as a whole.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "conditions": "type",
    "ownerReferences": "uid",
}
_PLAIN_MERGED = ("finalizers",)


def patched(thing: Json, patch: Any, content_type: str) -> Json:
    """The object as the patch makes it; `thing` stays as it is.

    Raises:
        Refused: 415 for another kind of patch, 400 or 422 where it cannot be applied.
    """
    kind = content_type.partition(";")[0].strip()
    if kind == "application/json-patch+json":
        return _json_patch(copy.deepcopy(thing), patch)
    if not isinstance(patch, dict):
        raise bad_request("json: cannot unmarshal into Go value of type map[string]interface {}")
    if kind == "application/strategic-merge-patch+json":
        return _strategic_map(thing, patch)
    if kind == "application/merge-patch+json":
        merged: Json = _merged(thing, patch)
        return merged
    supported = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json"
    message = f"the body of the request was in an unknown format - accepted media types include: {supported}"
    raise Refused(415, "UnsupportedMediaType", message, {})


def _strategic_map(current: Json, patch: Json) -> Json:
    """Directives begin with a dollar sign: they say how to merge, and are no content."""
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    result = dict(current)
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            target = name.partition("/")[2]
            result[target] = [one for one in result.get(target) or [] if one not in value]
        elif value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            result.pop(name, None)
        elif not name.startswith("$"):
            result[name] = _strategic(result.get(name), value, name)
    if (retained := patch.get("$retainKeys")) is not None:
        result = {name: value for name, value in result.items() if name in retained}
    return result


def _strategic(current: Any, patch: Any, name: str) -> Any:
    if isinstance(patch, dict):
        return _strategic_map(current if isinstance(current, dict) else {}, patch)
    if not isinstance(patch, list):
        return patch
    listed: list[Any] = current if isinstance(current, list) else []
    if name in _PLAIN_MERGED:
        return [*listed, *(one for one in patch if one not in listed)]
    key = _merge_key(name, patch)
    return _strategic_list(listed, patch, key) if key else patch


def _merge_key(name: str, patch: list[Any]) -> str | None:
    if name == "ports":
        # A container's ports and a Service's have the same name and different keys.
        return "containerPort" if any("containerPort" in one for one in patch) else "port"
    return _MERGE_KEYS.get(name)


def _strategic_list(current: list[Json], patch: list[Json], key: str) -> list[Json]:
    if any(one.get("$patch") == "replace" for one in patch):
        return [one for one in patch if "$patch" not in one]
    result = list(current)
    for entry in patch:
        if key not in entry:
            raise bad_request(f"map: {entry} does not contain declared merge key: {key}")
        at = next((index for index, one in enumerate(result) if one.get(key) == entry[key]), None)
        if entry.get("$patch") == "delete":
            result = [one for one in result if one.get(key) != entry[key]]
        elif at is None:
            result.append(_strategic_map({}, entry))
        else:
            result[at] = _strategic_map(result[at], entry)
    return result


def _merged(current: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _json_patch(document: Json, operations: Any) -> Json:
    """RFC 6902."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in operations:
        try:
            _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            message = f"the server rejected our request due to an error in our request: {operation}: {error!r}"
            raise Refused(422, "Invalid", message, {}) from error
    return document


def _operate(document: Json, operation: Json) -> None:
    path = operation["path"]
    match operation["op"]:
        case "add":
            _add(document, path, operation["value"])
        case "remove":
            _remove(document, path)
        case "replace":
            _remove(document, path)
            _add(document, path, operation["value"])
        case "move":
            _add(document, path, _remove(document, operation["from"]))
        case "copy":
            _add(document, path, copy.deepcopy(_get(document, operation["from"])))
        case "test":
            if _get(document, path) != operation["value"]:
                raise ValueError("testing value failed")
        case unknown:
            raise ValueError(f"unknown operation {unknown}")


def _parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _get(document: Any, path: str) -> Any:
    at = document
    for part in _parts(path):
        at = at[int(part)] if isinstance(at, list) else at[part]
    return at


def _holder(document: Any, path: str) -> tuple[Any, str]:
    above, _, _ = path.rpartition("/")
    return _get(document, above), _parts(path)[-1]


def _add(document: Any, path: str, value: Any) -> None:
    holder, last = _holder(document, path)
    if isinstance(holder, list):
        holder.insert(len(holder) if last == "-" else int(last), value)
    else:
        holder[last] = value


def _remove(document: Any, path: str) -> Any:
    holder, last = _holder(document, path)
    return holder.pop(int(last) if isinstance(holder, list) else last)
