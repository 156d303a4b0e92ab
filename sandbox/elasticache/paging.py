"""Cuts a long answer into pages by MaxRecords and Marker, as the Describe calls of ElastiCache do. No I/O here."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sandbox.elasticache.errors import invalid_value

LEAST, MOST = 20, 100

Item = TypeVar("Item")


def page(items: Sequence[Item], asked: Mapping[str, Any]) -> tuple[str | None, Sequence[Item]]:
    """The marker for the next page, None after the last, and the items of this one."""
    size = asked.get("MaxRecords", MOST)
    if not LEAST <= size <= MOST:
        raise invalid_value(f"Invalid value {size} for MaxRecords. Must be between {LEAST} and {MOST}")
    start = _start(asked["Marker"]) if asked.get("Marker") else 0
    more = start + size < len(items)
    return _marker(start + size) if more else None, items[start : start + size]


def _marker(start: int) -> str:
    return base64.urlsafe_b64encode(f"from {start}".encode()).decode()


def _start(marker: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(marker).decode().removeprefix("from "))
    except (binascii.Error, ValueError):
        raise invalid_value("The parameter Marker is not valid.") from None
