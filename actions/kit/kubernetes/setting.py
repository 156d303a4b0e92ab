"""A variable of a container as text: in a step, in what a run owes, and as the patch that sets it. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.kit.errors import Garbled
from actions.kit.kubernetes.view import EnvValue
from actions.kit.topology import Resource

KIND = "deployment"


@dataclass(frozen=True, slots=True)
class Variable:
    """Which variable: of a container of a Deployment in a namespace."""

    namespace: str
    deployment: str
    container: str
    env: str

    @property
    def resource(self) -> Resource:
        """Where it is kept."""
        return Resource(KIND, f"{self.namespace}/{self.deployment}")

    @property
    def name(self) -> str:
        """How it is called there."""
        return f"{self.container}/{self.env}"


def as_text(value: EnvValue) -> str:
    """The value, or where it comes from, so that it can be put back."""
    if value.source_json:
        return json.dumps({"valueFrom": json.loads(value.source_json)}, sort_keys=True)
    return json.dumps({"value": value.value or ""})


def shown(text: str) -> str:
    """For a person."""
    content = _content(text)
    return str(content["value"]) if "value" in content else f"what {json.dumps(content['valueFrom'])} says"


def patch_of(variable: Variable, text: str) -> Mapping[str, Any]:
    """The strategic merge patch: only this variable of this container is touched.

    A value and a source exclude one another, so that the one that is not wanted is taken out.
    """
    entry = {"name": variable.env, "value": None, "valueFrom": None, **_content(text)}
    containers = [{"name": variable.container, "env": [entry]}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def _content(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise Garbled(f"{text[:100]!r} is not what a variable is written down as") from error
    if not isinstance(content, Mapping) or len(content) != 1 or not content.keys() <= {"value", "valueFrom"}:
        raise Garbled(f"{text[:100]!r} is not what a variable is written down as")
    return content
