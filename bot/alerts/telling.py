"""How what Tandem notices itself becomes an alert of ours, whoever in it has noticed: written down, and never lost.

What comes while the ledger is busy is written in one transaction with all that came meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import islice

from actions.kit.errors import TandemError
from bot.alerts.mapping import Places
from bot.ledger.incident_records import Alert, Signal
from bot.ledger.incidents import Incidents

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""What could not be written down is tried again after this."""
MOST = 10_000
"""So many alerts wait at most for a ledger that cannot be written."""

TOGETHER = 50
"""So many are written in one transaction: the first ones shall not wait for a thousand others."""

Held = Callable[[], Awaitable[frozenset[str]]]


class Teller:
    """One for each process. Close with ``aclose``.

    Args:
        places: finds the channels.
        incidents: where alerts go.
        held: which targets a run of ours has now: what it causes is told by its own message.
    """

    def __init__(self, places: Places, incidents: Incidents, held: Held) -> None:
        self._places, self._incidents, self._held = places, incidents, held
        self._waiting: dict[tuple[str, str], Alert] = {}
        self._looks: set[str] = set()
        self._something = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop; what waits is tried once more."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            await self._written()

    def tell(self, target: str, alert: Alert) -> None:
        """Have an alert about a target written down. One that is known already says nothing new."""
        if len(self._waiting) < MOST:
            self._waiting.setdefault((target, alert.fingerprint), alert)
            self._something.set()

    def look_again(self, target: str) -> None:
        """Something has happened to a target that is no alert: where it has an incident, a look may show it."""
        self._looks.add(target)
        self._something.set()

    async def is_ours(self, target: str) -> bool:
        """Whether a run of ours holds the target."""
        return target in await self._held()

    async def _run(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            if not await self._written():
                await asyncio.sleep(AGAIN_S)
                self._something.set()

    async def _written(self) -> bool:
        waiting, looks = dict(islice(self._waiting.items(), TOGETHER)), set(self._looks)
        try:
            held = await self._held()
            looks |= {target for target, _ in waiting if target in held}
            told = ((target, alert) for (target, _), alert in waiting.items() if target not in held)
            await self._write([self._places.of_target(alert, target) for target, alert in told], looks)
        except TandemError as error:
            log.warning("what was noticed could not be written down, and is tried again: %s", error)
            return False
        for key in waiting:
            del self._waiting[key]
        self._looks -= looks
        if self._waiting:
            self._something.set()
        return True

    async def _write(self, signals: list[Signal], looks: set[str]) -> None:
        if signals:
            await self._incidents.received(signals)
        for target in looks:
            await self._incidents.look_again(target)


def own_alert(about: str, name: str, severity: str, summary: str, **labels: str) -> Alert:
    """An alert that Tandem raises itself; ``about`` tells it from every other, whichever replica of the bot it is."""
    return Alert(
        fingerprint=about,
        firing=True,
        starts_at=datetime.now(UTC),
        ended_at=None,
        labels={"alertname": name, "severity": severity, **labels},
        summary=summary,
        own=True,
    )
