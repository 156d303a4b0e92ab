"""Makes pods from templates for the workloads that own them."""

import copy
import hashlib
import json

from sandbox.kubernetes.api.resources import PODS, Json, key_of, owner_reference
from sandbox.kubernetes.api.store import Store


def hash_of(template: Json) -> str:
    """A short name for a template: pods of equal templates have the same."""
    content = json.dumps(template, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:10].translate(str.maketrans("013aeb", "xzvwtd"))


def make_pod(store: Store, owner: Json, name: Json, labels: dict[str, str], extra: Json | None = None) -> Json:
    """Create a pod from the owner's template; `name` is its name or generateName, `extra` goes into its spec."""
    template = copy.deepcopy(owner["spec"]["template"])
    metadata = template.get("metadata") or {}
    namespace, _ = key_of(owner)
    pod: Json = {
        "metadata": {
            **name,
            "namespace": namespace,
            "labels": {**(metadata.get("labels") or {}), **labels},
            "annotations": metadata.get("annotations") or {},
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": {**template["spec"], **(extra or {})},
    }
    return store.create(PODS, pod)
