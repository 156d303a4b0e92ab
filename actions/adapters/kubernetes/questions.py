"""What is asked of the Kubernetes API: which resource, by which verb, and the Role rule that allows it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object: its API group (empty: the core), version and plural."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """The path of all of them in a namespace, of one of them, or of a part of one."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = "" if self in (NAMESPACES, REVIEWS) else f"/namespaces/{namespace}"
        return "/".join(filter(None, (root + place, self.plural, name, subresource)))


PODS = Resource("", "v1", "pods")
SERVICES = Resource("", "v1", "services")
CLAIMS = Resource("", "v1", "persistentvolumeclaims")
EVENTS = Resource("", "v1", "events")
CONFIG_MAPS = Resource("", "v1", "configmaps")
NAMESPACES = Resource("", "v1", "namespaces")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices")


@dataclass(frozen=True, slots=True)
class Right:
    """What a role has to allow: a verb on a resource, or on a part of it such as ``pods/log``."""

    verb: str
    resource: Resource
    subresource: str = ""

    @property
    def plural(self) -> str:
        """The resource as a Role names it."""
        return "/".join(filter(None, (self.resource.plural, self.subresource)))

    @property
    def rule(self) -> str:
        """The rule to add to a Role, as YAML in one line."""
        return f'{{apiGroups: ["{self.resource.group}"], resources: ["{self.plural}"], verbs: ["{self.verb}"]}}'
