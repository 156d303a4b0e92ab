"""``diagnose``: the verdict on one target, how sure it is, the evidence, what to do."""

from __future__ import annotations

from actions.kit import diagnosis
from actions.kit.action import Options, Progress, ReadAction, Seen
from actions.kit.findings import FindingId
from actions.kit.ports import Hands

SECOND_LOOK_S = 1.0


async def look(hands: Hands, _options: Options, progress: Progress) -> Seen:
    """Look, and where not all is well look again: growth tells who takes writes, and where a lag is going."""
    first = await hands.observe()
    seen = Seen(first, diagnosis.diagnose(first))
    if seen.diagnosis.verdict.id is FindingId.HEALTHY:
        return seen
    await progress(f"{seen.diagnosis.verdict.summary} Looking again after {SECOND_LOOK_S:g} s, to see what moves.")
    await hands.sleep(SECOND_LOOK_S)
    second = await hands.observe()
    return Seen(second, diagnosis.diagnose(second, first))


ACTION = ReadAction(name="diagnose", summary="The verdict, how sure it is, the evidence, and what to do.", look=look)
