"""``status``: one target at a glance; the ways in loop over the fleet and show a line for each."""

from __future__ import annotations

from actions.kit.action import Options, Progress, ReadAction, Seen
from actions.kit.diagnosis import diagnose
from actions.kit.ports import Hands


async def look(hands: Hands, _options: Options, _progress: Progress) -> Seen:
    """Look once."""
    snapshot = await hands.observe()
    return Seen(snapshot, diagnose(snapshot))


ACTION = ReadAction(
    name="status", summary="The fleet at a glance: a line and a verdict for each target.", look=look, whole_fleet=True
)
