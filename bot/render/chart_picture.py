"""Draws a chart as a PNG: one panel below the other, as wide as a phone shows it. Runs in a process of its own.

Lines differ in colour and in the signs on them (dashes would look like gaps), a node's state stands beside its name as
a word, and what happened is numbered: in the picture by lines, below it in words.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from actions.kit.charting import Chart, Line, Panel
from bot.render.charting import NOTHING_HAPPENED, amount, named, occurrence_lines, source_line
from bot.render.words import bare, counted, cut

MOST_LINES = 8
"""More in one panel cannot be told apart."""
MOST_OCCURRENCES = 9
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#6B4FA0", "#444444")
"""They differ for the colour-blind too (Okabe and Ito), but for the last two."""
SIGNS = "os^Dvp*X"
WIDTH, PANEL_HEIGHT, LINE_HEIGHT = 7.2, 1.5, 0.21
"""Inches, of which each has ``DPI`` pixels."""
LEFT, RIGHT = 0.13, 0.975
"""Where the panels begin and end, of the whole width."""
LETTERS = 100
"""So many of the small ones are about as wide as the picture."""
DPI = 125
SIGNS_ON_A_LINE = 6
ROOM_FOR_NUMBERS = 1.7
LEAST_TOP = {Panel.CLIENTS: 4.0, Panel.LAG_SECONDS: 4.0, Panel.LAG_BYTES: 1024.0}
"""Whoever is a second behind now and then, as every replica is, does not fill the panel."""
IN_BYTES = (Panel.MEMORY, Panel.LAG_BYTES)
_INK, _PALE, _MARK = "#1d1c1d", "#d9d9d9", "#a4243b"


def png(target: str, chart: Chart) -> bytes:
    """The picture."""
    with rc_context({"text.parse_math": False}):  # A $ in a name is no formula.
        return _png(target, chart)


def _png(target: str, chart: Chart) -> bytes:
    drawn = _drawn(chart)
    above, below = _head(target, chart, drawn), _foot(chart)
    top, bottom = 0.55 + LINE_HEIGHT * (len(above) + len(drawn)), 0.55 + LINE_HEIGHT * len(below)
    height = top + len(Panel) * PANEL_HEIGHT + bottom
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(Panel), 1, left=LEFT, right=RIGHT, top=1 - top / height, bottom=bottom / height, hspace=0.45
    )
    axes: list[Axes] = []
    for number, panel in enumerate(Panel):
        axes.append(figure.add_subplot(grid[number, 0], sharex=axes[0] if axes else None))
        _panel(axes[-1], panel, chart, drawn)
    _times(axes, chart)
    _text(figure, above, below, height)
    _legend(figure, drawn, 1 - (0.12 + LINE_HEIGHT * len(above)) / height)
    file = io.BytesIO()
    canvas.print_png(file)
    return file.getvalue()


def _drawn(chart: Chart) -> tuple[Line, ...]:
    """The lines that are drawn: where there are too many, who fell silent first, then masters."""
    if len(chart.lines) <= MOST_LINES:
        return chart.lines
    troubled = {one.node for one in chart.occurrences}
    first = sorted(chart.lines, key=lambda line: (not line.silence, line.node not in troubled, line.role != "master"))
    kept = {line.node for line in first[:MOST_LINES]}
    return tuple(line for line in chart.lines if line.node in kept)


def _head(target: str, chart: Chart, drawn: Sequence[Line]) -> list[str]:
    window, _, times = source_line(chart).partition(": ")
    left = len(chart.lines) - len(drawn)
    more = [f"{counted(len(drawn), 'node')} of {len(chart.lines)} are drawn; the text has all of them"] if left else []
    notes = (line for note in chart.notes for line in wrap(bare(note, 400), LETTERS))
    return [bare(target, 40), window, times, *more, *notes]


def _foot(chart: Chart) -> list[str]:
    lines = [cut(line, LETTERS) for line in occurrence_lines(chart)]
    left = len(lines) - MOST_OCCURRENCES
    more = [f"… and {left} more, in the text"] if left > 0 else []
    return [*lines[:MOST_OCCURRENCES], *more] or [NOTHING_HAPPENED]


def _panel(axes: Axes, panel: Panel, chart: Chart, drawn: Sequence[Line]) -> None:
    axes.set_title(_title(panel), loc="left", fontsize=10, fontweight="bold", color=_INK, pad=5)
    axes.tick_params(labelsize=8.5, colors=_INK, length=3)
    axes.grid(axis="y", color=_PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    shown = {line.node for line in chart.shown(panel)}
    for number, line in enumerate(drawn):
        if line.node in shown:
            _curve(axes, panel, line, number)
    if not any(line.of(panel).values for line in drawn):
        axes.text(0.5, 0.5, _nothing(panel), transform=axes.transAxes, ha="center", va="center", color=_INK, fontsize=9)
    if panel is Panel.MEMORY:
        _limits(axes, drawn)
    numbered = panel is next(iter(Panel)) and bool(chart.occurrences)
    _scale(axes, panel, **({"room": ROOM_FOR_NUMBERS} if numbered else {}))
    _occurrences(axes, chart, numbered=numbered)


def _curve(axes: Axes, panel: Panel, line: Line, number: int) -> None:
    points = line.of(panel).points
    values = [math.nan if value is None else value for _, value in points]
    times: list[Any] = [datetime.fromtimestamp(when, UTC) for when, _ in points]
    colour, sign = _look(number)
    apart = max(1, len(points) // SIGNS_ON_A_LINE)
    every: Any = (min(number * apart // len(SIGNS), apart - 1), apart)
    axes.plot(times, values, color=colour, linewidth=1.7, solid_capstyle="butt", marker=sign, ms=4.5, markevery=every)
    alone = [at for at in range(len(values)) if points[at][1] is not None and _is_alone(points, at)]
    axes.plot([times[at] for at in alone], [values[at] for at in alone], sign, color=colour, ms=4.5)


def _is_alone(points: Sequence[tuple[float, float | None]], at: int) -> bool:
    """A value between two gaps: a line would not show it."""
    return all(other[1] is None for other in (*points[max(0, at - 1) : at], *points[at + 1 : at + 2]))


def _look(number: int) -> tuple[str, str]:
    return COLOURS[number], SIGNS[number]


def _limits(axes: Axes, drawn: Sequence[Line]) -> None:
    """maxmemory, where the lines come near it: else they would lie on the ground."""
    most = max((value for line in drawn for value in line.of(Panel.MEMORY).values), default=0.0)
    for limit in {line.memory_limit for line in drawn if line.memory_limit and line.memory_limit < 4 * most}:
        axes.axhline(limit, color=_MARK, linewidth=1.1, linestyle=(0, (4, 2)))
        axes.annotate(
            f"maxmemory {amount(Panel.MEMORY, limit)}",
            (0.995, limit),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color=_MARK,
        )


def _scale(axes: Axes, panel: Panel, *, room: float = 1.12) -> None:
    """From zero, so that a wobble does not look like a fall; ``room`` times as high as what is drawn."""
    top = max(axes.dataLim.y1 if math.isfinite(axes.dataLim.y1) else 0.0, LEAST_TOP.get(panel, 1.0))
    if panel is Panel.HIT_RATIO:
        top, room = 100.0, 1.05
        axes.set_yticks([0, 50, 100])
    elif panel in IN_BYTES:
        step = 2.0 ** round(math.log2(max(top, 3) / 3))  # So that a tick is 16 MiB, and not 15.3.
        axes.yaxis.set_major_locator(MultipleLocator(step))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_ylim(-0.02 * top, room * top)  # A line at zero is seen in all its width.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(panel, value)))


def _tick(panel: Panel, value: float) -> str:
    if panel in IN_BYTES:
        return amount(panel, value).replace(".0 ", " ").replace(" bytes", " B").replace(" byte", " B")
    return f"{value:,.10g}"


def _nothing(panel: Panel) -> str:
    return "nothing was looked up" if panel is Panel.HIT_RATIO else "no values"


def _title(panel: Panel) -> str:
    return panel.heading + {Panel.HIT_RATIO: ", %"}.get(panel, "")


def _occurrences(axes: Axes, chart: Chart, *, numbered: bool) -> None:
    for number, one in enumerate(chart.occurrences[:MOST_OCCURRENCES], start=1):
        when: Any = datetime.fromtimestamp(one.at, UTC)
        axes.axvline(when, color=_MARK, linewidth=0.9, linestyle=(0, (1, 2)))
        if numbered:
            axes.annotate(
                str(number),
                (when, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, -4 - 9 * ((number - 1) % 3)),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=7.5,
                color="white",
                bbox={"boxstyle": "circle,pad=0.2", "facecolor": _MARK, "edgecolor": "none"},
            )


def _times(axes: Sequence[Axes], chart: Chart) -> None:
    since: Any = chart.since
    until: Any = chart.until
    axes[0].set_xlim(since, until)
    locator = AutoDateLocator(minticks=3, maxticks=6, tz=UTC)
    axes[0].xaxis.set_major_locator(locator)
    axes[0].xaxis.set_major_formatter(DateFormatter(_clock(chart), tz=UTC))
    for one in axes[:-1]:
        one.tick_params(labelbottom=False)
    axes[-1].set_xlabel("UTC", fontsize=8.5, color=_INK)


def _clock(chart: Chart) -> str:
    seconds = (chart.until - chart.since).total_seconds()
    return "%H:%M:%S" if seconds < 600 else "%H:%M" if seconds < 86_400 else "%d %b %H:%M"


def _text(figure: Figure, above: Sequence[str], below: Sequence[str], height: float) -> None:
    for number, line in enumerate(above):
        style: dict[str, Any] = {"fontsize": 13, "fontweight": "bold"} if number == 0 else {"fontsize": 9}
        figure.text(0.02, 1 - (0.1 + LINE_HEIGHT * number) / height, line, va="top", color=_INK, **style)
    for number, line in enumerate(reversed(below)):
        figure.text(0.02, (0.08 + LINE_HEIGHT * number) / height, line, va="bottom", fontsize=8.5, color=_INK)


def _legend(figure: Figure, drawn: Sequence[Line], top: float) -> None:
    """The nodes, one below the other, each with its state."""
    if not drawn:
        return
    handles = []
    for number, line in enumerate(drawn):
        colour, sign = _look(number)
        handles.append(Line2D([], [], color=colour, marker=sign, ms=5, linewidth=2.2, label=bare(named(line), 90)))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.01, top),
        fontsize=9,
        frameon=False,
        borderpad=0,
        handlelength=2.8,
        labelspacing=0.3,
    )
