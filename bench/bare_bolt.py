"""The yardstick for the bot's process: a Bolt app in Socket Mode that acks ``/redis`` and does nothing else.

Run as ``python -m bench.bare_bolt``. Two connections, as the bot has; the variables are the bot's.
"""

from __future__ import annotations

import asyncio
import os

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


async def main() -> None:
    """Serve until it is killed."""
    token, url = os.environ["TANDEM_SLACK_BOT_TOKEN"], os.environ["TANDEM_SLACK_API_URL"]
    app = AsyncApp(client=AsyncWebClient(token=token, base_url=url))
    app.command("/redis")(_ack)
    handlers = [AsyncSocketModeHandler(app, os.environ["TANDEM_SLACK_APP_TOKEN"]) for _ in range(2)]
    await asyncio.gather(*(handler.connect_async() for handler in handlers))  # type: ignore[no-untyped-call]
    await asyncio.Event().wait()


async def _ack(ack: AsyncAck) -> None:
    await ack()


if __name__ == "__main__":
    asyncio.run(main())
