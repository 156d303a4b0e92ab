"""What a chart of a target shows: six panels of numbers over time, gaps, what happened meanwhile. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Point = tuple[float, float | None]
"""Seconds since 1970, and the value; ``None``: there is none, and no line is drawn through it."""


class Panel(StrEnum):
    """What is shown, in this order. Lag is two panels: in seconds a slow replica looks well, in bytes it does not."""

    CLIENTS = "clients"
    MEMORY = "memory"
    LAG_SECONDS = "lag_seconds"
    LAG_BYTES = "lag_bytes"
    COMMANDS = "commands"
    HIT_RATIO = "hit_ratio"

    @property
    def heading(self) -> str:
        """For a person."""
        return _TITLES[self][0]

    @property
    def unit(self) -> str:
        """Of the values."""
        return _TITLES[self][1]


_TITLES = {
    Panel.CLIENTS: ("Connected clients", "clients"),
    Panel.MEMORY: ("Memory used", "bytes"),
    Panel.LAG_SECONDS: ("Replication lag in seconds", "seconds"),
    Panel.LAG_BYTES: ("Replication lag in bytes", "bytes"),
    Panel.COMMANDS: ("Commands a second", "commands/s"),
    Panel.HIT_RATIO: ("Cache hit ratio", "percent"),
}


class Source(StrEnum):
    """Where the numbers are from."""

    SAMPLING = "sampling"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class Gap:
    """From the last value before to the first one after; where there is none, from or to the end of the chart."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Series:
    """One node's line in one panel.

    ``overall``: of a ratio, that of the whole window, which is not the mean of its points.
    """

    panel: Panel
    points: tuple[Point, ...]
    gaps: tuple[Gap, ...] = ()
    overall: float | None = None

    @property
    def values(self) -> tuple[float, ...]:
        """Those that there are."""
        return tuple(value for _, value in self.points if value is not None)

    @property
    def latest(self) -> float | None:
        """The value at the end; ``None`` where the line has stopped before it."""
        return self.points[-1][1] if self.points else None


@dataclass(frozen=True, slots=True)
class Line:
    """One node through all panels.

    ``role``: the last one that it told, empty where it told none. ``silence``: why it gave no answer at the end; empty
    where it gave one. ``memory_limit`` in bytes; ``None`` where it has none, or does not say.
    """

    node: str
    role: str
    silence: str
    memory_limit: float | None
    series: tuple[Series, ...]

    def of(self, panel: Panel) -> Series:
        """Its line in one panel."""
        return next(one for one in self.series if one.panel is panel)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What a node did at a moment, in seconds since 1970; they are numbered by their place among all."""

    at: float
    node: str
    what: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All of it. ``step_s``: the seconds between two values of one line. ``notes``: what has to be known; sentences."""

    source: Source
    since: datetime
    until: datetime
    step_s: float
    lines: tuple[Line, ...]
    occurrences: tuple[Occurrence, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nobody has told anything."""
        return not any(series.values for line in self.lines for series in line.series)

    def shown(self, panel: Panel) -> tuple[Line, ...]:
        """Those with something to show there, and those that have fallen silent; a master has no lag."""
        of_replicas = panel in {Panel.LAG_SECONDS, Panel.LAG_BYTES}
        return tuple(
            line for line in self.lines if line.of(panel).values or not (of_replicas and line.role != "replica")
        )
