"""Makes the chart of what was read of each node. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from actions.kit.charting import Chart, Source
from actions.kit.charting.lines import line_of
from actions.kit.charting.occurring import occurrences
from actions.kit.charting.readings import Reading

_ORDER = {"master": 0, "replica": 1}


def chart_of(
    source: Source,
    window: tuple[float, float],
    step_s: float,
    readings: Mapping[str, Sequence[Reading]],
    notes: Sequence[str] = (),
) -> Chart:
    """The chart, masters first.

    Args:
        source: who told.
        window: from when to when, in seconds since 1970.
        step_s: how often.
        readings: by node, in the order of time.
        notes: what has to be known of it.
    """
    lines = [line_of(node, told) for node, told in readings.items() if told]
    return Chart(
        source=source,
        since=datetime.fromtimestamp(window[0], UTC),
        until=datetime.fromtimestamp(window[1], UTC),
        step_s=step_s,
        lines=tuple(sorted(lines, key=lambda line: (_ORDER.get(line.role, 2), line.node))),
        occurrences=occurrences(readings),
        notes=tuple(notes),
    )
