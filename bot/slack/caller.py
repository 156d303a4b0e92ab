"""The one gate: who typed or pressed something, in which channel, and whether we talk to them at all."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.ledger.records import Person
from bot.render.blocks import notice
from bot.slack.client import Identity
from bot.slack.messages import CannotPost, Messages
from bot.slack.reply import Reply

log = logging.getLogger(__name__)

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """One person at one moment. ``channel`` is ``None`` in the home tab and in modals.

    ``message_ts``: the message whose button was pressed; ``alone``: nobody else sees that one.
    """

    person: Person
    channel: str | None
    reply: Reply
    message_ts: str | None = None
    alone: bool = False

    @property
    def mention(self) -> str:
        """The person as markup."""
        return f"<@{self.person.id}>"


class Gate:
    """Bolt's global middleware. Lets members of our own workspace in; what they may do there is the policy's.

    No I/O: a modal has to open, and a command to be acked, before anybody is looked up.
    """

    def __init__(self, identity: Identity, session: ClientSession, messages: Messages) -> None:
        self._identity, self._session, self._messages = identity, session, messages

    async def __call__(
        self,
        body: Body,
        context: AsyncBoltContext,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 -- Bolt passes it by this name.
    ) -> BoltResponse:
        """Put the caller into the context, or turn them away with an answer that they see."""
        caller = self._caller(body)
        no = self._why_not(body, caller)
        if no is None:
            context["caller"] = caller
            return await next()
        log.warning("turned away", extra={"user": caller.person.id, "why": no})
        if "event" not in body:
            try:
                await caller.reply.whisper(notice(no))
            except CannotPost as error:
                log.warning("turned away without an answer", extra={"error": error.code})
        return await context.ack()

    def _caller(self, body: Body) -> Caller:
        user = body.get("user") or {}
        event = body.get("event") or {}
        user_id = str(body.get("user_id") or user.get("id") or event.get("user") or "")
        name = str(body.get("user_name") or user.get("username") or user.get("name") or user_id)
        container = body.get("container") or {}
        channel = body.get("channel_id") or (body.get("channel") or {}).get("id") or container.get("channel_id")
        reply = Reply(self._session, self._messages, body.get("response_url"), channel, user_id)
        alone = bool(container.get("is_ephemeral"))
        return Caller(Person(user_id, name), channel, reply, container.get("message_ts"), alone)

    def _why_not(self, body: Body, caller: Caller) -> str | None:
        user = body.get("user") or {}
        team = body.get("team_id") or (body.get("team") or {}).get("id") or user.get("team_id")
        if not caller.person.id:
            return "Slack does not say who did this, so nothing was done."
        if team != self._identity.team_id or user.get("team_id", team) != self._identity.team_id:
            return "You belong to another workspace; only members of this one can use Tandem here."
        return None
