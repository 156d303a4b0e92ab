"""Carries out the buttons by which a person looks after an incident. What they do is stored before it is acked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.ledger.records import Person
from bot.render.blocks import notice
from bot.render.blocks_incident import ACKNOWLEDGE, ASSIGN, MUTES_MIN
from bot.render.words import mrkdwn
from bot.slack.caller import Caller
from bot.slack.clicks import STORED_WITHIN_S
from bot.slack.tasks import Tasks


class Incidents(Protocol):
    """``bot.ledger.incidents.Incidents``; each answers with a sentence for the person."""

    async def acknowledge(self, incident_id: str, person: Person) -> str:
        """Somebody has read it."""

    async def assign(self, incident_id: str, person: Person) -> str:
        """Somebody looks after it."""

    async def mute(self, incident_id: str, person: Person, span: timedelta) -> str:
        """Let its message rest."""


@dataclass(frozen=True, slots=True)
class Tending:
    """What a person can press on the message of an incident, besides what it suggests."""

    incidents: Incidents
    tasks: Tasks

    async def press(self, ack: AsyncAck, caller: Caller, button: str, incident_id: str) -> None:
        """Do it, ack, and tell the person what was done."""
        doing = self.tasks.start(self._does(caller.person, button, incident_id))
        await asyncio.wait({doing}, timeout=STORED_WITHIN_S)
        await ack()
        await caller.reply.whisper(notice(mrkdwn(await doing)))

    def _does(self, person: Person, button: str, incident_id: str) -> Coroutine[Any, Any, str]:
        if button == ACKNOWLEDGE:
            return self.incidents.acknowledge(incident_id, person)
        if button == ASSIGN:
            return self.incidents.assign(incident_id, person)
        return self.incidents.mute(incident_id, person, timedelta(minutes=MUTES_MIN))
