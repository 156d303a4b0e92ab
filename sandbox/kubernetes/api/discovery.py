"""Describes the API itself: versions, groups and resources. No I/O here."""

from sandbox.kubernetes.api.resources import RESOURCES, VERBS, Json, Resource

VERSION: Json = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "0" * 40,
    "gitTreeState": "clean",
    "buildDate": "2026-06-10T12:00:00Z",
    "goVersion": "go1.26.1",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_GROUPS = tuple(sorted({resource.group for resource in RESOURCES if resource.group} | {"authorization.k8s.io"}))
_SUBRESOURCE_VERBS = {"log": ["get"], "exec": ["create", "get"], "portforward": ["create", "get"]}


def described(path: str) -> Json | None:
    """What stands at this path of discovery; None for any other."""
    return _DESCRIBED.get(path.strip("/"))


def _group(name: str) -> Json:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _listed(group: str, group_version: str) -> Json:
    found = [entry for resource in RESOURCES if resource.group == group for entry in _entries(resource)]
    if group == "authorization.k8s.io":
        found = [_entry("selfsubjectaccessreviews", "SelfSubjectAccessReview", ["create"], namespaced=False)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def _entries(resource: Resource) -> list[Json]:
    own = _entry(resource.plural, resource.kind, [*VERBS], namespaced=resource.namespaced)
    if resource.short_names:
        own["shortNames"] = [*resource.short_names]
    below = [
        _entry(
            f"{resource.plural}/{name}",
            "Scale" if name == "scale" else resource.kind,
            _SUBRESOURCE_VERBS.get(name, ["get", "patch", "update"]),
            namespaced=resource.namespaced,
        )
        for name in resource.subresources
    ]
    return [own, *below]


def _entry(name: str, kind: str, verbs: list[str], *, namespaced: bool) -> Json:
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs}


_DESCRIBED: dict[str, Json] = {
    "version": VERSION,
    "api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _GROUPS]},
    "api/v1": _listed("", "v1"),
    **{f"apis/{name}": {"kind": "APIGroup", "apiVersion": "v1", **_group(name)} for name in _GROUPS},
    **{f"apis/{name}/v1": _listed(name, f"{name}/v1") for name in _GROUPS},
}
