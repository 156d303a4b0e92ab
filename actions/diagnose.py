"""``diagnose``: the verdict on one target, how sure it is, the evidence, what to do."""

from __future__ import annotations

from actions.kit import diagnosis
from actions.kit.action import Options, Progress, ReadAction, Seen
from actions.kit.diagnosis.second_look import open_questions
from actions.kit.ports import Hands

SECOND_LOOK_S = 1.0


async def look(hands: Hands, _options: Options, progress: Progress) -> Seen:
    """Look, and again where only growth tells: who takes writes, where a lag is going, how far a sync gets."""
    first = await hands.observe()
    seen = Seen(first, diagnosis.diagnose(first))
    questions = open_questions(first, seen.diagnosis)
    if not questions:
        return seen
    summary = seen.diagnosis.verdict.summary
    await progress(f"{summary} Looking again after {SECOND_LOOK_S:g} s, to see {', and '.join(questions)}.")
    await hands.sleep(SECOND_LOOK_S)
    second = await hands.observe()
    return Seen(second, diagnosis.diagnose(second, first))


ACTION = ReadAction(name="diagnose", summary="The verdict, how sure it is, the evidence, and what to do.", look=look)
