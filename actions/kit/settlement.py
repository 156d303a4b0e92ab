"""Ends a run that was cut off, where looking shows how; where it does not, a person has to say. No I/O here but Hands.

Forward where the roles have moved, back where they have not and each undo is proven. A person is asked where what
happened cannot be told by looking, where the approval's time is over and something would still be destroyed, where
what is seen is neither what was before nor what was to be, and where the run was cut off a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from actions.kit.errors import ActionError, Temporary
from actions.kit.loop import Ending, Journal, Outcome, StepState, Watched, go_on, not_begun, undo
from actions.kit.plan import Step, stage_of, turning
from actions.kit.ports import Hands

CUT_OFF = "The run was cut off, and what it had begun was put back."
LOOKS_FOR_S = 15.0
"""How long a node that has to be asked may be silent before a person is."""
LOOKS_EVERY_S = 3.0


class Answer(StrEnum):
    """What a person says to a run that asks."""

    RESUME = "resume"
    """Go on to the end; where the roles have not moved, put all back and begin again."""
    ROLL_BACK = "roll-back"
    """Put all back; possible only where the roles have not moved."""
    ABANDON = "abandon"
    """Do nothing more; what is still changed stays owed."""


@dataclass(frozen=True, slots=True)
class Question:
    """Why a run waits for a person.

    ``seen``: a sentence each. ``moved``: whether the point of no return is behind it, ``None`` where that cannot be
    told. ``destroys``: whether going on would do something that cannot be taken back.
    """

    seen: tuple[str, ...]
    moved: bool | None = None
    destroys: bool = True

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Those that make sense."""
        return tuple(answer for answer in Answer if answer is not Answer.ROLL_BACK or not self.moved)


@dataclass(frozen=True, slots=True)
class CutOff:
    """What is known of a run that was cut off.

    ``reached`` is the last step that was journalled as begun (-1: none), ``passed`` whether the point of no return of
    its stage was journalled as done, ``times`` how often it was cut off, ``in_time`` whether its approval still holds.
    """

    reached: int
    passed: bool = False
    times: int = 1
    in_time: bool = True
    answer: Answer | None = None


async def settle(
    steps: Sequence[Step], cut: CutOff, hands: Hands, journal: Journal, *, within_s: float = LOOKS_FOR_S
) -> Ending | Question:
    """End it, or say what a person has to be asked.

    Raises:
        JournalDown: something could not be written down, as in ``carry_out``.
    """
    if cut.reached < 0:
        return Ending(Outcome.UNDONE, ("Nothing had been done.",))
    watched = Watched(journal)
    settled = await _Settlement(tuple(steps), cut, hands, watched, within_s).settled()
    if watched.trouble is not None:
        raise watched.trouble
    return settled


@dataclass(frozen=True, slots=True)
class _Settlement:
    steps: tuple[Step, ...]
    cut: CutOff
    hands: Hands
    journal: Watched
    within_s: float

    async def settled(self) -> Ending | Question:
        recorded = self.cut.passed and self.cut.answer is None
        moved, seen = await self._look(self.within_s if recorded and self.cut.times == 1 else 0)
        if self.cut.answer is None and self.cut.times > 1:
            return await self._ask(moved, "It was cut off a second time, and does not go on by itself again.", seen)
        if moved:
            return await self._forward(seen)
        if recorded:
            return await self._ask(
                None, f"“{self._turn.title}” was seen to be done, and is not seen to be so now: {seen}"
            )
        return await self._back()

    @property
    def _stage(self) -> int:
        """Where the stage begins that was cut off; those before it are over."""
        return stage_of(self.steps, self.cut.reached)

    @property
    def _turning(self) -> int:
        return turning(self.steps, self._stage)

    @property
    def _turn(self) -> Step:
        return self.steps[self._turning]

    async def _look(self, patience_s: float = 0) -> tuple[bool | None, str]:
        """Whether the roles have moved, and what was seen; ``None`` while they may still move.

        Whoever has to be asked may be silent for so long.
        """
        if self.cut.reached < self._turning:
            return False, f"It had come to “{self.steps[self.cut.reached].title}”, and can still be put back."
        deadline = self.hands.now() + patience_s
        while True:
            try:
                held = await self._turn.holds(self.hands)
            except ActionError as error:
                if self.hands.now() >= deadline:
                    return None, f"Whether “{self._turn.title}” took effect cannot be seen: {error}."
                await self.hands.sleep(LOOKS_EVERY_S)
            else:
                return held.yes or None, f"{held.observation}."

    async def _forward(self, seen: str) -> Ending | Question:
        left, drift = await self._ahead(self.within_s if self.cut.answer is None else 0)
        if self.cut.answer is Answer.ROLL_BACK:
            return Question((f"It can no longer be rolled back: {seen}",), moved=True, destroys=bool(left or drift))
        if self.cut.answer is None and drift:
            return Question((seen, *drift), moved=True)
        if self.cut.answer is None and left and not self.cut.in_time:
            return Question((seen, "The time of its approval is over.", *left), moved=True)
        if not self.cut.passed:
            for change in self._turn.repays:
                await self.journal.repaid(change)
            state = StepState.DONE if self._turn.only_looks else StepState.ALREADY
            await self.journal.ended(self._turning, state, seen.removesuffix("."))
        return await go_on(self.steps, self.hands, self.journal, self._turning + 1)

    async def _back(self) -> Ending | Question:
        deadline = self.hands.now() + self.within_s
        left: Sequence[int] = range(self.cut.reached, self._stage - 1, -1)
        while True:
            left, problems, _ = await undo(self.steps, left, self.hands, self.journal)
            if not left:
                return self._undone()
            moved, seen = await self._look()
            if moved:
                return await self._forward(seen)
            if self.hands.now() >= deadline:
                return await self._ask(moved, seen, *problems)
            await self.hands.sleep(LOOKS_EVERY_S)

    def _undone(self) -> Ending:
        if not self._stage:
            return Ending(Outcome.UNDONE, (CUT_OFF,))
        return Ending(Outcome.INCOMPLETE, (CUT_OFF, *not_begun(self.steps, self._stage - 1)))

    async def _ahead(self, patience_s: float = 0) -> tuple[list[str], list[str]]:
        """What would still be destroyed, and why going on would be another plan than the one that was approved.

        Whoever has to be asked may be silent for so long.
        """
        left, drift = [], []
        deadline = self.hands.now() + patience_s
        for step in self.steps[self._turning + 1 :]:
            try:
                destroyed = await self._destroyed(step, deadline)
            except ActionError as error:
                drift.append(f"{error}.")
            else:
                left += [f"{destroyed}."] if destroyed else []
        return left, drift

    async def _destroyed(self, step: Step, deadline: float) -> str | None:
        while True:
            try:
                return await step.destroys(self.hands)
            except Temporary:
                if self.hands.now() >= deadline:
                    raise
                await self.hands.sleep(LOOKS_EVERY_S)

    async def _ask(self, moved: bool | None, *seen: str) -> Question:
        """Before the roles have moved going on means to begin again, and so to move them."""
        return Question(seen, moved, not moved or any(await self._ahead()))
