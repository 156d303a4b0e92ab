"""Makes lines of readings: levels as they were told, rates and ratios of what grew, and gaps. No I/O here.

A value that is missing, infinite or of another process is a gap, never zero, and no line goes through it. So is a
counter that has fallen: the process was restarted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from actions.kit.charting import Gap, Line, Panel, Point, Series
from actions.kit.charting.readings import Reading

APART = 3
"""Two readings that are so many times as far apart as usual have a gap between them."""


def line_of(node: str, readings: Sequence[Reading]) -> Line:
    """One node's lines in all panels.

    Args:
        node: its address.
        readings: at least one, in the order of time.
    """
    told = tuple(_with_breaks(readings))
    last = told[-1]
    return Line(
        node=node,
        role=next((one.role for one in reversed(told) if one.role), ""),
        silence=last.silence,
        memory_limit=next((one.memory_limit for one in reversed(told) if _finite(one.memory_limit)), None),
        series=(
            _series(Panel.CLIENTS, _levels(told, lambda one: one.clients)),
            _series(Panel.MEMORY, _levels(told, lambda one: one.memory)),
            _lag(Panel.LAG_SECONDS, told, lambda one: one.lag_seconds),
            _lag(Panel.LAG_BYTES, told, lambda one: one.lag_bytes),
            _series(Panel.COMMANDS, _rates(told)),
            _series(Panel.HIT_RATIO, _ratios(told), overall=_overall(told)),
        ),
    )


def grown(before: Reading, after: Reading, count: Callable[[Reading], float | None]) -> float | None:
    """By how much a counter has grown; ``None`` where that cannot be known."""
    was, now = _finite(count(before)), _finite(count(after))
    restarted = before.run and after.run and before.run != after.run
    if was is None or now is None or restarted or now < was:
        return None
    return now - was


def _with_breaks(readings: Sequence[Reading]) -> Iterator[Reading]:
    """The readings, and one of nothing wherever there should have been some."""
    usual = median(after.at - before.at for before, after in pairwise(readings)) if len(readings) > 2 else math.inf
    for before, after in pairwise(readings):
        yield before
        if after.at - before.at > APART * usual:
            yield Reading((before.at + after.at) / 2, silence="nothing was read")
    yield readings[-1]


def _levels(readings: Iterable[Reading], pick: Callable[[Reading], float | None]) -> Iterator[Point]:
    return ((one.at, _finite(pick(one))) for one in readings)


def _rates(readings: Sequence[Reading]) -> Iterator[Point]:
    """By the second; there is none at the first reading."""
    for before, after in pairwise(readings):
        count, seconds = grown(before, after, lambda one: one.commands), after.at - before.at
        yield after.at, count / seconds if count is not None and seconds > 0 else None


def _ratios(readings: Sequence[Reading]) -> Iterator[Point]:
    """In percent of what was looked up since the reading before; where nothing was there is none."""
    for before, after in pairwise(readings):
        found, all_of_it = _looked_up(before, after)
        yield after.at, 100 * found / all_of_it if all_of_it else None


def _overall(readings: Sequence[Reading]) -> float | None:
    parts = [_looked_up(before, after) for before, after in pairwise(readings)]
    all_of_it = sum(count for _, count in parts)
    return 100 * sum(found for found, _ in parts) / all_of_it if all_of_it else None


def _looked_up(before: Reading, after: Reading) -> tuple[float, float]:
    """What was found, and what was looked for; both 0 where it is not known."""
    hits = grown(before, after, lambda one: one.hits)
    misses = grown(before, after, lambda one: one.misses)
    return (0.0, 0.0) if hits is None or misses is None else (hits, hits + misses)


def _series(panel: Panel, points: Iterable[Point], overall: float | None = None) -> Series:
    kept = tuple(points)
    return Series(panel, kept, tuple(_gaps(kept)), overall)


def _lag(panel: Panel, readings: Sequence[Reading], pick: Callable[[Reading], float | None]) -> Series:
    """While it is a master it has none: no line goes through that time, and nothing is missing in it."""
    as_replica = tuple(_levels((one for one in readings if one.role != "master"), pick))
    return Series(panel, tuple(_levels(readings, pick)), tuple(_gaps(as_replica)))


def _gaps(points: Sequence[Point]) -> Iterator[Gap]:
    """Where values are missing; none at all is one gap."""
    since: float | None = None
    last: float | None = None
    for at, value in points:
        if value is None and since is None:
            since = at if last is None else last
        elif value is not None:
            if since is not None:
                yield Gap(since, at)
            since, last = None, at
    if since is not None:
        yield Gap(since, points[-1][0])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
