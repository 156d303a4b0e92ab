"""``chart``: the dashboard's panels of one target as numbers over time; they become a picture where they are shown."""

from __future__ import annotations

from dataclasses import replace

from actions.kit.action import Option, Options, Progress, ReadAction, Seen
from actions.kit.charting.sampling import USUAL_S, length_s, sample
from actions.kit.diagnosis import diagnose
from actions.kit.ports import Hands

FOR = Option("for", "TIME", f"Sample for so long: 30s, 2m. By default {USUAL_S}s.")


async def look(hands: Hands, options: Options, progress: Progress) -> Seen:
    """Sample once a second.

    Returns:
        The last look, and the chart.

    Raises:
        UsageError: ``for`` is no length of time from 2 s to 5 min.
    """
    seconds = length_s(options.get(FOR.name))
    snapshot = await hands.observe()
    await progress(f"Sampling {hands.target.name} once a second for {seconds:g} s.")
    chart, last = await sample(hands, snapshot, seconds)
    seen = replace(last, group=snapshot.group, kubernetes=snapshot.kubernetes)
    return Seen(seen, diagnose(seen), chart=chart)


ACTION = ReadAction(
    name="chart",
    summary="Clients, memory, replication lag, commands a second and hit ratio over time, as one picture.",
    look=look,
    options=(FOR,),
)
