"""Whether one node answers, told from one small question after another, and what it said last. No I/O here."""

from __future__ import annotations

from datetime import datetime

from actions.kit.errors import Garbled
from actions.kit.node_info import parse_standing
from actions.kit.ports import Standing

MISSES = 2
"""So many questions in a row without an answer are silence; one may be lost to a moment."""


class Pulse:
    """One node. It keeps INFO's text as it came, and reads it only when somebody asks: there are thousands of them.

    ``answered_at``: when it last answered. ``sign_at``: since when it has not, while it does not. ``master_at``: when
    it last answered as a master; ``master_since``: when it was first seen as one after it had been a replica.
    ``only_master_since``: since when each of its answers was a master's, be it from the first on.
    """

    __slots__ = (
        "_as_master",
        "_info",
        "_misses",
        "answered_at",
        "master_at",
        "master_since",
        "only_master_since",
        "sign_at",
    )

    def __init__(self) -> None:
        self._info = b""
        self._as_master = b""
        self._misses = 0
        self.answered_at: datetime | None = None
        self.sign_at: datetime | None = None
        self.master_at: datetime | None = None
        self.master_since: datetime | None = None
        self.only_master_since: datetime | None = None

    @property
    def silent(self) -> bool:
        """It has given no answer for long enough."""
        return self._misses >= MISSES

    @property
    def is_master(self) -> bool:
        """What it said last."""
        return _says_master(self._info)

    @property
    def standing(self) -> Standing | None:
        """What it said last; ``None`` where that cannot be read."""
        return _read(self._info)

    @property
    def standing_as_master(self) -> Standing | None:
        """What it last said as a master; ``None`` where it never did."""
        return _read(self._as_master)

    def heard(self, at: datetime, info: bytes) -> Standing | None:
        """It has answered; what it had said before, as a replica, if it is a master now and was none."""
        before = self._info
        self._info, self._misses, self.answered_at, self.sign_at = info, 0, at, None
        if not _says_master(info):
            self.master_since = self.only_master_since = None
            return None
        self._as_master, self.master_at = info, at
        self.only_master_since = self.only_master_since or at
        if not before or _says_master(before):
            return None
        self.master_since = at
        return _read(before)

    def missed(self, at: datetime) -> bool:
        """It has not answered; whether it has fallen silent by that. One that never answered cannot."""
        if self.answered_at is None:
            return False
        self._misses += 1
        self.sign_at = self.sign_at or at
        return self._misses == MISSES


def _says_master(info: bytes) -> bool:
    return info.find(b"role:master", 0, 60) >= 0  # The first line below the heading.


def _read(info: bytes) -> Standing | None:
    try:
        return parse_standing(info) if info else None
    except Garbled:
        return None
