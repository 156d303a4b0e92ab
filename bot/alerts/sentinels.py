"""Listens to every Sentinel of every target: what one says is in the channel seconds before any scrape sees it.

Several Sentinels say the same, and so do several replicas of the bot: one alert comes of it, whose fingerprint says
what it is about. Only a look at Redis says when it is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from actions.kit.errors import TandemError
from actions.kit.sentinel_events import Instance, SentinelEvent
from actions.kit.topology import Address, Target
from bot.alerts.mapping import Places
from bot.ledger.incident_records import Alert
from bot.ledger.incidents import Incidents
from bot.render.words import plain

log = logging.getLogger(__name__)

AGAIN_S, LONGEST_S = 1.0, 30.0
"""A Sentinel that is lost is called again after this, and each time after twice as long, up to the second."""

Events = Callable[[Target, Address], AsyncGenerator[SentinelEvent]]
Holder = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What an event is to people: the alert's name, how bad it is, and a sentence with places for what it is about."""

    name: str
    severity: str
    sentence: str


_MEANINGS: Mapping[tuple[str, Instance | None], _Meaning] = {
    ("+odown", Instance.MASTER): _Meaning(
        "SentinelMasterDown", "critical", "Enough Sentinels hold the master {where} to be down ({why})."
    ),
    ("+sdown", Instance.MASTER): _Meaning(
        "SentinelMasterSilent", "warning", "A Sentinel has no answer from the master {where}."
    ),
    ("+sdown", Instance.REPLICA): _Meaning(
        "SentinelReplicaSilent", "warning", "A Sentinel has no answer from the replica {where}."
    ),
    ("+sdown", Instance.SENTINEL): _Meaning(
        "SentinelSilent", "warning", "A Sentinel has no answer from the Sentinel {where}."
    ),
    ("+switch-master", Instance.MASTER): _Meaning(
        "SentinelMasterChanged", "warning", "The Sentinels have moved the master from {where} to {new}."
    ),
    ("-failover-abort-no-good-slave", Instance.MASTER): _Meaning(
        "SentinelFailoverGivenUp", "critical", "A Sentinel has given its failover up: no replica can be promoted."
    ),
    ("-failover-abort-slave-timeout", Instance.MASTER): _Meaning(
        "SentinelFailoverGivenUp", "critical", "A Sentinel has given its failover up: its replica was not promoted."
    ),
    ("+reboot", Instance.MASTER): _Meaning("RedisRestarted", "warning", "The master {where} was restarted."),
    ("+reboot", Instance.REPLICA): _Meaning("RedisRestarted", "warning", "The replica {where} was restarted."),
    ("+convert-to-slave", Instance.REPLICA): _Meaning(
        "SentinelMasterDemoted", "warning", "{where} came back as a master, and a Sentinel makes it a replica."
    ),
    ("+reset-master", Instance.MASTER): _Meaning(
        "SentinelReset", "warning", "Somebody has reset what a Sentinel knows of this master."
    ),
    ("+tilt", None): _Meaning("SentinelTilt", "warning", "A Sentinel is in TILT and acts on nothing for 30 s."),
}


class SentinelWatch:
    """One for each process.

    Args:
        targets: whose Sentinels are listened to; one that several targets share is listened to once.
        places: finds the channels.
        incidents: where what is heard goes.
        events: listens to one Sentinel.
        holder: which run of ours holds a target: what it causes is told by its own message.
    """

    def __init__(
        self, targets: Sequence[Target], places: Places, incidents: Incidents, events: Events, holder: Holder
    ) -> None:
        self._targets = tuple(target for target in targets if target.sentinels)
        self._places, self._incidents, self._events, self._holder = places, incidents, events, holder
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        by_sentinel: dict[tuple[Address, str | None], list[Target]] = {}
        for target in self._targets:
            for sentinel in target.sentinels:
                by_sentinel.setdefault((sentinel, target.sentinel_auth.username), []).append(target)
        self._tasks = [
            asyncio.create_task(self._listen(sentinel, tuple(targets)))
            for (sentinel, _), targets in by_sentinel.items()
        ]

    async def aclose(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, sentinel: Address, targets: tuple[Target, ...]) -> None:
        pause_s = AGAIN_S
        while True:
            try:
                async with aclosing(self._events(targets[0], sentinel)) as events:
                    async for event in events:
                        pause_s = AGAIN_S
                        await self._heard(sentinel, event, targets)
            except TandemError as error:
                log.info("a Sentinel is not heard: %s", error)
            except Exception:
                log.exception("what Sentinel %s says could not be worked on", sentinel)
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_S, pause_s * 2)

    async def _heard(self, sentinel: Address, event: SentinelEvent, targets: tuple[Target, ...]) -> None:
        for target in targets:
            if event.master_name in {"", target.master_name}:
                await self._tell(sentinel, event, target)

    async def _tell(self, sentinel: Address, event: SentinelEvent, target: Target) -> None:
        meaning = _MEANINGS.get((event.name, event.instance))
        try:
            if meaning is None or await self._holder(target.name):
                await self._incidents.look_again(target.name)
                return
            signal = self._places.of_target(_alert(sentinel, event, target.name, meaning), target.name)
            await self._incidents.received([signal])
        except TandemError as error:
            log.warning("%s of Sentinel %s could not be written down: %s", event.name, sentinel, error)


def _alert(sentinel: Address, event: SentinelEvent, target: str, meaning: _Meaning) -> Alert:
    where = str(event.address or sentinel)
    sentence = meaning.sentence.format(where=where, new=event.new_master, why=plain(event.details, 60) or "no details")
    about = where if event.instance is not Instance.MASTER or event.new_master else ""
    labels = {"alertname": meaning.name, "severity": meaning.severity, "instance": where, "heard_from": str(sentinel)}
    return Alert(
        fingerprint=f"sentinel:{target}:{meaning.name}:{about}",
        firing=True,
        starts_at=datetime.now(UTC),
        ended_at=None,
        labels=labels,
        summary=sentence,
        own=True,
    )
