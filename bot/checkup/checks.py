"""What one check found, and how all of them end. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a check ended. ``FAULT``: something will not work; ``WARNING``: it will, but not as it should."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``about``: a target, or what else it belongs to; ``do``: what mends it."""

    about: str
    state: State
    said: str
    do: str = ""


def worst(checks: Iterable[Check]) -> State:
    """A fault before what is not known, that before a warning."""
    states = {check.state for check in checks}
    return next((one for one in (State.FAULT, State.UNKNOWN, State.WARNING) if one in states), State.OK)


def as_json(checks: Iterable[Check]) -> dict[str, Any]:
    """All of it for a program."""
    each = tuple(checks)
    return {
        "state": worst(each),
        "checks": [{"about": one.about, "state": one.state, "summary": one.said, "do": one.do} for one in each],
    }
