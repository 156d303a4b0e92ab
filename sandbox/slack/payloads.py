"""Builds what Slack sends to an app: commands, clicks, view submissions, events, in the shapes of the real ones."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from sandbox.slack.api_chat import message_json
from sandbox.slack.api_views import view_json
from sandbox.slack.messages import Json, Message
from sandbox.slack.state import APP_ID, BOT_USER, TEAM, Channel, World
from sandbox.slack.views import OpenView

# The verification token of old, which nobody checks any more.
OLD_TOKEN = "local"  # noqa: S105 - no secret: nothing is decided by it
DOMAIN = "local"

_NAME = re.compile(r"(?<![\w<&;])([@#])([\w.-]*\w)")
_LINK = re.compile(r"https?://[^\s<>|]+")


def escape(text: str) -> str:
    """Escape the three characters that Slack's markup reserves."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def with_ids(world: World, text: str) -> str:
    """Return text as Slack stores what a person types: escaped, links in brackets, @names and #channels as ids."""
    people = {user.name: f"<@{user.id}|{user.name}>" for user in world.users.values()}
    groups = {group.handle: f"<!subteam^{group.id}|@{group.handle}>" for group in world.usergroups.values()}
    channels = {each.name: f"<#{each.id}|{each.name}>" for each in world.channels.values() if not each.is_im}
    whole = {name: f"<!{name}>" for name in ("here", "channel", "everyone")}

    def mention(match: re.Match[str]) -> str:
        sign, name = match.groups()
        known = channels if sign == "#" else {**people, **groups, **whole}
        return known.get(name, match.group(0))

    linked = _LINK.sub(lambda match: f"<{match.group(0)}>", escape(text))
    return _NAME.sub(mention, linked)


def command(world: World, user: str, channel: Channel, name: str, text: str) -> Json:
    """Return the form of a slash command; all values are strings."""
    return {
        "token": OLD_TOKEN,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": user,
        "user_name": world.users[user].name,
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": world.new_response_url("commands", channel.id, user),
        "trigger_id": world.new_trigger(user),
    }


def _interaction(world: World, kind: str, user: str) -> Json:
    name = world.users[user].name
    return {
        "type": kind,
        "user": {"id": user, "username": name, "name": name, "team_id": world.users[user].team_id},
        "api_app_id": APP_ID,
        "token": OLD_TOKEN,
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": world.new_trigger(user),
    }


def action(block: Json, element: Json, chosen: Json) -> Json:
    """Return one entry of `actions`; `chosen` is what the person selected, empty for a button."""
    entry: Json = {key: element[key] for key in ("type", "action_id", "text", "value", "style") if key in element}
    return {**entry, **chosen, "block_id": block["block_id"], "action_ts": f"{time.time():.6f}"}


def click_on_message(world: World, user: str, message: Message, actions: list[Json], state: Mapping[str, Any]) -> Json:
    """Return block_actions for a control of a message as the person sees it."""
    channel, original = world.channels[message.channel], world.find(message.channel, message.ts)
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = message.ephemeral_for is not None
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = _interaction(world, "block_actions", user) | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": state},
        "response_url": world.new_response_url("actions", channel.id, user, original),
        "actions": actions,
    }
    if message.ephemeral_for is None:
        payload["message"] = message_json(message)
    return payload


def click_on_view(world: World, user: str, view: OpenView, actions: list[Json]) -> Json:
    """Return block_actions for a control of a modal or home tab."""
    return _interaction(world, "block_actions", user) | {
        "container": {"type": "view", "view_id": view.id},
        "view": view_json(view),
        "actions": actions,
    }


def submission(world: World, user: str, view: OpenView) -> Json:
    """Return view_submission with the state that the view holds."""
    return _interaction(world, "view_submission", user) | {"view": view_json(view), "response_urls": []}


def closing(world: World, user: str, view: OpenView) -> Json:
    """Return view_closed."""
    payload = _interaction(world, "view_closed", user) | {"view": view_json(view), "is_cleared": False}
    del payload["trigger_id"]
    return payload


def home_opened(world: World, user: str) -> Json:
    """Return the event app_home_opened in its callback."""
    event: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": world.direct_channel(user).id,
        "tab": "home",
        "event_ts": f"{time.time():.6f}",
    }
    if user in world.homes:
        event["view"] = view_json(world.homes[user])
    return {
        "token": OLD_TOKEN,
        "team_id": TEAM,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_hex(8)}",
    }
