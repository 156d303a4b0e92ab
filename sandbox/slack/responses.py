"""The response_url: answers to a command or click, 5 times in 30 minutes, also by replacing the message."""

import json
import time

from aiohttp import web

from sandbox.slack.messages import Json
from sandbox.slack.posting import SlackError, content, post_as_bot, replace
from sandbox.slack.state import ResponseUrl, World


async def serve(world: World, request: web.Request) -> web.Response:
    """Handle `POST /commands|actions/T…/…/key` as hooks.slack.com does."""
    where = world.response_urls.get(request.match_info["key"])
    if where is None or time.monotonic() > where.expires:
        return web.Response(status=404, text="expired_url")
    if where.uses_left == 0:
        return web.Response(status=404, text="used_url")
    try:
        body = json.loads(await request.text())
        respond(world, where, body)
    except (json.JSONDecodeError, SlackError) as wrong:
        error = wrong.error if isinstance(wrong, SlackError) else "invalid_payload"
        return web.json_response({"ok": False, "error": error}, status=400)
    return web.Response(text="ok")


def respond(world: World, where: ResponseUrl, body: Json) -> None:
    """Show one answer; raises SlackError where Slack would refuse it."""
    original = where.original
    if body.get("delete_original"):
        where.uses_left -= 1
        if original is not None:
            original.deleted = True
            world.changed()
        return
    text, blocks = content(world, body.get("text"), body.get("blocks"))
    where.uses_left -= 1
    if body.get("replace_original") and original is not None:
        replace(world, original, text, blocks)
        return
    only_for = None if body.get("response_type") == "in_channel" else where.user
    post_as_bot(world, where.channel, text, blocks, thread_ts=body.get("thread_ts"), only_for=only_for)
