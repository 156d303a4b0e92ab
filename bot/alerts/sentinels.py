"""Listens to every Sentinel of every target: what one says is in the channel seconds before any scrape sees it.

Several Sentinels say the same, and so do several replicas of the bot: one alert comes of it, whose fingerprint says
what it is about. Only a look at Redis says when it is over. Sentinels that others name are listened to as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from actions.kit.errors import AccessDenied, TandemError
from actions.kit.sentinel_events import LISTENING, MYSELF, O_DOWN, Instance, SentinelEvent
from actions.kit.topology import Address, Target
from bot.alerts.failovers import Failovers, Led
from bot.alerts.meanings import ABORT, alert_of
from bot.alerts.telling import Teller
from bot.logs import Standing

log = logging.getLogger(__name__)

AGAIN_S, LONGEST_S = 1.0, 30.0
"""A Sentinel that is lost is called again after this, and each time after twice as long, up to the second."""

GIVEN_UP = 60
"""One that is in no settings, and could not be called so many times in a row, is called no more until it is named."""

AT_ONCE = 32
"""So many Sentinels are called at a time: a thousand at once would keep each other waiting for too long."""

Events = Callable[[Target, Address, Iterable[str], asyncio.Semaphore], AsyncGenerator[SentinelEvent]]
Known = Callable[[str, Iterable[Address]], None]
"""Is told of a target's nodes."""


_NO_LISTENING = "a Sentinel does not let Tandem listen; its user needs +psubscribe allchannels: %s"
_HELD: Mapping[str, bool] = {"+odown": True, "-odown": False, "+switch-master": False, "+reset-master": False}
_QUIET = frozenset({"+monitor", "+slave", "+sentinel", "+sentinel-address-switch", "+fix-slave-config"})
"""Who there is, which is no trouble: nobody has to look again because of it."""


@dataclass
class _Ear:
    """One Sentinel, by how it is logged in to: whose it is, and which one, once it has said so."""

    sentinel: Address
    username: str | None
    listed: bool
    targets: dict[str, Target] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    run_id: str = ""
    held: dict[str, bool] = field(default_factory=dict)
    """By name of a master of which all is heard: whether this Sentinel, with enough others, holds it to be down."""
    tried: dict[str, bool] = field(default_factory=dict)
    """The same of those that it has begun to fail over, as it was then."""

    @property
    def key(self) -> tuple[Address, str | None]:
        """By what it is known."""
        return self.sentinel, self.username


class SentinelWatch:
    """One for each process.

    Args:
        targets: whose Sentinels are listened to; one that several targets share is listened to once.
        teller: where what is heard goes.
        failovers: is told of masters that are held to be down, and of new ones.
        events: listens to one Sentinel.
        known: is told which nodes there are.
    """

    def __init__(
        self, targets: Iterable[Target], teller: Teller, failovers: Failovers, events: Events, known: Known
    ) -> None:
        self._targets = tuple(target for target in targets if target.sentinels)
        self._teller, self._failovers, self._events, self._known = teller, failovers, events, known
        self._ears: dict[tuple[Address, str | None], _Ear] = {}
        self._opening = asyncio.Semaphore(AT_ONCE)
        self._closed = False
        self._standing = Standing(log)

    def start(self) -> None:
        """Begin."""
        for target in self._targets:
            for sentinel in target.sentinels:
                self._ear(sentinel, target, listed=True)
        for ear in self._ears.values():
            self._begin(ear)

    async def aclose(self) -> None:
        """Stop."""
        self._closed = True
        tasks = [ear.task for ear in self._ears.values() if ear.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def know(self, target: Target, sentinels: Iterable[Address]) -> None:
        """There are these Sentinels too."""
        for sentinel in sentinels:
            ear = self._ear(sentinel, target, listed=False)
            if (ear.task is None or ear.task.done()) and not self._closed:
                self._begin(ear)

    def _ear(self, sentinel: Address, target: Target, *, listed: bool) -> _Ear:
        ear = _Ear(sentinel, target.sentinel_auth.username, listed)
        ear = self._ears.setdefault(ear.key, ear)
        ear.targets.setdefault(target.name, target)
        return ear

    def _begin(self, ear: _Ear) -> None:
        ear.task = asyncio.create_task(self._listen(ear))

    async def _listen(self, ear: _Ear) -> None:
        pause_s, failures = AGAIN_S, 0
        while ear.listed or failures < GIVEN_UP:
            targets, heard = tuple(ear.targets.values()), False
            ear.held, ear.tried = {}, {}
            try:
                names = [target.master_name for target in targets]
                async with aclosing(self._events(targets[0], ear.sentinel, names, self._opening)) as events:
                    async for event in events:
                        heard = True
                        if not self._heard(ear, event):
                            return
            except AccessDenied as error:  # It may have said what it knows all the same.
                heard = False
                self._standing.tell(ear.key, logging.WARNING, _NO_LISTENING, error)
            except TandemError as error:
                if heard:
                    self._standing.over(ear.key)
                self._standing.tell(ear.key, logging.INFO, "a Sentinel is not heard: %s", error)
            except Exception:
                log.exception("what Sentinel %s says could not be worked on", ear.sentinel)
            if heard:
                pause_s, failures = AGAIN_S, 0
            await asyncio.sleep(pause_s)
            pause_s, failures = min(LONGEST_S, pause_s * 2), failures + 1

    def _heard(self, ear: _Ear, event: SentinelEvent) -> bool:
        """Work on an event; whether it is worth listening on."""
        if event.name == MYSELF:
            ear.run_id = event.details
            return ear.listed or not self._is_heard_already(ear)
        if event.instance is Instance.MASTER:
            self._follow(ear, event)
        if event.name == LISTENING:
            return True
        for target in tuple(ear.targets.values()):
            if event.master_name in {"", target.master_name}:
                self._note(event, target)
                self._tell(ear.sentinel, event, target)
        return True

    def _follow(self, ear: _Ear, event: SentinelEvent) -> None:
        """Whether a failover was ordered: by itself a Sentinel begins none without +odown."""
        name = event.master_name
        if event.name == LISTENING:
            ear.held[name] = O_DOWN in event.details.split(",")
        elif name in ear.held and event.name in _HELD:
            ear.held[name] = _HELD[event.name]
        elif name in ear.held and event.name == "+try-failover":
            ear.tried[name] = ear.held[name]
        for target in ear.targets.values():
            if target.master_name == name and event.address is not None:
                if event.name == "+elected-leader" and name in ear.tried:
                    led = Led(ear.sentinel, ordered=not ear.tried[name])
                    self._failovers.led(target.name, event.address, led)
                if event.name.startswith(ABORT):
                    self._failovers.given_up(target.name, event.address, ear.sentinel)

    def _is_heard_already(self, ear: _Ear) -> bool:
        """Settings may call a Sentinel by a name, and the others call it by an address."""
        return bool(ear.run_id) and any(
            other is not ear and other.run_id == ear.run_id and other.task is not None and not other.task.done()
            for other in self._ears.values()
        )

    def _note(self, event: SentinelEvent, target: Target) -> None:
        """Who there is, and whose turn it is."""
        if event.name == "+sentinel" and event.address is not None:
            self.know(target, [event.address])
        if event.instance in {Instance.MASTER, Instance.REPLICA} and event.name in {"+monitor", "+slave"}:
            self._known(target.name, [event.address] if event.address else [])
        if event.instance is Instance.MASTER and event.address is not None:
            if event.name == "+odown":
                self._failovers.held(target.name, event.address)
            if event.name == "-odown":
                self._failovers.over(target.name, event.address)
            if event.name == "+switch-master" and event.new_master is not None:
                self._known(target.name, [event.new_master])
                self._failovers.named(target.name, event.address, event.new_master)

    def _tell(self, sentinel: Address, event: SentinelEvent, target: Target) -> None:
        alert = alert_of(sentinel, event, target.name)
        if alert is not None:
            self._teller.tell(target.name, alert)
        elif event.name not in _QUIET:
            self._teller.look_again(target.name)
