"""``chart``: the dashboard's panels of one target as numbers over time; they become a picture where they are shown."""

from __future__ import annotations

from dataclasses import replace

from actions.kit.action import Option, Options, Progress, ReadAction, Seen
from actions.kit.charting import Chart
from actions.kit.charting.asking import ask_prometheus
from actions.kit.charting.sampling import USUAL_S, length_s, sample
from actions.kit.diagnosis import diagnose
from actions.kit.errors import ActionError, UsageError
from actions.kit.happenings import window
from actions.kit.ports import Hands
from actions.kit.snapshot import Snapshot

USUAL = "1h"
SINCE = Option("since", "TIME", f"From Prometheus, so far back: 30m, 24h, 7d. By default {USUAL}, where there is one.")
FOR = Option("for", "TIME", f"Sample for so long instead: 30s, 2m. By default {USUAL_S}s, where there is none.")


async def look(hands: Hands, options: Options, progress: Progress) -> Seen:
    """Ask Prometheus where there is one; else, where it tells nothing, or where it is asked for, sample once a second.

    Returns:
        The last look, and the chart, which says from where it is.

    Raises:
        UsageError: a length of time is none, both are given, or ``since`` where there is no Prometheus.
    """
    seconds, back_s = check(options, known=hands.target.prometheus is not None)
    snapshot = await hands.observe()
    notes: tuple[str, ...] = ()
    if hands.target.prometheus is not None and FOR.name not in options:
        try:
            return _seen(snapshot, await ask_prometheus(hands, snapshot, back_s))
        except ActionError as error:
            notes = (f"{error} Tandem samples instead.",)
    await progress(" ".join([*notes, f"Sampling {hands.target.name} once a second for {seconds:g} s."]))
    chart, last = await sample(hands, snapshot, seconds, notes)
    return _seen(replace(last, group=snapshot.group, kubernetes=snapshot.kubernetes), chart)


def check(options: Options, *, known: bool) -> tuple[float, float]:
    """For how long to sample, and how far back to ask, in seconds.

    Args:
        options: as they were typed.
        known: whether there is a Prometheus.

    Raises:
        UsageError: see ``look``.
    """
    if FOR.name in options and SINCE.name in options:
        raise UsageError("--since asks Prometheus and --for samples; keep one.")
    if SINCE.name in options and not known:
        raise UsageError("Nobody knows what was: there is no prometheus block in targets.yaml. Sample with --for 30s.")
    return length_s(options.get(FOR.name)), window(options.get(SINCE.name) or USUAL).total_seconds()


def _seen(snapshot: Snapshot, chart: Chart) -> Seen:
    return Seen(snapshot, diagnose(snapshot), chart=chart)


ACTION = ReadAction(
    name="chart",
    summary="Clients, memory, replication lag, commands a second and hit ratio over time, as one picture.",
    look=look,
    options=(SINCE, FOR),
)
