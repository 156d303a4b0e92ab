"""Which slot a key is in, and which hash tag brings a key into given slots. No I/O here."""

from __future__ import annotations

import itertools
from binascii import crc_hqx
from collections.abc import Sequence

from actions.kit.cluster.view import SLOTS, SlotRange


def slot_of(key: str) -> int:
    """The slot of a key, 0 to 16383: CRC16 of its hash tag, else of all of it. Source: the cluster specification."""
    _, opened, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    return crc_hqx((tag if opened and closed and tag else key).encode(), 0) % SLOTS


def tag_in(slots: Sequence[SlotRange]) -> str:
    """A hash tag, without its braces, of which every key is in one of these slots.

    Raises:
        ValueError: there are no slots.
    """
    if not slots:
        raise ValueError("A hash tag needs at least one slot.")
    tags = map(str, itertools.count())
    return next(tag for tag in tags if any(first <= slot_of(tag) <= last for first, last in slots))
