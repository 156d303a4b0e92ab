"""Keeps the events and answers DescribeEvents as AWS does: newest first, an hour by default, fourteen days at most."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.elasticache.clock import Clock
from sandbox.elasticache.errors import invalid_combination, invalid_value
from sandbox.elasticache.paging import page

KEPT = timedelta(days=14)
DEFAULT_WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Event:
    """One line of the log; `source_type` as the service model spells it."""

    source_id: str
    source_type: str
    message: str
    at: datetime

    def to_answer(self) -> dict[str, Any]:
        """As DescribeEvents shows it."""
        return {
            "SourceIdentifier": self.source_id,
            "SourceType": self.source_type,
            "Message": self.message,
            "Date": self.at,
        }


@dataclass
class EventLog:
    """All events of the account."""

    clock: Clock
    events: list[Event] = field(default_factory=list)

    def of_group(self, group_id: str, message: str) -> None:
        """Something happened to a replication group."""
        self.events.append(Event(group_id, "replication-group", message, self.clock.now()))

    def of_cluster(self, cluster_id: str, message: str) -> None:
        """Something happened to a cache cluster."""
        self.events.append(Event(cluster_id, "cache-cluster", message, self.clock.now()))

    def describe(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to DescribeEvents."""
        start, end = _window(asked, self.clock.now())
        source_id, source_type = asked.get("SourceIdentifier"), asked.get("SourceType")
        if source_id and not source_type:
            raise invalid_combination("SourceType must be specified when SourceIdentifier is specified.")
        found = [
            event
            for event in self.events
            if start <= event.at <= end
            and source_type in (None, event.source_type)
            and source_id in (None, event.source_id)
        ]
        # Two events of one moment stay in the order in which they happened, seen backwards.
        marker, events = page(sorted(found, key=lambda event: event.at)[::-1], asked)
        return {"Marker": marker, "Events": [event.to_answer() for event in events]}


def _window(asked: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    start, end, minutes = (asked.get(name) for name in ("StartTime", "EndTime", "Duration"))
    if minutes is not None and (start or end):
        raise invalid_combination("Duration cannot be specified together with StartTime or EndTime.")
    if minutes is not None and not 0 < minutes <= KEPT.total_seconds() / 60:
        raise invalid_value(f"Invalid value {minutes} for Duration. Must be between 1 and 20160 minutes.")
    if start and now - start > KEPT:
        raise invalid_value("StartTime cannot be older than 14 days.")
    if start and end and start > end:
        raise invalid_combination("StartTime must be before EndTime.")
    back = timedelta(minutes=minutes) if minutes is not None else DEFAULT_WINDOW
    return start or (end or now) - back, end or now
