"""Posts messages, and says in words why one cannot be posted."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import ClientConnectorError, ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from actions.kit.errors import TandemError
from bot.render.blocks import Message, Screen
from bot.slack.client import code_of

log = logging.getLogger(__name__)

_WHY = {
    "not_in_channel": "I am not in this channel: type `/invite @{bot}` here, then ask again.",
    "channel_not_found": "I cannot see this channel: type `/invite @{bot}` there, then ask again.",
    "is_archived": "The channel is archived; nobody can post there any more.",
    "restricted_action": "An administrator restricts who may post in this channel.",
    "ratelimited": "Slack takes no more messages at the moment; ask again in a minute.",
}
_GONE = ("is_archived", "channel_not_found", "not_in_channel")
CONNECT_ATTEMPTS = 3
PATIENT_ATTEMPTS, PATIENT_S = 12, 5.0
"""Each attempt has waited already as often, and as long, as Slack asked for."""


class CannotPost(TandemError):  # noqa: N818 -- Reads as what it is where it is caught.
    """Slack does not take the message. ``code`` is Slack's own word; the text is markup and says what to do."""

    def __init__(self, code: str, bot_name: str) -> None:
        why = _WHY.get(code, "Slack did not take the message ({code}).")
        super().__init__(why.format(bot=bot_name, code=code))
        self.code = code

    @property
    def for_good(self) -> bool:
        """Whether the channel is closed to us until a person does something."""
        return self.code in _GONE


class Messages:
    """The bot's mouth: public, private and direct messages."""

    def __init__(self, client: AsyncWebClient, bot_name: str) -> None:
        self.client = client
        self._bot_name = bot_name

    async def post(self, channel: str, message: Message, thread_ts: str | None = None) -> tuple[str, str]:
        """Post; returns the channel's id and the message's ts.

        Raises:
            CannotPost: Slack does not take it, or cannot be reached.
        """
        for attempt in range(1, CONNECT_ATTEMPTS + 1):
            try:
                answer = await self.client.chat_postMessage(
                    channel=channel,
                    text=message.text,
                    blocks=list(message.blocks) or None,
                    thread_ts=thread_ts,
                    unfurl_links=False,
                    unfurl_media=False,
                )
            except ClientConnectorError as error:  # Nothing was sent: the only failure that is safe to try again.
                if attempt == CONNECT_ATTEMPTS:
                    raise CannotPost("no connection", self._bot_name) from error
                await asyncio.sleep(0.5 * attempt)
            except (SlackApiError, ClientError, TimeoutError, OSError) as error:
                raise CannotPost(code_of(error), self._bot_name) from error
            else:
                return str(answer["channel"]), str(answer["ts"])
        raise AssertionError("unreachable")

    async def post_late(self, channel: str, message: Message, thread_ts: str | None = None) -> tuple[str, str]:
        """As ``post``, for what nobody waits for: a Slack that takes no more is asked again, for minutes."""
        for _ in range(PATIENT_ATTEMPTS):
            try:
                return await self.post(channel, message, thread_ts)
            except CannotPost as error:
                if error.code != "ratelimited":  # All else may have been carried out, or will not be.
                    raise
                await asyncio.sleep(PATIENT_S)
        return await self.post(channel, message, thread_ts)

    async def post_screen(self, channel: str, screen: Screen) -> str:
        """Post a message and what belongs into its thread; returns the message's ts."""
        where, ts = await self.post(channel, screen.message)
        for reply in screen.thread:
            await self.post(where, reply, thread_ts=ts)
        return ts

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace a message of ours.

        Raises:
            CannotPost: as ``post``; also ``message_not_found``.
        """
        try:
            await self.client.chat_update(channel=channel, ts=ts, text=message.text, blocks=list(message.blocks))
        except (SlackApiError, ClientError, TimeoutError, OSError) as error:
            raise CannotPost(code_of(error), self._bot_name) from error

    async def whisper(self, channel: str | None, user: str, message: Message) -> None:
        """Tell one person in the channel; where that does not go, by direct message.

        Raises:
            CannotPost: neither goes.
        """
        try:
            await self.ephemeral(channel, user, message)
        except CannotPost as error:
            log.info("ephemeral message not taken, sending it directly", extra={"error": error.code})
        else:
            return
        await self.direct(user, message)

    async def ephemeral(self, channel: str | None, user: str, message: Message) -> None:
        """Tell one person in the channel, so that Slack keeps no copy.

        Raises:
            CannotPost: Slack does not take it, or it is no channel.
        """
        if channel is None or channel[:1] not in {"C", "G"}:
            raise CannotPost("channel_not_found", self._bot_name)
        try:
            await self.client.chat_postEphemeral(
                channel=channel, user=user, text=message.text, blocks=list(message.blocks) or None
            )
        except (SlackApiError, ClientError, TimeoutError, OSError) as error:
            raise CannotPost(code_of(error), self._bot_name) from error

    async def direct(self, user: str, message: Message) -> None:
        """Tell one person by direct message.

        Raises:
            CannotPost: Slack does not take it.
        """
        await self.post(user, message)
