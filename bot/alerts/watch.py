"""Looks at the targets of open incidents: at once when something is new, and again until all is over.

It only ever looks. What a person may do about it stands on the buttons, and goes the way of every command.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from actions.kit.action import Progress, Seen
from actions.kit.errors import TandemError
from actions.kit.findings import Severity
from actions.kit.plan import Risk
from actions.registry import by_name
from bot import logs
from bot.ledger.incident_records import Incident, Sight
from bot.ledger.incidents import Incidents
from bot.render.blocks_findings import sign
from bot.waiting import within

log = logging.getLogger(__name__)

POLL_S = 2.0
"""How often to look for what other processes have written, in seconds."""
MOST, TOGETHER, IN_A_STORM = 200, 20, 2
"""Targets of one incident that are looked at, and how many of them at a time; but for two while many incidents wait for
their first look: that each is told at once goes before what is seen."""
LOOK_S = 20.0
"""A look takes no longer; less than an incident is claimed for."""
_EVIDENCE, _SUGGESTS, _LETTERS = 3, 3, 300

Look = Callable[[str, str, Mapping[str, str], Progress], Awaitable[Seen]]
Notes = Callable[[str], Awaitable[str]]
"""What keeps a target from being changed now, as a sentence; empty where nothing does."""


class Watch:
    """One for each process; several share the work.

    Args:
        incidents: what to look after.
        look: looks at a target, as a person's command does.
        note: see ``Notes``.
    """

    def __init__(self, incidents: Incidents, look: Look, note: Notes) -> None:
        self._incidents, self._look, self._note = incidents, look, note
        self._free = asyncio.Semaphore(TOGETHER)
        self._few = True
        self._loop: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop; what is in hand is looked at by the next process."""
        tasks = [task for task in (self._loop, *self._looks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._incidents.changed.clear()
            wait_s = POLL_S
            try:
                free = (TOGETHER if self._few else IN_A_STORM) - len(self._looks)
                due, next_s = await self._incidents.due() if free > 0 else ((), None)
                self._few = len(due) <= 2 * TOGETHER if free > 0 else self._few
                wait_s = min(POLL_S, POLL_S if next_s is None else max(0.05, next_s))
                for incident in due[:free]:
                    if begun := await self._incidents.claim(incident):
                        self._begin(incident, begun)
            except Exception as error:  # noqa: BLE001 -- Whatever it is, incidents must go on once it is over.
                log.warning("the incidents cannot be looked after: %s", error)
            await within(self._incidents.changed, wait_s)

    def _begin(self, incident: Incident, begun: datetime) -> None:
        with logs.about(incident=incident.id):
            task = asyncio.create_task(self._see(incident, begun))
        self._looks.add(task)
        task.add_done_callback(self._looked)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looks.discard(task)
        self._incidents.changed.set()  # Others may wait for their turn.

    async def _see(self, incident: Incident, begun: datetime) -> None:
        try:
            sights = await asyncio.gather(*map(self._sight, incident.targets[:MOST]))
            await self._incidents.seen(incident, begun, sorted(sights, key=_worst_first))
        except TandemError as error:
            log.warning("what was seen for %s could not be written down: %s", incident.id, error)
        except Exception:
            log.exception("the targets of %s could not be looked at", incident.id)

    async def _sight(self, target: str) -> Sight:
        try:
            async with self._free, asyncio.timeout(LOOK_S):
                seen = await self._look("diagnose", target, {}, _quiet)
                note = await self._note(target)
        except TimeoutError:
            return _unseen(target, f"A look at {target} took longer than {LOOK_S:g} s.")
        except TandemError as error:
            return _unseen(target, str(error))
        return _sight_of(target, seen, note)


def _worst_first(sight: Sight) -> int:
    return (False, None, True).index(sight.well)


def _unseen(target: str, why: str) -> Sight:
    return Sight(target, "not seen", ":white_circle:", "undetermined", why[:_LETTERS], None)


def _sight_of(target: str, seen: Seen, note: str) -> Sight:
    verdict = seen.diagnosis.verdict
    lines = dict.fromkeys(line for one in seen.diagnosis.findings for line in one.suggests)
    suggests = (line for line in lines if not note or by_name(line.split()[0]).risk is Risk.READ)
    evidence = (f"{one.source}: {one.observation}"[:_LETTERS] for one in verdict.evidence[:_EVIDENCE])
    return Sight(
        target=target,
        verdict=verdict.id.value,
        sign=sign(verdict),
        confidence=verdict.confidence.value,
        summary=verdict.summary[: 3 * _LETTERS],
        well=verdict.severity <= Severity.INFO,
        evidence=tuple(evidence),
        suggests=tuple(suggests)[:_SUGGESTS],
        note=note,
    )


async def _quiet(_sentence: str) -> None:
    """Nobody waits."""
