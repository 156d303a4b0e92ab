"""What the events of a group tell, by AWS's own words and in their order. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from actions.kit.elasticache.views import Event, Source

_TEST = re.compile(r"Test Failover API called for node group (\S+?)\.?")
_DONE = re.compile(r"Failover (?:from (?:primary|master) node (\S+) )?to replica node (\S+) completed\.?")
"""In cluster mode the group's own event names only the new primary."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A failover that AWS says is complete: when, and to which member."""

    at: datetime
    new: str


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Each event once, the oldest first; those of one moment as they are given."""
    return tuple(sorted(dict.fromkeys(events), key=lambda one: one.at))


def is_test(event: Event) -> bool:
    """Somebody called TestFailover."""
    return _TEST.fullmatch(event.message) is not None


def calls_for(events: Iterable[Event], node_group: str, after: datetime | None) -> tuple[Event, ...]:
    """The calls of TestFailover for a node group since a moment."""
    calls = ((event, _TEST.fullmatch(event.message)) for event in _since(events, after))
    return tuple(event for event, call in calls if call is not None and call[1] == node_group)


def moved(events: Iterable[Event], after: datetime | None) -> tuple[Moved, ...]:
    """The failovers that the group's own events say are complete, since a moment, the oldest first."""
    ended = ((event, _DONE.fullmatch(event.message)) for event in _since(events, after) if event.kind is Source.GROUP)
    return tuple(Moved(event.at, end[2]) for event, end in ended if end is not None)


def open_tests(events: Iterable[Event]) -> tuple[Event, ...]:
    """The calls of TestFailover that no completed failover has followed yet."""
    events = tuple(events)
    done = max((one.at for one in moved(events, None)), default=None)
    return tuple(event for event in _since(events, done) if is_test(event))


def latest(events: Iterable[Event]) -> datetime | None:
    """When the last of them was, by AWS's clock."""
    return max((event.at for event in events), default=None)


def _since(events: Iterable[Event], after: datetime | None) -> Iterable[Event]:
    return (event for event in events if after is None or event.at > after)
