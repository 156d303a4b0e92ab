"""``events``: what AWS and Kubernetes tell of what they did to one target, on one time line."""

from __future__ import annotations

from dataclasses import replace

from actions.kit.action import Option, Options, Progress, ReadAction, Seen
from actions.kit.diagnosis import diagnose
from actions.kit.elasticache.views import Event
from actions.kit.errors import ActionError
from actions.kit.happenings import LONGEST, USUAL, in_order, of_aws, of_kubernetes, window
from actions.kit.ports import Hands
from actions.kit.snapshot import Snapshot
from actions.kit.unasked import Reason, Unasked


async def look(hands: Hands, options: Options, _progress: Progress) -> Seen:
    """Look, and ask for what happened.

    Returns:
        The happenings since the moment that was asked for; whoever keeps events and did not tell them is unasked.

    Raises:
        UsageError: ``since`` is no length of time up to 14 days.
    """
    back = window(options.get("since"))
    snapshot = await hands.observe()
    since = snapshot.observed_at - back
    events: tuple[Event, ...] = ()
    if snapshot.group is not None and snapshot.group.unasked is None:
        minutes = min(int(back.total_seconds() // 60) + 1, int(LONGEST.total_seconds() // 60))
        try:
            events = await hands.elasticache.events(minutes)
        except ActionError as error:
            snapshot = _without_events(snapshot, error)
    happenings = in_order((*of_aws(events), *of_kubernetes(snapshot.kubernetes)), since)
    return Seen(snapshot, diagnose(snapshot), happenings=happenings, since=since)


def _without_events(snapshot: Snapshot, error: ActionError) -> Snapshot:
    group = snapshot.group
    if group is None or any("DescribeEvents" in gap.source for gap in group.gaps):
        return snapshot
    gap = Unasked("AWS DescribeEvents", getattr(error, "reason", Reason.REFUSED_COMMAND), str(error))
    return replace(snapshot, group=replace(group, gaps=(*group.gaps, gap)))


ACTION = ReadAction(
    name="events",
    summary="What AWS, Kubernetes and Tandem did to one target, on one time line.",
    look=look,
    options=(Option("since", "TIME", f"How far back: 90m, 24h, 14d. By default {USUAL}."),),
)
