"""``health``: roles, links, lag, Sentinels and quorum of one target."""

from __future__ import annotations

from actions.kit.action import Options, Progress, ReadAction, Seen
from actions.kit.diagnosis import diagnose
from actions.kit.ports import Hands


async def look(hands: Hands, _options: Options, _progress: Progress) -> Seen:
    """Look once."""
    snapshot = await hands.observe()
    return Seen(snapshot, diagnose(snapshot))


ACTION = ReadAction(name="health", summary="Roles, links, lag, Sentinels and quorum of one target.", look=look)
