"""Where rescue copies are put: a folder here, a bucket of S3, or a volume of Kubernetes. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the host that Tandem runs on; ``path`` is absolute."""

    path: str

    def __str__(self) -> str:
        return f"folder {self.path}"


RescuePlace = Folder
"""What ``rescue:`` in ``targets.yaml`` says."""
