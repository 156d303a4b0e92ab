"""What happened to a target, from several tellers on one time line. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from actions.kit.errors import UsageError

if TYPE_CHECKING:
    from actions.kit.elasticache.views import Event
    from actions.kit.kubernetes.view import KubernetesView

LONGEST = timedelta(days=14)
"""AWS keeps its events no longer."""
USUAL = "24h"
_WINDOW = re.compile(r"([0-9]{1,5})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Happening:
    """``at``: in UTC, by the teller's clock; ``source``: who tells of what; ``what``: in the teller's words."""

    at: datetime
    source: str
    what: str


def window(text: str | None) -> timedelta:
    """How far back to look: ``90m``, ``24h``, ``14d``.

    Raises:
        UsageError: it is none of these, or longer than what is kept.
    """
    found = _WINDOW.fullmatch((text or USUAL).strip().lower())
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < length <= LONGEST:
        raise UsageError(
            f"--since takes minutes, hours or days back, such as 90m, 24h or 14d, and 14d at most; {text!r} is none."
        )
    return length


def of_aws(events: Iterable[Event]) -> Iterator[Happening]:
    """AWS's events."""
    for event in events:
        yield Happening(event.at, f"AWS {event.source}", event.message)


def of_kubernetes(view: KubernetesView | None) -> Iterator[Happening]:
    """Kubernetes' warnings, at the last time of each."""
    for event in view.events if view else ():
        if event.at is not None:
            times = f" ({event.count} times, the last one now)" if event.count > 1 else ""
            yield Happening(
                event.at.astimezone(UTC), f"Kubernetes {event.about}", f"{event.reason}: {event.message}{times}"
            )


def in_order(happenings: Iterable[Happening], since: datetime) -> tuple[Happening, ...]:
    """Those since a moment, the oldest first; what happened at one time stays in the order in which it was told."""
    return tuple(sorted((one for one in happenings if one.at >= since), key=lambda one: one.at))
