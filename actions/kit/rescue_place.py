"""Where rescue copies are put: a folder here, a bucket of S3, or a volume of Kubernetes. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the host that Tandem runs on; ``path`` is absolute."""

    path: str

    def __str__(self) -> str:
        return f"folder {self.path}"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of S3, or of what speaks as S3 does.

    ``prefix`` is what keys begin with, without a slash at its ends. Without ``region`` that of the environment counts;
    ``endpoint_url`` is where it is reached instead of AWS.
    """

    name: str
    prefix: str = ""
    region: str | None = None
    endpoint_url: str | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, ("s3:/", self.name, self.prefix)))


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of Kubernetes in the target's namespace, written through a pod that mounts it.

    ``claim`` is its PersistentVolumeClaim, ``folder`` where in it, without a slash at its ends; it may be empty.
    """

    claim: str
    folder: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (f"volume {self.claim}", self.folder)))


RescuePlace = Folder | Bucket | Volume
"""What ``rescue:`` in ``targets.yaml`` says."""
