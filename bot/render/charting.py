"""Tells a chart as text and for programs: the numbers of the picture, for whoever cannot see it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actions.kit.charting import Panel, Source
from bot.render.words import counted, duration, plain, size

if TYPE_CHECKING:
    from actions.kit.action import Seen
    from actions.kit.charting import Chart, Gap, Line, Occurrence, Point, Series

SPARK = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 24
MOST_GAPS = 2
"""So many gaps of a line are told with their times, the others counted."""
NONE = "none"


def source_line(chart: Chart) -> str:
    """From where the numbers are, of which window, how close together."""
    window = f"{clock(chart.since, chart)} to {clock(chart.until, chart)} UTC"
    length = duration((chart.until - chart.since).total_seconds())
    if chart.source is Source.SAMPLING:
        return f"Sampled by Tandem for {length}, every {duration(chart.step_s)}: {window}"
    return f"From Prometheus, the last {length} in steps of {duration(chart.step_s)}: {window}"


def panel_lines(chart: Chart, panel: Panel, width: int = SPARK_WIDTH) -> list[str]:
    """A line for each node: what it shows, small; the latest, the least and the greatest value; its gaps.

    Args:
        chart: of which.
        panel: of which.
        width: characters of the small curve; 0: without.
    """
    shown = chart.shown(panel)
    if not shown:
        return ["no node has told this"]
    names = {line.node: named(line) for line in shown}
    longest = max(map(len, names.values()))
    top = max((value for line in shown for value in line.of(panel).values), default=0.0)
    rows = []
    for line in shown:
        series = line.of(panel)
        small = f"{spark(series.points, top, width):<{width}}  " if width else ""
        rows.append(f"{names[line.node]:<{longest}}  {small}{told(series, chart)}")
    return rows


def named(line: Line) -> str:
    """A node with its state as a word: its role, or that it is silent."""
    return f"{plain(line.node, 60)} ({state_of(line)})"


def state_of(line: Line) -> str:
    """Its role at the end, or that it was silent."""
    return "no answer" if line.silence else line.role or "role unknown"


def told(series: Series, chart: Chart) -> str:
    """``now 13, 8 to 38; gap 18:53:36 to 18:54:10``."""
    values = series.values
    if not values:
        return f"{_nothing(series)} in all this time"
    now = f"now {amount(series.panel, series.latest)}"
    whole = f", {amount(series.panel, series.overall)} of all look-ups" if series.overall is not None else ""
    return f"{now}, {_range(series.panel, values)}{whole}{_gaps(series, chart)}"


def _range(panel: Panel, values: Sequence[float]) -> str:
    least, most = amount(panel, min(values)), amount(panel, max(values))
    return f"always {least}" if least == most else f"{least} to {most}"


def _nothing(series: Series) -> str:
    return "nothing was looked up" if series.panel is Panel.HIT_RATIO else "no value"


def _gaps(series: Series, chart: Chart) -> str:
    gaps = series.gaps
    if not gaps:
        return ""
    if series.panel is Panel.HIT_RATIO and len(gaps) > MOST_GAPS:
        return f"; nothing looked up {counted(len(gaps), 'time')}"
    first = ", ".join(_gap(gap, chart) for gap in gaps[:MOST_GAPS])
    more = f" and {len(gaps) - MOST_GAPS} more" if len(gaps) > MOST_GAPS else ""
    return f"; {'gap' if len(gaps) == 1 else 'gaps'} {first}{more}"


def _gap(gap: Gap, chart: Chart) -> str:
    return f"{at(gap.since, chart)} to {at(gap.until, chart)}"


def amount(panel: Panel, value: float | None) -> str:
    """A value with its unit, as short as it can be."""
    if value is None:
        return NONE
    if panel in {Panel.MEMORY, Panel.LAG_BYTES}:
        return size(round(value))
    if panel is Panel.HIT_RATIO:
        return f"{value:.1f} %"
    if panel is Panel.LAG_SECONDS:
        return f"{value:g} s"
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def spark(points: Sequence[Point], top: float, width: int) -> str:
    """The values as small bars from 0 to ``top``, a space where there is none; the greatest of each stretch."""
    if not points:
        return ""
    begin, span = points[0][0], max(points[-1][0] - points[0][0], 1e-9)
    count = min(width, len(points))
    cells: list[list[float | None]] = [[] for _ in range(count)]
    for when, value in points:
        cells[min(count - 1, int((when - begin) / span * count))].append(value)
    return "".join(_bar(cell, top) for cell in cells)


def _bar(cell: Sequence[float | None], top: float) -> str:
    """A gap of any length is seen: one value that is missing leaves the cell empty."""
    values = [value for value in cell if value is not None]
    if not values or len(values) < len(cell):
        return " "
    return SPARK[min(len(SPARK) - 1, int(max(values) / top * len(SPARK)))] if top else SPARK[0]


def occurrence_lines(chart: Chart) -> list[str]:
    """What happened, numbered as in the picture."""
    return [f"{number} {_occurrence(one, chart)}" for number, one in enumerate(chart.occurrences, start=1)]


def _occurrence(one: Occurrence, chart: Chart) -> str:
    return f"{at(one.at, chart)} {plain(one.node, 60)}: {plain(one.what, 200)}"


def chart_lines(chart: Chart, width: int = SPARK_WIDTH) -> list[str]:
    """All of it as plain lines."""
    lines = [source_line(chart), *(plain(note) for note in chart.notes)]
    for panel in Panel:
        lines += ["", panel.heading, *(f"  {row}" for row in panel_lines(chart, panel, width))]
    happened = occurrence_lines(chart)
    return [*lines, "", *(["What happened", *(f"  {one}" for one in happened)] if happened else [NOTHING_HAPPENED])]


NOTHING_HAPPENED = "No node fell silent, was restarted or changed its role meanwhile."


def clock(moment: datetime, chart: Chart) -> str:
    """A moment in UTC, with its day where the chart has more than one."""
    day = chart.since.astimezone(UTC).date() != chart.until.astimezone(UTC).date()
    return f"{moment.astimezone(UTC):{'%Y-%m-%d ' if day else ''}%H:%M:%S}"


def at(seconds: float, chart: Chart) -> str:
    """The same of seconds since 1970."""
    return clock(datetime.fromtimestamp(seconds, UTC), chart)


def chart_json(seen: Seen) -> dict[str, Any]:
    """The same for programs: each point is its time and its value, ``null`` in a gap."""
    chart = seen.chart
    if chart is None:
        return {}
    return {
        "source": chart.source.value,
        "since": _iso(chart.since.timestamp()),
        "until": _iso(chart.until.timestamp()),
        "step_s": round(chart.step_s, 3),
        "panels": [_panel(chart, panel) for panel in Panel],
        "events": [_event(number, one) for number, one in enumerate(chart.occurrences, start=1)],
        "notes": list(chart.notes),
    }


def _panel(chart: Chart, panel: Panel) -> dict[str, Any]:
    series = [_line(line, panel) for line in chart.shown(panel)]
    return {"id": panel.value, "title": panel.heading, "unit": panel.unit, "series": series}


def _line(line: Line, panel: Panel) -> dict[str, Any]:
    series = line.of(panel)
    limit = {"limit": line.memory_limit} if panel is Panel.MEMORY else {}
    overall = {"overall": _rounded(series.overall)} if panel is Panel.HIT_RATIO else {}
    return {
        "node": line.node,
        "role": line.role or None,
        "error": line.silence or None,
        "latest": _rounded(series.latest),
        "min": _rounded(min(series.values, default=None)),
        "max": _rounded(max(series.values, default=None)),
        **limit,
        **overall,
        "gaps": [{"since": _iso(gap.since), "until": _iso(gap.until)} for gap in series.gaps],
        "points": [[_iso(when), _rounded(value)] for when, value in series.points],
    }


def _event(number: int, one: Occurrence) -> dict[str, Any]:
    return {"number": number, "at": _iso(one.at), "node": one.node, "what": one.what}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def picture_words(target: str, chart: Chart) -> Iterator[str]:
    """What the picture shows, for whoever hears it read: a sentence a panel."""
    yield f"Six panels of {target}. {source_line(chart)}."
    for panel in Panel:
        rows = (f"{named(line)} {told(line.of(panel), chart)}" for line in chart.shown(panel))
        yield f"{panel.heading}: {'; '.join(rows) or 'nothing'}."
