"""Asks AWS for its events, once for all targets of a region: what it does to a group by itself.

Windows overlap, since AWS tells of an event some time after it was; each is told once. A throttle makes pauses longer.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from actions.kit.elasticache.alarms import meaning, target_of
from actions.kit.elasticache.views import Event, GroupView
from actions.kit.errors import ActionError, Unreachable
from actions.kit.topology import Address, ReplicationGroup, Target
from bot.alerts.telling import Teller, own_alert
from bot.logs import Standing
from bot.render.words import plain

log = logging.getLogger(__name__)

OVERLAP_MIN = 5
"""Minutes that are asked for again: less than an incident that is over is remembered for."""
LONGEST_S = 600.0
DENIED_S = 60.0
"""Where somebody has to mend something first it is asked no more often."""
KEPT = timedelta(hours=1)


class Aws(Protocol):
    """``actions.adapters.AwsElastiCache``."""

    async def events_of_region(self, minutes: int) -> tuple[Event, ...]:
        """The events of all groups and members of the region."""

    async def group(self) -> GroupView:
        """One group and its members."""


@dataclass
class _Region:
    """What is asked in one region, and what was told of it already."""

    place: ReplicationGroup
    groups: dict[str, str] = field(default_factory=dict)
    told: dict[Event, datetime] = field(default_factory=dict)
    asked_at: float | None = None


class AwsWatch:
    """One for each process.

    Args:
        targets: those of kind elasticache are watched.
        teller: where goes what is noticed.
        aws: asks about one group and its region.
        found: is told of a target's nodes.
        every_s: how often a region is asked, in seconds.
    """

    def __init__(
        self,
        targets: Iterable[Target],
        teller: Teller,
        aws: Callable[[ReplicationGroup], Aws],
        found: Callable[[str, Iterable[Address]], None],
        every_s: float,
    ) -> None:
        self._teller, self._aws, self._found, self._every_s = teller, aws, found, every_s
        self._places = {target.name: target.elasticache for target in targets if target.elasticache is not None}
        regions: dict[tuple[str, str | None], _Region] = {}
        for name, place in self._places.items():
            region = regions.setdefault((place.region, place.endpoint_url), _Region(place))
            region.groups[place.name] = name
        self._regions = tuple(regions.values())
        self._tasks: list[asyncio.Task[None]] = []
        self._standing = Standing(log)

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._follow(region)) for region in self._regions]

    async def aclose(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, region: _Region) -> None:
        pause_s, unknown = self._every_s, set(region.groups.values())
        while True:
            try:
                changed = await self._ask(region)
                pause_s = self._every_s
                self._standing.over(region.place)
                unknown = {name for name in unknown | changed if not await self._find(name)}
            except ActionError as error:
                why = "the events of AWS in %s are not known: %s"
                self._standing.tell(region.place, logging.WARNING, why, region.place.region, error)
                longer = isinstance(error, Unreachable)
                pause_s = min(max(LONGEST_S, self._every_s), pause_s * 2) if longer else max(DENIED_S, self._every_s)
            except Exception:
                log.exception("the events of AWS in %s could not be worked on", region.place.region)
            await asyncio.sleep(pause_s)

    async def _ask(self, region: _Region) -> set[str]:
        """Tell what is new; which targets there was something about."""
        now = asyncio.get_running_loop().time()
        since_s = 0.0 if region.asked_at is None else now - region.asked_at
        events = await self._aws(region.place).events_of_region(int(since_s // 60) + 1 + OVERLAP_MIN)
        region.asked_at = now
        new = [event for event in events if event not in region.told]
        region.told |= {event: event.at for event in new}
        newest = max(region.told.values(), default=None)
        region.told = {event: at for event, at in region.told.items() if newest is not None and newest - at < KEPT}
        changed = set()
        for event in new:
            target = target_of(event, region.groups)
            if target is not None:
                changed.add(target)
                self._tell(target, event)
        return changed

    def _tell(self, target: str, event: Event) -> None:
        found = meaning(event)
        if found is None:
            self._teller.look_again(target)
            return
        name, severity = found
        which = hashlib.sha256(f"{event.at.isoformat()} {event.source} {event.message}".encode()).hexdigest()[:16]
        said = f"AWS, of {event.source}: {plain(event.message, 300)}"
        alert = own_alert(f"aws:{target}:{which}", name, severity, said, instance=event.source)
        self._teller.tell(target, replace(alert, starts_at=event.at))

    async def _find(self, target: str) -> bool:
        """Have the members of a group known; whether they are."""
        try:
            group = await self._aws(self._places[target]).group()
        except ActionError as error:
            self._standing.tell(target, logging.INFO, "the members of %s are not known: %s", target, error)
            return False
        self._standing.over(target)
        self._found(target, group.endpoints)
        return True
