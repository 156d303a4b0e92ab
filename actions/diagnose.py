"""``diagnose``: the verdict on one target, how sure it is, the evidence, what to do; on demand, keys compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actions.kit import diagnosis
from actions.kit.action import Option, Options, Progress, ReadAction, Seen
from actions.kit.comparison import Bounds, Comparison
from actions.kit.diagnosis.facts import Facts
from actions.kit.diagnosis.second_look import open_questions
from actions.kit.diagnosis.split import sides
from actions.kit.errors import ActionError, UsageError
from actions.kit.ports import Hands
from actions.kit.topology import Address

SECOND_LOOK_S = 1.0
MOST_NAMES = 100
"""So many names are shown of each two masters."""
MOST_PAIRS = 3
"""Of more masters than three the first is compared with so many others."""

COMPARE = Option("compare", "", "Where there are two masters: count the keys that only one has, and that differ.")
NAMES = Option("names", "", f"With --compare: up to {MOST_NAMES} names too, for you alone; it takes an approver.")


async def look(hands: Hands, options: Options, progress: Progress) -> Seen:
    """Look, and again where only growth tells: who takes writes, where a lag is going, how far a sync gets.

    Args:
        hands: the target's.
        options: ``compare`` and ``names``. Who may see names is for the caller to decide, before.
        progress: is told what is waited for.

    Raises:
        UsageError: names without a comparison.
    """
    if NAMES.name in options and COMPARE.name not in options:
        raise UsageError("--names tells which keys --compare has counted: type both.")
    seen = await _twice(hands, progress)
    if COMPARE.name not in options:
        return seen
    bounds = Bounds(names=MOST_NAMES if NAMES.name in options else 0)
    return await _with_keys(hands, seen, bounds, progress)


async def _twice(hands: Hands, progress: Progress) -> Seen:
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


async def _with_keys(hands: Hands, seen: Seen, bounds: Bounds, progress: Progress) -> Seen:
    pairs = tuple(_pairs(seen))
    if not pairs:
        return replace(seen, uncompared="There are not two masters that answer: there is nothing to compare.")
    compared: list[Comparison] = []
    for first, second in pairs:
        await progress(f"Comparing the keys of {first} and {second}, at most {bounds.rate:,} names a second.")
        try:
            compared.append(await hands.compare_keys(first, second, bounds))
        except ActionError as error:
            return replace(seen, comparisons=tuple(compared), uncompared=f"{error}")
    return replace(seen, comparisons=tuple(compared))


def _pairs(seen: Seen) -> Iterator[tuple[Address, Address]]:
    """The masters that answer, in pairs: each loser with the keeper, or all with the first where there is none."""
    found = sides(Facts(seen.snapshot))
    answering = [one for one in found.masters if one not in found.hidden] if found is not None else []
    yield from ((other, answering[0]) for other in answering[1 : 1 + MOST_PAIRS])


ACTION = ReadAction(
    name="diagnose",
    summary="The verdict, how sure it is, the evidence, and what to do.",
    look=look,
    options=(COMPARE, NAMES),
)
