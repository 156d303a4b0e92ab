"""Shows a chart in Slack as text: each panel's numbers, what happened; all of it in the thread. No I/O here.

The picture is a file in the same thread: whoever hears the message read has the numbers without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.action import Seen
from actions.kit.charting import Chart, Line, Panel
from bot.render.blocks import Block, Screen, context, fit, header, section, thread_of
from bot.render.blocks_findings import sign
from bot.render.charting import NOTHING_HAPPENED, chart_lines, occurrence_lines, source_line, state_of, told
from bot.render.words import bare, code, mrkdwn

MOST_NODES, MOST_OCCURRENCES = 6, 8
"""So many are in the message, the others in its thread."""


def charted(seen: Seen, asked_by: str, note: str = "") -> Screen:
    """``chart``. ``asked_by`` is markup, such as a mention; so is ``note``, what else is to be known."""
    target, verdict, chart = seen.snapshot.target, seen.diagnosis.verdict, seen.chart
    if chart is None:
        raise ValueError("There is no chart to show.")
    word = f":chart_with_upwards_trend: {bare(target)}"
    lines = [note, f"{sign(verdict)} {mrkdwn(verdict.summary, 500)}", mrkdwn(source_line(chart))]
    lines += [f":warning: {mrkdwn(one)}" for one in chart.notes]
    head = [header(word), section("\n".join(filter(None, lines)))]
    end = context(f"Asked by {asked_by} · the picture and all numbers in the thread")
    text = f"Chart of {mrkdwn(target, 80)}. {mrkdwn(source_line(chart))}. {mrkdwn(verdict.summary, 500)}"
    message = fit(text, head, [*map(section, _panels(chart)), *_happened(chart)], [end])
    return Screen(message, thread_of(f"Chart of {mrkdwn(target, 80)}", chart_lines(chart)))


def _panels(chart: Chart) -> Iterator[str]:
    for panel in Panel:
        shown = chart.shown(panel)
        rows = [_row(line, panel, chart) for line in shown[:MOST_NODES]] or ["no node has told this"]
        left = [f"… {len(shown) - MOST_NODES} more in the thread"] if len(shown) > MOST_NODES else []
        yield "\n".join([f"*{panel.heading}*", *rows, *left])


def _row(line: Line, panel: Panel, chart: Chart) -> str:
    return f"• {code(line.node)} {state_of(line)}: {mrkdwn(told(line.of(panel), chart))}"


def _happened(chart: Chart) -> list[Block]:
    lines = [mrkdwn(line) for line in occurrence_lines(chart)]
    left = [f"… {len(lines) - MOST_OCCURRENCES} more in the thread"] if len(lines) > MOST_OCCURRENCES else []
    return [section("\n".join(["*What happened*", *(lines[:MOST_OCCURRENCES] or [NOTHING_HAPPENED]), *left]))]
