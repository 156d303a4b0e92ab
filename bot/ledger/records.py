"""What the ledger holds, as frozen records: requests, decisions, runs, steps, debts. No I/O here.

All times are aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from actions.kit.plan import Plan, SettingChange
from actions.kit.settlement import Answer, Question


class Origin(StrEnum):
    """From where somebody does something."""

    SLACK = "slack"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something, and from where. ``id`` is a Slack user id, or ``tandem`` for the bot itself.

    Who is who is decided by the id alone: the same person may ask in Slack and approve in a terminal, and is one.
    """

    id: str
    name: str
    origin: Origin = Origin.SLACK
    as_of: datetime | None = field(default=None, compare=False)
    """When Slack last said who may do what, where it could not be asked now and that was gone by; else ``None``."""


TANDEM = Person("tandem", "Tandem")
"""The bot itself: what it does by the clock or after a crash."""


class RequestState(StrEnum):
    """Where a request stands. Only ``waiting`` takes decisions; the last six are final."""

    WAITING = "waiting"
    """Fewer people than it needs have approved it, and it has not expired."""
    APPROVED = "approved"
    """Enough people have approved it; its run has not begun."""
    RUNNING = "running"
    """Its run has begun and not ended."""
    ENDED = "ended"
    """Its run has ended; the run says how."""
    DENIED = "denied"
    """Somebody said no."""
    EXPIRED = "expired"
    """Nobody decided, or nothing began, before its deadline."""
    VOID = "void"
    """What was approved was no longer so when it was to begin."""
    WITHDRAWN = "withdrawn"
    """The requester took it back."""
    REFUSED = "refused"
    """It was approved, but another change held the target, or the target was frozen."""


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    DONE = "done"
    UNDONE = "undone"
    INCOMPLETE = "incomplete"
    ASKING = "asking"
    """It was cut off, and waits for a person to say how it goes on: ``Run.question`` tells why."""
    UNSETTLED = "unsettled"
    """It has not ended and no process has it in hand: the one that had it is gone, or a person has answered."""


class Verdict(StrEnum):
    """What a person decides about a request."""

    APPROVE = "approve"
    DENY = "deny"
    WITHDRAW = "withdraw"
    """Only the requester can."""


UNKNOWN_STEP = "unknown"
"""The state of a step whose process was lost between its intent and its outcome."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided about a request, and when."""

    person: Person
    verdict: Verdict
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run. ``state`` is a value of ``actions.kit.loop.StepState``, or ``unknown``."""

    index: int
    title: str
    command: str
    state: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    note: str = ""
    results: Mapping[str, Any] = field(default_factory=dict)
    """What the note tells, as values by name; most steps have none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How a run that asked is to go on, and who says so."""

    answer: Answer
    person: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Who wanted a run to stop, and when."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a plan; its id is that of the request. ``failures``: a sentence each."""

    id: str
    state: RunState
    steps: tuple[StepRecord, ...]
    started_at: datetime
    ended_at: datetime | None = None
    failures: tuple[str, ...] = ()
    owner: str = ""
    question: Question | None = None
    """What it asks, until somebody has answered. ``asked_at`` tells this question from an earlier one."""
    asked_at: datetime | None = None
    answered: Answered | None = None
    """The latest answer that somebody gave."""
    cancelled: Cancelled | None = None
    """Who wants it to stop before its next step."""

    @property
    def reached(self) -> int:
        """The index of the last step that had been journalled as begun; -1 where none had."""
        return max((step.index for step in self.steps if step.started_at is not None), default=-1)


@dataclass(frozen=True, slots=True)
class Review:
    """What a run without approval leaves: it is open until a second person has signed it, with a note."""

    opened_at: datetime
    signed_by: Person | None = None
    signed_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for, the plan that was shown, and what became of it."""

    id: str
    target: str
    action: str
    options: Mapping[str, str]
    channel: str | None
    requester: Person
    reason: str
    plan: Plan
    created_at: datetime
    expires_at: datetime
    approvals_needed: int
    state: RequestState
    why: str = ""
    """Why it is void or refused."""
    decisions: tuple[Decision, ...] = ()
    run: Run | None = None
    break_glass: bool = False
    """It goes without approval, in an emergency."""
    review: Review | None = None

    @property
    def approvals(self) -> tuple[Decision, ...]:
        """Who approved it, the first one first."""
        return tuple(one for one in self.decisions if one.verdict is Verdict.APPROVE)

    @property
    def denial(self) -> Decision | None:
        """Who denied it."""
        return next((one for one in self.decisions if one.verdict is Verdict.DENY), None)

    @property
    def withdrawal(self) -> Decision | None:
        """When the requester took it back."""
        return next((one for one in self.decisions if one.verdict is Verdict.WITHDRAW), None)

    @property
    def can_stop(self) -> bool:
        """Whether its run can be cancelled: it runs, nobody has done so, and nothing irreversible has begun."""
        run = self.run
        if run is None or run.state is not RunState.RUNNING:
            return False
        return run.cancelled is None and run.reached < self.plan.turning

    @property
    def standing(self) -> RequestState | RunState:
        """How it stands, in one word: as its run does, unless it was over before the first step."""
        begun = self.state in (RequestState.RUNNING, RequestState.ENDED)
        return self.run.state if begun and self.run is not None else self.state


@dataclass(frozen=True, slots=True)
class Decided:
    """The answer to a decision: whether it counts, the request as it is now, and a sentence for the person."""

    ok: bool
    request: Request
    why: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to go on with a run: each write says the epoch, and fails once another process has raised it."""

    run_id: str
    target: str
    owner: str
    epoch: int


ALL = "*"
"""The name that stands for all targets."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Nothing that changes begins on this target, or on any (``*``), until an approver thaws it."""

    target: str
    by: Person
    reason: str
    at: datetime

    def counts_for(self, target: str) -> bool:
        """Whether it is about this target."""
        return self.target in (target, ALL)

    def why_not(self, target: str) -> str:
        """Why nothing begins on a target, as a sentence that says who can change that."""
        which = f"{target} is frozen, as all targets are," if self.target == ALL else f"{target} is frozen"
        since, reason = f"{self.at:%Y-%m-%d %H:%M:%S} UTC", self.reason.rstrip(".")
        return f'{which} by {self.by.name} since {since}: {reason}. An approver can end that with "thaw {self.target}".'


@dataclass(frozen=True, slots=True)
class Claim(Lease):
    """The right to go on with a run that was cut off, and what that has to go by.

    ``times`` is how often it was cut off, ``in_time`` whether its approval still holds, ``answered`` what a person
    said; an answer holds for one claim.
    """

    times: int = 0
    in_time: bool = True
    answered: Answered | None = None


@dataclass(frozen=True, slots=True)
class Debt:
    """A setting that a run changed and that is not yet back as it was. ``at_rest``: its run has ended, or asks."""

    id: int
    run_id: str
    target: str
    change: SettingChange
    owed_at: datetime
    at_rest: bool
