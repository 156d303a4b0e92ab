"""Publishes the home tab: the fleet's verdicts, reviews to be signed, what waits for a decision, what was done."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from slack_sdk.web.async_client import AsyncWebClient

from bot.ledger.records import RequestState
from bot.render.blocks_home import Requests, home
from bot.slack.commands import Commands
from bot.slack.ports import Desk

REMEMBERED = 500
_OPEN = (RequestState.WAITING, RequestState.APPROVED, RequestState.RUNNING)


@dataclass(frozen=True, slots=True)
class Home:
    """The home tab. Publishing twice shows the same, so that a repeated event is only a waste: it is skipped."""

    client: AsyncWebClient
    desk: Desk
    commands: Commands
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)

    async def opened(self, user_id: str, event_id: str) -> None:
        """Publish for this person, unless this event was here before.

        Raises:
            SlackApiError: Slack does not take it.
        """
        if event_id in self._seen:
            return
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        requests = await self.desk.runs(limit=20)
        fleet = await self.commands.fleet_seen(tuple(self.commands.fleet.targets))
        notes = await self.commands.frozen_notes()
        shown = Requests(
            unsigned=await self.desk.reviews.unsigned(),
            waiting=[request for request in requests if request.state in _OPEN],
            recent=[request for request in requests if request.state not in _OPEN],
        )
        await self.client.views_publish(user_id=user_id, view=home(fleet, notes, shown))
