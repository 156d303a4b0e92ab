"""What the ledger holds of incidents, as frozen records. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

UNKNOWN, SEVERAL = "", "*"
"""Scopes that are no target's name: alerts that fit none, and so many targets at once that they share one message."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it was sent. ``fingerprint`` and ``starts_at`` tell one episode of it from every other.

    ``links``: a word and an address each.
    """

    fingerprint: str
    firing: bool
    starts_at: datetime
    ended_at: datetime | None
    labels: Mapping[str, str]
    summary: str
    links: tuple[tuple[str, str], ...] = ()
    own: bool = False
    """Tandem saw it itself: nobody says when it ends, and so it ends when Redis is seen to be well."""

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.labels.get("alertname", "an alert without a name")

    def ended_by(self, now: datetime) -> datetime:
        """When it ended: as it was told, if that is not in the future."""
        return min(self.ended_at, now) if self.ended_at else now

    @property
    def severity(self) -> str:
        """What its rule calls it; empty where it says nothing."""
        return self.labels.get("severity", "")


@dataclass(frozen=True, slots=True)
class Signal:
    """An alert, the target that it is about, and where that is spoken of.

    ``target``: ``None`` where its labels fit none. ``channels``: the ids of Slack's channels; none: nobody can be told.
    """

    alert: Alert
    target: str | None
    channels: tuple[str, ...]

    @property
    def scope(self) -> str:
        """What its incident is about by itself."""
        return self.target or UNKNOWN


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the alerts of one delivery: a number each.

    ``known``: said nothing new. ``unheard``: there is no channel to tell them in.
    """

    opened: int = 0
    changed: int = 0
    known: int = 0
    unheard: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What Tandem saw of one target, as plain values that JSON knows.

    ``well``: nothing is wrong; ``None`` where it could not be seen. ``note``: what else has to be known, such as a
    freeze. ``suggests`` holds action lines.
    """

    target: str
    verdict: str
    sign: str
    confidence: str
    summary: str
    well: bool | None
    evidence: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    note: str = ""

    @property
    def essence(self) -> tuple[Any, ...]:
        """What has to differ for people to be told again; numbers in sentences move all the time."""
        return (self.target, self.verdict, self.confidence, self.suggests, self.note)


@dataclass(frozen=True, slots=True)
class Incident:
    """One message's worth of alerts. ``targets``: what they are about, the worst first."""

    id: str
    targets: tuple[str, ...]
