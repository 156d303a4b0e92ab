"""Reads a ``rescue`` block: where copies of a target's data go before something is done that cannot be taken back."""

from __future__ import annotations

import re
from pathlib import Path

from actions.kit.rescue_place import Bucket, Folder, RescuePlace
from bot.marked import Field
from bot.targets_elasticache import REGION

_WAYS = ("folder", "s3")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")
_URL = re.compile(r"https?://[^\s/@?#]+")


def read_rescue(field: Field | None) -> RescuePlace | None:
    """The place; ``None`` where none is set. A relative folder is meant from where ``targets.yaml`` is.

    Raises:
        SettingsError: a key that is missing, unknown or wrong.
    """
    if field is None:
        return None
    given = field.section(*_WAYS).fields
    if len(given) != 1:
        raise field.wrong("has to name one place: folder or s3.")
    ((way, place),) = given.items()
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
