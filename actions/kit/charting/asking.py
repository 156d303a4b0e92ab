"""Asks Prometheus for the chart of a target. Acts by ``Hands`` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from actions.kit.charting import Chart, Source
from actions.kit.charting.making import chart_of
from actions.kit.charting.prometheus import METRICS, UP, Grid, Scrapes
from actions.kit.charting.readings import Reading
from actions.kit.errors import NotYet

if TYPE_CHECKING:
    from actions.kit.ports import Hands
    from actions.kit.snapshot import Snapshot


MOST_LATE = 3
"""So many nodes are named."""


async def ask_prometheus(hands: Hands, seen: Snapshot, length_s: float) -> Chart:
    """The chart of the window that ends now.

    Raises:
        ActionError: it does not answer, refuses, or knows nothing of this target.
    """
    prometheus = hands.prometheus
    grid = Grid.over(seen.observed_at.timestamp(), length_s)
    selector = prometheus.place.selector
    which = selector.replace("{", f'{{__name__=~"{"|".join(METRICS)}",', 1)
    told = await prometheus.matrix(which, grid.since, grid.until, grid.step)
    moments = await prometheus.matrix(f"timestamp({UP}{selector})", grid.since, grid.until, grid.step)
    known_as = {str(one): str(node.address) for node in seen.nodes for one in node.also}
    sentinels = [str(one) for view in seen.sentinels for one in (view.address, *view.also)]
    scrapes = Scrapes(grid, told, moments, known_as, sentinels)
    readings = scrapes.readings()
    if not any(one.clients is not None for told_by in readings.values() for one in told_by):
        raise NotYet(f"Prometheus has no metrics of redis_exporter with the labels {selector} in that time.")
    window = (grid.since, grid.until)
    notes = (*_notes(seen, scrapes), *_late(readings, grid))
    return chart_of(Source.PROMETHEUS, window, grid.step, readings, notes)


def _late(readings: Mapping[str, Sequence[Reading]], grid: Grid) -> list[str]:
    """Of which nodes it tells nothing at first: such a line begins late, and no gap shows it."""
    within = grid.since + grid.stale_s
    late = [(node, told[0].at) for node, told in readings.items() if told[0].at > within]
    more = [f"So it is with {len(late) - MOST_LATE} more."] if len(late) > MOST_LATE else []
    begun = [(node, datetime.fromtimestamp(at, UTC)) for node, at in late[:MOST_LATE]]
    return [*(f"Prometheus tells nothing of {node} before {at:%Y-%m-%d %H:%M:%S} UTC." for node, at in begun), *more]


def _notes(seen: Snapshot, scrapes: Scrapes) -> list[str]:
    """What is not there, and looks as if it were nothing."""
    unknown = [str(node.address) for node in seen.nodes if str(node.address) not in scrapes.nodes]
    notes = [f"Prometheus does not scrape {', '.join(unknown[:5])}{' …' if unknown[5:] else ''}."] if unknown else []
    if scrapes.missing:
        notes.append(f"Prometheus has no {', '.join(scrapes.missing)}.")
    return notes
