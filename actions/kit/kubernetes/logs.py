"""Counts what an application's log says of trouble with Redis. The lines themselves are never kept. No I/O here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

_CODES = (
    *("READONLY", "NOAUTH", "WRONGPASS", "NOPERM", "MOVED", "ASK", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"),
    *("NOREPLICAS", "MISCONF", "UNBLOCKED", "EXECABORT"),
)
_CODE = re.compile(rf"(?<![A-Za-z_])(?P<code>{'|'.join(_CODES)}|OOM(?= command)|BUSY(?= Redis))(?![A-Za-z_])")
_CONNECTION = re.compile(
    r"connection (?:was )?(?:refused|reset|closed|timed out|error)|connectionerror|econnrefused|econnreset|etimedout|"
    r"timed? ?out|broken pipe|name or service not known|no route to host",
    re.IGNORECASE,
)
_REDIS = re.compile(r"redis|valkey|:6379\b", re.IGNORECASE)
_ASKS = re.compile(r"\bASK \d+ \S+:\d+")
CONNECTION = "connection errors"


@dataclass(frozen=True, slots=True)
class LogSearch:
    """What the logs of an application's pods say of Redis.

    ``counts``: by kind, the most frequent first. ``last``: when the last of them was written, by the pods' clocks.
    ``unread``: the pods whose log could not be read, and why.
    """

    pods: int
    counts: tuple[tuple[str, int], ...] = ()
    last: datetime | None = None
    unread: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """``12 READONLY, 3 connection errors``."""
        return ", ".join(f"{count} {kind}" for kind, count in self.counts)


def search(logs: Iterable[str], unread: tuple[str, ...] = ()) -> LogSearch:
    """Go through the logs of all pods, each line with Kubernetes' own time stamp before it."""
    counts: Counter[str] = Counter()
    last: datetime | None = None
    pods = 0
    for log in logs:
        pods += 1
        for line in log.splitlines():
            stamp, _, text = line.partition(" ")
            kind = kind_of(text)
            if kind:
                counts[kind] += 1
                at = _time(stamp)
                last = max(filter(None, (last, at)), default=None)
    return LogSearch(pods, tuple(counts.most_common()), last, unread)


def kind_of(line: str) -> str:
    """Which trouble with Redis a line tells of; empty: none."""
    code = _CODE.search(line)
    if code is not None and (code["code"] != "ASK" or _ASKS.search(line)):
        return code["code"]
    return CONNECTION if _CONNECTION.search(line) and _REDIS.search(line) else ""


def _time(stamp: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return found if found.tzinfo else None
