"""What failed in a run, and what of it a later look has shown to be over. No I/O here.

A proof that failed says that something was not seen in its time. Where the same is proven later in the run, that is how
it is: the run is done, and says what was found first. What a proof has seen to be lost, no later one gives back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.kit.errors import ActionError, Reverted, TooLate
from actions.kit.plan import Step


@dataclass(frozen=True, slots=True)
class Failure:
    """A sentence, and whether it holds whatever is seen later."""

    said: str
    lasts: bool = True
    reverted: bool = False
    """The step has seen that the point of no return before it has come undone."""

    @classmethod
    def of(cls, step: Step, error: ActionError) -> Failure:
        """Why a step failed. What has come about (``TooLate``) lasts; what was not seen, or not allowed, may pass."""
        return cls(f"{step.title}: {error}", isinstance(error, TooLate), isinstance(error, Reverted))


class Failures:
    """Those of one run, in the order of its steps."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._failed: dict[int, Failure] = {}
        self._over: dict[int, int] = {}
        """Which failure is over, by the step that has proven it."""

    def add(self, index: int, failure: Failure) -> None:
        """This step has failed."""
        self._failed[index] = failure

    def passed(self, index: int) -> None:
        """This step was seen to be done: what it looks at again is as it should be."""
        for earlier, failure in self._failed.items():
            if not failure.lasts and self._steps[index].looks_again_at(self._steps[earlier]):
                self._over[earlier] = index

    @property
    def left(self) -> bool:
        """Something has failed and is not over."""
        return len(self._failed) > len(self._over)

    @property
    def sentences(self) -> tuple[str, ...]:
        """One for each, also for what is over."""
        return tuple(self._said(index, failure) for index, failure in self._failed.items())

    def _said(self, index: int, failure: Failure) -> str:
        if index not in self._over:
            return failure.said
        return (
            f"{failure.said.removesuffix('.')}. This was over later: “{self._steps[self._over[index]].title}” passed."
        )
