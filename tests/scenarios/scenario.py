"""What a scenario is: what is built, what is done to it, and what has to be said of it, by when and how surely."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from actions.kit.findings import Confidence, FindingId
from actions.kit.topology import Target
from sandbox.redis import Build

CERTAIN, LIKELY, UNDETERMINED = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED
F = FindingId
NOTHING: frozenset[FindingId] = frozenset()


@dataclass(frozen=True)
class Stage:
    """What was built, as the faults know it; our way to it; where its nodes are, by number from 0, "host:port"."""

    built: Any
    target: Target
    nodes: tuple[str, ...] = ()


Stager = Callable[[Build, Mapping[str, Any]], AbstractAsyncContextManager[Stage]]
"""Builds something by settings of its kind."""


@dataclass(frozen=True)
class Scenario:
    """One fault on real servers, and what is right to say of it.

    ``clients`` are numbers of nodes, each of which an application of its own writes to all the while. ``settings``
    are those of what is built, ``target`` of our way to it.
    """

    name: str
    on: Stager
    fault: Callable[[Any], Awaitable[None]]
    verdict: FindingId
    confidence: Confidence = CERTAIN
    _: KW_ONLY
    also: frozenset[FindingId] = NOTHING
    """What must stand beside the verdict."""
    never: frozenset[FindingId] = NOTHING
    """What may not be said with certainty at any moment, not beside the verdict either."""
    master: int | None = None
    """The number of the node that is the true master, where the diagnosis has to name it."""
    loser: int | None = None
    """The number of the node that is not the true master, where the diagnosis has to name another one."""
    offers: frozenset[str] = frozenset()
    """The actions that change something and are suggested; nobody else may be made master by them."""
    meanwhile: frozenset[FindingId] = NOTHING
    """Other verdicts that are true too, before the fault has shown in full: all that may be said with certainty."""
    lasts: bool = True
    """Whether it stays; else what is in ``meanwhile`` may follow."""
    needs: Callable[[], bool] = lambda: True
    """Whether this machine has what it takes."""
    clients: tuple[int, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
