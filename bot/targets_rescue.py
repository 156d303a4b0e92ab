"""Reads a ``rescue`` block: where copies of a target's data go before something is done that cannot be taken back."""

from __future__ import annotations

import re
from pathlib import Path

from actions.kit.rescue_place import Bucket, Folder, RescuePlace, Volume
from bot.marked import Field
from bot.targets_elasticache import REGION

_WAYS = ("folder", "s3", "pvc")
_DNS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")
_URL = re.compile(r"https?://[^\s/@?#]+")


def read_rescue(field: Field | None, *, on_kubernetes: bool) -> RescuePlace | None:
    """The place; ``None`` where none is set. A relative folder is meant from where ``targets.yaml`` is.

    Args:
        field: the block.
        on_kubernetes: whether the target says in which cluster and namespace a volume is.

    Raises:
        SettingsError: a key that is missing, unknown or wrong.
    """
    if field is None:
        return None
    given = field.section(*_WAYS).fields
    if len(given) != 1:
        raise field.wrong("has to name one place: folder, s3 or pvc.")
    ((way, place),) = given.items()
    if way == "pvc":
        if not on_kubernetes:
            raise field.wrong("names a volume, and this target has no kubernetes block that says where it is.")
        return _volume(place)
    return _folder(place) if way == "folder" else _bucket(place)


def _folder(field: Field) -> Folder:
    return Folder(str((field.path.parent / Path(field.text()).expanduser()).resolve()))


def _bucket(field: Field) -> Bucket:
    section = field.section("bucket", "prefix", "region", "endpoint_url")
    prefix, region, url = (section.get(name) for name in ("prefix", "region", "endpoint_url"))
    return Bucket(
        name=section.need("bucket", "it is where the copies go").matching(_BUCKET, "the name of a bucket"),
        prefix=prefix.matching(_PREFIX, "what keys begin with, without a slash at its ends") if prefix else "",
        region=region.matching(REGION, "the name of a region, such as eu-west-1") if region else None,
        endpoint_url=url.matching(_URL, "an http:// or https:// address without a path or a password") if url else None,
    )


def _volume(field: Field) -> Volume:
    section = field.section("claim", "folder")
    folder = section.get("folder")
    return Volume(
        claim=section.need("claim", "it is the PersistentVolumeClaim that the copies go to").matching(
            _DNS, "the name of a PersistentVolumeClaim"
        ),
        folder=folder.matching(_FOLDER, "a folder of that volume, without a slash at its ends") if folder else "",
    )
