"""The one loop that acts: each step is journalled, checked, done, proven. No I/O here but through the ports.

Before the point of no return a failure puts everything back, in reverse. From there on it goes forward whatever
happens, since going back would make two masters or lose writes; what failed is said at the end. Only where a step sees
that what was done there has come undone by itself, it goes back all the same. A plan of several
stages has such a point in each: after a failure no further one is begun. A run that was cut off goes through
``actions.kit.settlement``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from actions.kit.errors import ActionError, Gone, JournalDown, Stopped, TandemError
from actions.kit.failed import Failure, Failures
from actions.kit.late import called_back
from actions.kit.plan import SettingChange, Step, stage_of, turning, turns_after
from actions.kit.ports import Hands

RETURNS_WITHIN_S = 15.0
"""How long to wait for a process that is gone to be started again, before what was set on it is left as owed."""
RETURNS_EVERY_S = 0.5


class StepState(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    """Its intent is journalled; without an outcome it is *unknown* until Redis itself is asked."""
    DONE = "done"
    ALREADY = "already"
    """What it would have done was so before we did anything; never of one that only looks."""
    FAILED = "failed"
    UNDONE = "undone"
    SKIPPED = "skipped"


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    """Every step was done and proven; what a proof missed at first, a later one has seen."""
    UNDONE = "undone"
    """A step failed before the point of no return; everything was put back and seen to be."""
    INCOMPLETE = "incomplete"
    """The roles moved, but something after that could not be done or proven, or could not be put back."""


class Journal(Protocol):
    """Where a run writes down what it means to do, before it does it.

    ``JournalDown`` makes the run safe without it; any other error stops the run at once.
    """

    async def intends(self, index: int, step: Step) -> None:
        """Commit that the step begins, and every setting that it changes as owed.

        Raises:
            Stopped: the run is to stop here, where it still can; nothing was written down of the step.
        """

    async def ended(self, index: int, state: StepState, note: str) -> None:
        """Record the outcome of a step; ``note`` is what was seen."""

    async def owes(self, change: SettingChange) -> None:
        """This setting is going to be changed, by an undoing or by what a step has found; owed until it is repaid."""

    async def repaid(self, change: SettingChange) -> None:
        """This setting is back as it was."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a run: its outcome, and what failed; of one that is ``done``, what a later proof saw to be over."""

    outcome: Outcome
    failures: tuple[str, ...] = ()


async def carry_out(steps: Sequence[Step], hands: Hands, journal: Journal, *, start: int = 0) -> Ending:
    """Do the steps from ``start`` on.

    Returns:
        ``done``, ``undone`` or ``incomplete``; never raises an ``ActionError``.

    Raises:
        JournalDown: something could not be written down. Before the point of no return all was put back, after it all
            was done: a fence must not stand for as long as a ledger is away. What is missing in it is settled later.
    """
    watched = Watched(journal)
    ending = await go_on(steps, hands, watched, start)
    if watched.trouble is not None:
        raise watched.trouble
    return ending


async def go_on(steps: Sequence[Step], hands: Hands, journal: Watched, start: int) -> Ending:
    """As ``carry_out``; what could not be written down is left to whoever watches the journal."""
    failures = Failures(steps)
    for index in range(start, len(steps)):
        if failures.left and steps[index].begins_stage:
            return Ending(Outcome.INCOMPLETE, (*failures.sentences, *not_begun(steps, index - 1)))
        passed = any(step.point_of_no_return for step in steps[stage_of(steps, index) : index])
        try:
            failure = await _step(index, steps[index], hands, journal, unwritten=passed)
        except Stopped as error:
            done = range(stage_of(steps, index), index)
            return await go_back(steps, done, hands, journal, [*failures.sentences, str(error)])
        except asyncio.CancelledError:
            if not passed and not steps[index].point_of_no_return:
                await go_back(steps, range(stage_of(steps, index), index + 1), hands, journal, (), patience_s=0)
            raise
        if failure is None:
            failures.passed(index)
            continue
        failures.add(index, failure)
        if (passed and not failure.reverted) or await came_about(steps[index], hands):
            continue
        ending = await go_back(steps, range(stage_of(steps, index), index + 1), hands, journal, failures.sentences)
        turn = turning(steps, stage_of(steps, index)) if failure.reverted else index
        if ending.outcome is Outcome.UNDONE or not await came_about(steps[turn], hands):
            return ending
    return Ending(Outcome.INCOMPLETE if failures.left else Outcome.DONE, failures.sentences)


async def go_back(
    steps: Sequence[Step],
    done: range,
    hands: Hands,
    journal: Journal,
    failures: Sequence[str],
    patience_s: float = RETURNS_WITHIN_S,
) -> Ending:
    """Undo these steps of one stage, the latest first; one that fails does not stop the others.

    What a process that is gone had in hand is looked for once it is back, for so long.
    """
    left, problems, gone = await undo(steps, done[::-1], hands, journal)
    deadline = hands.now() + patience_s if gone else 0
    while gone and hands.now() < deadline:
        await hands.sleep(RETURNS_EVERY_S)
        left, problems, gone = await undo(steps, left, hands, journal)
    skipped = not_begun(steps, done.start - 1) if done.start else ()
    outcome = Outcome.INCOMPLETE if left or done.start else Outcome.UNDONE
    return Ending(outcome, (*failures, *problems, *skipped))


def not_begun(steps: Sequence[Step], index: int) -> tuple[str, ...]:
    """What of a plan with several stages was left out after this step, in one sentence; nothing where it was all."""
    titles = [step.title for step in turns_after(steps, index)]
    return (f"Not done: {'; '.join(titles)}.",) if titles else ()


class Left(NamedTuple):
    """The steps that could not be undone, and why, a sentence each; ``gone``: each because its process is gone."""

    indices: list[int]
    problems: list[str]
    gone: bool


async def undo(steps: Sequence[Step], indices: Sequence[int], hands: Hands, journal: Journal) -> Left:
    """Undo these steps in this order; says which are left.

    Where it is not known whether the roles moved nothing below that is undone: the fence stays up until it is seen.
    """
    left: list[int] = []
    problems: list[str] = []
    errors: list[ActionError] = []
    for position, index in enumerate(indices):
        step = steps[index]
        for change in step.undoing_changes:
            await journal.owes(change)
        try:
            note = await step.undo(hands)
        except ActionError as error:
            problems.append(f"{step.title} could not be undone: {error}")
            errors.append(error)
            await _see_restored(step.undoing_changes, hands, journal)
            if step.point_of_no_return:
                return Left([*left, *indices[position:]], problems, gone=False)
            left.append(index)
            continue
        for change in (*step.changes, *step.undoing_changes):
            await journal.repaid(change)
        if note:
            await journal.ended(index, StepState.UNDONE, note)
    return Left(left, problems, gone=bool(errors) and all(isinstance(error, Gone) for error in errors))


async def _see_restored(changes: Sequence[SettingChange], hands: Hands, journal: Journal) -> None:
    """What the undoing has put back by itself is owed no longer, though it failed."""
    for change in changes:
        with contextlib.suppress(ActionError):
            await called_back(change.node, hands)
            if (await hands.settings(change.node, (change.name,))).get(change.name) == change.old:
                await journal.repaid(change)


async def _step(index: int, step: Step, hands: Hands, journal: Watched, *, unwritten: bool) -> Failure | None:
    """Do one step; why, when it failed. ``unwritten``: also where it cannot be written down."""
    await journal.intends(index, step)
    if journal.trouble is not None and not unwritten:
        return Failure(f"{step.title} was not begun: {journal.trouble}")
    try:
        held = await step.holds(hands)
        note = held.observation if held.yes else await step.perform(hands, journal)
    except ActionError as error:
        await _tell(index, step, hands, journal, StepState.FAILED, str(error))
        return Failure.of(step, error)
    for change in step.repays:
        await journal.repaid(change)
    already = held.yes and not step.only_looks
    await _tell(index, step, hands, journal, StepState.ALREADY if already else StepState.DONE, note)
    return None


async def _tell(index: int, step: Step, hands: Hands, journal: Watched, state: StepState, note: str) -> None:
    """Record the outcome. Where somebody else has settled the run by now, they do not know of this late effect."""
    try:
        await journal.ended(index, state, note)
    except TandemError:
        if step.changes:
            with contextlib.suppress(ActionError):
                await step.undo(hands)
        raise


class Watched(Journal):
    """A journal that is not written any more once that failed; ``trouble`` says why."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.trouble: JournalDown | None = None

    async def intends(self, index: int, step: Step) -> None:
        """See ``Journal.intends``."""
        await self._write(lambda: self._journal.intends(index, step))

    async def ended(self, index: int, state: StepState, note: str) -> None:
        """See ``Journal.ended``."""
        await self._write(lambda: self._journal.ended(index, state, note))

    async def owes(self, change: SettingChange) -> None:
        """See ``Journal.owes``."""
        await self._write(lambda: self._journal.owes(change))

    async def repaid(self, change: SettingChange) -> None:
        """See ``Journal.repaid``."""
        await self._write(lambda: self._journal.repaid(change))

    async def _write(self, write: Callable[[], Awaitable[None]]) -> None:
        if self.trouble is not None:
            return
        try:
            await write()
        except JournalDown as error:
            self.trouble = error


async def came_about(step: Step, hands: Hands) -> bool:
    """Whether a point of no return was passed after all; looking that fails is left to ``undo`` to resolve."""
    if not step.point_of_no_return:
        return False
    try:
        return (await step.holds(hands)).yes
    except ActionError:
        return False
