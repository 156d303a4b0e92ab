"""Reads from a path and a method what is asked for. No I/O here."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.kubernetes.api.access import Question
from sandbox.kubernetes.api.errors import method_not_allowed, no_such_path
from sandbox.kubernetes.api.resources import RESOURCES, Resource

_BY_PATH = {(resource.group, resource.plural): resource for resource in RESOURCES}
_BY_METHOD = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_STREAMS = ("exec", "portforward")


@dataclass(frozen=True)
class Asked:
    """One request for objects: `namespace` empty for all of them or none, `name` empty for a collection."""

    verb: str
    resource: Resource
    namespace: str
    name: str
    subresource: str
    query: Mapping[str, str]

    @property
    def dry_run(self) -> bool:
        """Whether nothing may come of it."""
        return self.query.get("dryRun") == "All"

    @property
    def questions(self) -> tuple[Question, ...]:
        """What the sender must be allowed to do; a stream over WebSocket is a GET, and creates something as well."""
        resource = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        verbs = (self.verb, "create") if self.subresource in _STREAMS and self.verb == "get" else (self.verb,)
        place = (resource, self.resource.group, self.namespace, self.name)
        return tuple(Question(verb, *place) for verb in verbs)


def is_set(query: Mapping[str, str], name: str) -> bool:
    """Whether this parameter says yes, in any spelling that Go takes for it."""
    return query.get(name, "").lower() in {"1", "t", "true"}


def read(method: str, path: str, query: Mapping[str, str]) -> Asked:
    """What this request asks for.

    Raises:
        Refused: 404 for a path that means nothing here, 405 for a method that it does not know.
    """
    match [part for part in path.split("/") if part]:
        case ["api", "v1", *rest]:
            group = ""
        case ["apis", group, "v1", *rest]:
            pass
        case _:
            raise no_such_path()
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in {"status", "finalize"}:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *more = [*rest, "", "", ""]
    resource = _BY_PATH.get((group, plural))
    if resource is None or any(more) or (namespace and not resource.namespaced):
        raise no_such_path()
    if subresource and subresource not in resource.subresources:
        raise no_such_path()
    return Asked(_verb(method, name, query), resource, namespace, name, subresource, query)


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method in {"GET", "HEAD"}:
        if is_set(query, "watch"):
            return "watch"
        return "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    verb = _BY_METHOD.get(method)
    if verb is None:
        raise method_not_allowed()
    return verb
