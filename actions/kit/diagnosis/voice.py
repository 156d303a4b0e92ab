"""One word on whether a node is reached, and whose. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from actions.kit.findings import Evidence


class Reach(Enum):
    """Whether one vantage point reaches a node."""

    YES = auto()
    """A Sentinel, or a node of its cluster, flags it neither down nor disconnected; a replica's link to it is up, and
    something came within 2 s."""
    NO = auto()
    """A Sentinel, or a node of its cluster, flags it down or disconnected; a replica's link to it is down, or silent
    beyond the ping period."""
    UNSAID = auto()
    """A Sentinel in TILT; a replica whose open link is silent, but not for longer than the ping period."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What one vantage point says, or several that say the same."""

    votes: int
    """How many of those who vote on a failover say so; 0: it is a replica's link, or somebody without a vote."""
    reach: Reach
    evidence: Evidence
