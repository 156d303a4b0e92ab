"""Which pods mount a claim where it can be written. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from actions.kit.kubernetes.parse import Json, name_of


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a container of a running pod has a claim: ``path`` in its file system."""

    pod: str
    container: str
    path: str


def mounts(one: Json, claim: str) -> Iterator[Mount]:
    """Those of one Pod; none where it does not run, or may only read."""
    spec, status = one.get("spec") or {}, one.get("status") or {}
    running = {each["name"] for each in status.get("containerStatuses") or () if "running" in (each.get("state") or {})}
    if "deletionTimestamp" in one["metadata"]:
        return
    volumes = {each["name"] for each in spec.get("volumes") or () if _is_of(each.get("persistentVolumeClaim"), claim)}
    for container in spec.get("containers") or ():
        for mount in container.get("volumeMounts") or ():
            if container["name"] in running and mount["name"] in volumes and not mount.get("readOnly"):
                yield Mount(name_of(one), str(container["name"]), str(mount["mountPath"]).rstrip("/"))


def _is_of(source: Any, claim: str) -> bool:
    return bool(source) and source.get("claimName") == claim and not source.get("readOnly")
