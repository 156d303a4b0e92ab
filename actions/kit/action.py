"""What an action is: its words, its risk, and one function. Reads look; changes plan. No I/O here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from actions.kit.plan import Plan, Refusal, Risk

if TYPE_CHECKING:
    from actions.kit.charting import Chart
    from actions.kit.comparison import Comparison
    from actions.kit.connecting import Connection
    from actions.kit.findings import Diagnosis
    from actions.kit.happenings import Happening
    from actions.kit.ports import Hands
    from actions.kit.proof import Check
    from actions.kit.snapshot import Snapshot
    from actions.kit.topology import Kind


@dataclass(frozen=True, slots=True)
class Option:
    """One ``--name VALUE`` of an action."""

    name: str
    metavar: str
    help: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at one target found.

    ``checks`` only where something was put to the proof, ``happenings`` only where they were asked for, ``since`` when.
    ``comparisons`` only where keys were compared; ``uncompared``: why none were, where they were to be.
    ``connection`` only where it was asked how an application connects, ``chart`` only where one was asked for.
    """

    snapshot: Snapshot
    diagnosis: Diagnosis
    checks: tuple[Check, ...] = ()
    happenings: tuple[Happening, ...] = ()
    since: datetime | None = None
    comparisons: tuple[Comparison, ...] = ()
    uncompared: str = ""
    connection: Connection | None = None
    chart: Chart | None = None


Options = Mapping[str, str]

Progress = Callable[[str], Awaitable[None]]
"""Tells the person what is being waited for; one short sentence."""


async def observed(hands: Hands) -> Snapshot:
    """The usual picture."""
    return await hands.observe()


@dataclass(frozen=True, slots=True)
class ReadAction:
    """An action that changes nothing. ``look`` never raises for what does not answer."""

    name: str
    summary: str
    look: Callable[[Hands, Options, Progress], Awaitable[Seen]]
    options: tuple[Option, ...] = ()
    whole_fleet: bool = False
    """It is about all targets at once and takes none."""
    risk: Risk = Risk.READ


@dataclass(frozen=True, slots=True)
class ChangeAction:
    """An action that changes something. ``plan`` is pure: the one evaluator of preview, approval and execution."""

    name: str
    summary: str
    risk: Risk
    plan: Callable[[Snapshot, Options], Plan | Refusal]
    options: tuple[Option, ...] = ()
    only_for: Kind | None = None
    """The one kind of target that it is about; asked for of another one it is refused, and it need not be offered."""
    settings: tuple[Option, ...] = ()
    """What is typed as ``NAME=VALUE``; among the options of its plan each is there by its name."""
    look: Callable[[Hands], Awaitable[Snapshot]] = observed
    """What it plans from, where that is more than the usual picture."""


Action = ReadAction | ChangeAction
