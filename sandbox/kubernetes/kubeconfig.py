"""Writes kubeconfig files, also such that lead nowhere. No network here."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Context:
    """One context of a kubeconfig: a server, who one is there, and the namespace that one means."""

    name: str
    server: str
    token: str
    namespace: str = "default"


def write(path: Path, contexts: Iterable[Context]) -> Path:
    """Write a file with these contexts, the first being the current one, which only its owner may read."""
    listed = tuple(contexts)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": listed[0].name,
        "clusters": [{"name": one.name, "cluster": {"server": one.server}} for one in listed],
        "users": [{"name": one.name, "user": {"token": one.token}} for one in listed],
        "contexts": [
            {"name": one.name, "context": {"cluster": one.name, "user": one.name, "namespace": one.namespace}}
            for one in listed
        ],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
