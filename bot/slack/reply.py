"""Answers one person about one command or click, so that only they see it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from aiohttp import ClientError, ClientSession

from bot.render.blocks import Message
from bot.slack.messages import Messages

log = logging.getLogger(__name__)

MAX_USES = 5
MAX_AGE_S = 29 * 60


class Reply:
    """The response_url while it works, after that (5 uses, 30 minutes, an error) an ephemeral or direct message."""

    def __init__(
        self, session: ClientSession, messages: Messages, url: str | None, channel: str | None, user: str
    ) -> None:
        self.channel, self.user = channel, user
        self._session, self._messages, self._url = session, messages, url
        self._uses = 0
        self._since = time.monotonic()

    async def whisper(self, message: Message) -> None:
        """Say it to this person alone.

        Raises:
            CannotPost: Slack takes it in no way.
        """
        body = {"response_type": "ephemeral", "replace_original": False}
        if not await self._respond(message, body):
            await self._messages.whisper(self.channel, self.user, message)

    async def entrust(self, message: Message) -> None:
        """Say it to this person alone and once: never by direct message, of which Slack keeps a copy.

        Raises:
            CannotPost: Slack takes it in no such way.
        """
        body = {"response_type": "ephemeral", "replace_original": False}
        if not await self._respond(message, body):
            await self._messages.ephemeral(self.channel, self.user, message)

    async def replace(self, message: Message) -> None:
        """Put it in the place of the message whose button was pressed, where only this person sees that.

        Raises:
            CannotPost: Slack takes it in no way.
        """
        if not await self._respond(message, {"replace_original": True}):
            await self._messages.whisper(self.channel, self.user, message)

    async def _respond(self, message: Message, body: dict[str, Any]) -> bool:
        if not self._url or self._uses >= MAX_USES or time.monotonic() - self._since > MAX_AGE_S:
            return False
        self._uses += 1
        whole = {**body, "text": message.text, **({"blocks": list(message.blocks)} if message.blocks else {})}
        try:
            async with asyncio.timeout(5), self._session.post(self._url, json=whole) as response:
                if response.status == 200:
                    return True
                log.info("response_url refused", extra={"status": response.status})
        except (ClientError, TimeoutError, OSError) as error:
            log.info("response_url failed", extra={"error": type(error).__name__})
        return False
