"""Samples a target: looks at its servers once a second, for as long as was asked for. Acts by ``Hands`` alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from actions.kit.charting import Chart, Source
from actions.kit.charting.making import chart_of
from actions.kit.charting.readings import Reading, of_snapshot
from actions.kit.errors import UsageError

if TYPE_CHECKING:
    from actions.kit.ports import Hands
    from actions.kit.snapshot import Snapshot

EVERY_S = 1.0
USUAL_S, SHORTEST_S, LONGEST_S = 30, 2, 300
_LENGTH = re.compile(r"([0-9]{1,4})\s*(s|m|)")


def length_s(text: str | None) -> float:
    """For how long to sample, in seconds: ``30s``, ``2m``.

    Raises:
        UsageError: it is none of these, too short to show anything, or longer than somebody waits.
    """
    found = _LENGTH.fullmatch((text or f"{USUAL_S}s").strip().lower())
    seconds = int(found[1]) * (60 if found[2] == "m" else 1) if found else 0
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise UsageError(
            f"--for takes {SHORTEST_S}s to {LONGEST_S // 60}m, such as 30s or 2m; {(text or '')[:40]!r} is none."
        )
    return seconds


async def sample(hands: Hands, first: Snapshot, seconds: float, notes: tuple[str, ...] = ()) -> tuple[Chart, Snapshot]:
    """Look for so many seconds, the first look counted in.

    A look that takes longer than a second, since a node hangs, is followed by the next one at once.

    Returns:
        The chart, and the last look.
    """
    began, last = hands.now(), first
    start = first.observed_at.timestamp()
    readings: dict[str, list[Reading]] = {}
    _keep(readings, first, start)
    looks, due = 1, began
    while (due := max(due + EVERY_S, hands.now())) <= began + seconds:
        await hands.sleep(max(0.0, due - hands.now()))
        last = await hands.observe_servers()
        at = start + _since(first, last)
        _keep(readings, last, at)
        looks += 1
    ends = max(one[-1].at for one in readings.values()) if readings else start
    step = (ends - start) / (looks - 1) if looks > 1 else EVERY_S
    return chart_of(Source.SAMPLING, (start, ends), step, readings, notes), last


def _keep(readings: dict[str, list[Reading]], snapshot: Snapshot, at: float) -> None:
    told = of_snapshot(snapshot, at)
    for node in {**readings, **told}:
        gone = Reading(at, silence="nobody names it any more")
        readings.setdefault(node, []).append(told.get(node, gone))


def _since(first: Snapshot, snapshot: Snapshot) -> float:
    """Seconds, by a clock that does not jump where there is one."""
    if first.clock_s is not None and snapshot.clock_s is not None:
        return snapshot.clock_s - first.clock_s
    return (snapshot.observed_at - first.observed_at).total_seconds()
