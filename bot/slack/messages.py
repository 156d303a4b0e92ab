"""Posts messages, and says in words why one cannot be posted."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import ClientConnectorError, ClientError
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from actions.kit.errors import TandemError
from bot.render.blocks import File, Message, Screen, notice
from bot.render.words import mrkdwn
from bot.slack.client import BROKEN, code_of

log = logging.getLogger(__name__)

_WHY = {
    "not_in_channel": "I am not in this channel: type `/invite @{bot}` here, then ask again.",
    "channel_not_found": "I cannot see this channel: type `/invite @{bot}` there, then ask again.",
    "is_archived": "The channel is archived; nobody can post there any more.",
    "missing_scope": "The app lacks a right that this takes: it has to be installed again from its newest manifest.",
    "restricted_action": "An administrator restricts who may post in this channel.",
    "ratelimited": "Slack takes no more messages at the moment; ask again in a minute.",
}
_OURS = frozenset({"ratelimited", "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
"""Slack did not look at the message: it may take it later, or once our token is mended."""
NOT_SENT = "no connection"
CONNECT_ATTEMPTS = 3
EVENT = "tandem_message"

_FAILURES = (SlackApiError, ClientError, TimeoutError, OSError)


class CannotPost(TandemError):  # noqa: N818 -- Reads as what it is where it is caught.
    """Slack does not take the message. ``code`` is Slack's own word; the text is markup and says what to do.

    ``retry_after_s``: when Slack wants to be asked again. ``for_good``: Slack has looked at it and does not want it.
    ``doubtful``: it may have been carried out all the same.
    """

    def __init__(self, code: str, bot_name: str, error: BaseException | None = None) -> None:
        why = _WHY.get(code, "Slack did not take the message ({code}).")
        super().__init__(why.format(bot=bot_name, code=code))
        answered = isinstance(error, SlackApiError)
        self.code = code
        self.retry_after_s = _retry_after(error)
        self.for_good = answered and code not in BROKEN | _OURS
        self.doubtful = code in BROKEN if answered else code != NOT_SENT


class Messages:
    """The bot's mouth: public, private and direct messages."""

    def __init__(self, client: AsyncWebClient, bot_name: str) -> None:
        self.client = client
        self._bot_name = bot_name

    async def post(
        self, channel: str, message: Message, thread_ts: str | None = None, *, key: str | None = None
    ) -> tuple[str, str]:
        """Post; returns the channel's id and the message's ts.

        Args:
            channel: a channel's id, or a user's for a direct message.
            message: what to post.
            thread_ts: in whose thread.
            key: the name by which ``find`` finds it.

        Raises:
            CannotPost: Slack does not take it, or cannot be reached.
        """
        try:
            answer = await self.client.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=list(message.blocks) or None,
                thread_ts=thread_ts,
                unfurl_links=False,
                unfurl_media=False,
                metadata={"event_type": EVENT, "event_payload": {"key": key}} if key else None,
            )
        except _FAILURES as error:
            raise self._cannot(error) from error
        return str(answer["channel"]), str(answer["ts"])

    async def post_screen(self, channel: str, screen: Screen) -> str:
        """Post a message and what belongs into its thread; returns the message's ts."""
        where, ts = await self._post_patiently(channel, screen.message)
        for reply in screen.thread:
            await self._post_patiently(where, reply, ts)
        for file in screen.files:
            try:
                await self.upload(where, file, ts)
            except CannotPost as error:
                missing = notice(f":warning: {mrkdwn(file.name)} is missing here. {error}")
                await self._post_patiently(where, missing, ts)
        return ts

    async def upload(self, channel: str, file: File, thread_ts: str | None = None) -> None:
        """Put a file into a channel, or into a thread there.

        Args:
            channel: the id of a channel or of a conversation; a user's does not do.
            file: what to put there.
            thread_ts: in whose thread.

        Raises:
            CannotPost: Slack does not take it, or cannot be reached.
        """
        try:
            await self.client.files_upload_v2(
                content=file.content,
                filename=file.name,
                title=file.title,
                alt_txt=file.alt or None,
                channel=channel,
                thread_ts=thread_ts,
            )
        except SlackRequestError as error:  # What is uploaded goes to a place of its own, which has no codes.
            raise CannotPost("upload_failed", self._bot_name) from error
        except _FAILURES as error:
            raise self._cannot(error) from error

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace a message of ours.

        Raises:
            CannotPost: as ``post``; also ``message_not_found``.
        """
        try:
            await self.client.chat_update(channel=channel, ts=ts, text=message.text, blocks=list(message.blocks))
        except _FAILURES as error:
            raise self._cannot(error) from error

    async def delete(self, channel: str, ts: str) -> None:
        """Take a message of ours back.

        Raises:
            CannotPost: as ``update``.
        """
        try:
            await self.client.chat_delete(channel=channel, ts=ts)
        except _FAILURES as error:
            raise self._cannot(error) from error

    async def find(self, channel: str, key: str, since: float, thread_ts: str | None = None) -> tuple[str, str] | None:
        """Where the message with this key stands that was posted after this moment (seconds since 1970).

        ``None`` where there is none, and where we may not look: the manifest asks for no right to read channels.
        """
        method = "conversations.replies" if thread_ts else "conversations.history"
        where = {"channel": channel, "ts": thread_ts, "oldest": f"{since:.6f}"}
        try:
            answer = await self.client.api_call(method, params={**where, "include_all_metadata": True, "limit": 200})
        except _FAILURES as error:
            log.info("cannot look for a message", extra={"error": code_of(error)})
            return None
        for message in answer["messages"]:
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("key") == key:
                return channel, str(message["ts"])
        return None

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
        await self._post_patiently(user, message)

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
        except _FAILURES as error:
            raise self._cannot(error) from error

    def _cannot(self, error: BaseException) -> CannotPost:
        code = NOT_SENT if isinstance(error, ClientConnectorError) else code_of(error)
        return CannotPost(code, self._bot_name, error)

    async def _post_patiently(self, channel: str, message: Message, thread_ts: str | None = None) -> tuple[str, str]:
        """As ``post``; where nothing was sent it is tried again: the only failure after which that is safe."""
        for attempt in range(1, CONNECT_ATTEMPTS):
            try:
                return await self.post(channel, message, thread_ts)
            except CannotPost as error:
                if error.code != NOT_SENT:
                    raise
                await asyncio.sleep(0.5 * attempt)
        return await self.post(channel, message, thread_ts)


def _retry_after(error: BaseException | None) -> float | None:
    headers = getattr(error.response, "headers", {}) if isinstance(error, SlackApiError) else {}
    given = str(headers.get("Retry-After", ""))
    return float(given) if given.isdigit() else None
