"""The chat.* methods: posting, updating, deleting, links."""

from sandbox.slack.messages import Json, Message, Posted
from sandbox.slack.posting import SlackError, content, post_as_bot, replace
from sandbox.slack.state import APP_ID, BOT_ID, Channel, World
from sandbox.slack.webapi import Arguments, Method


def channel_to_write(world: World, args: Arguments, key: str = "channel") -> Channel:
    """Return the channel that the bot wants to write to; a user id means direct messages with that person.

    Raises SlackError channel_not_found, is_archived, not_in_channel.
    """
    name = str(args.get(key) or "")
    if name in world.users and name not in world.channels:
        return world.direct_channel(name)
    channel = world.channels.get(name)
    if channel is None:
        raise SlackError("channel_not_found")
    if channel.is_archived:
        raise SlackError("is_archived")
    if not channel.bot_is_member:
        raise SlackError("not_in_channel")
    return channel


def _thread(world: World, channel: Channel, args: Arguments) -> str | None:
    thread_ts = args.get("thread_ts")
    if not thread_ts:
        return None
    parent = world.find(channel.id, str(thread_ts))
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.ephemeral_for:
        raise SlackError("cannot_reply_to_message")
    return parent.thread_ts or parent.ts


def message_json(post: Message) -> Json:
    """Return a message as Slack sends it in answers and payloads."""
    message: Json = {
        "type": "message",
        "user": post.user,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "text": post.text,
        "ts": post.ts,
    }
    if post.blocks:
        message["blocks"] = list(post.blocks)
    if post.thread_ts:
        message["thread_ts"] = post.thread_ts
    if post.edited:
        message["edited"] = {"user": post.user, "ts": post.ts}
    return message


def _post(world: World, args: Arguments) -> Json:
    channel = channel_to_write(world, args)
    thread_ts = _thread(world, channel, args)
    text, blocks = content(world, args.get("text"), args.get("blocks"))
    metadata = _metadata(args.get("metadata"))
    post = post_as_bot(world, channel.id, text, blocks, thread_ts=thread_ts)
    post.metadata = metadata
    return {"channel": channel.id, "ts": post.ts, "message": message_json(post.frozen())}


def _metadata(given: object) -> Json | None:
    if given is None:
        return None
    named = isinstance(given, dict) and isinstance(given.get("event_type"), str)
    if not named or not isinstance(given, dict) or not isinstance(given.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    return given


def _post_ephemeral(world: World, args: Arguments) -> Json:
    channel, user = channel_to_write(world, args), str(args.get("user") or "")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = _thread(world, channel, args)
    text, blocks = content(world, args.get("text"), args.get("blocks"))
    post = post_as_bot(world, channel.id, text, blocks, thread_ts=thread_ts, only_for=user)
    return {"message_ts": post.ts}


def _own_message(world: World, args: Arguments, refusal: str) -> Posted:
    channel = channel_to_write(world, args)
    post = world.find(channel.id, str(args.get("ts") or ""))
    if post is None or post.deleted or post.ephemeral_for:
        raise SlackError("message_not_found")
    if not post.app_owned:
        raise SlackError(refusal)
    return post


def _update(world: World, args: Arguments) -> Json:
    post = _own_message(world, args, "cant_update_message")
    text, blocks = content(world, args.get("text"), args.get("blocks"))
    replace(world, post, text, blocks)
    return {"channel": post.channel, "ts": post.ts, "text": post.text, "message": message_json(post.frozen())}


def _delete(world: World, args: Arguments) -> Json:
    post = _own_message(world, args, "cant_delete_message")
    post.deleted = True
    world.changed()
    return {"channel": post.channel, "ts": post.ts}


def _permalink(world: World, args: Arguments) -> Json:
    channel = str(args.get("channel") or "")
    if channel not in world.channels:
        raise SlackError("channel_not_found")
    post = world.find(channel, str(args.get("message_ts") or ""))
    if post is None or post.deleted:
        raise SlackError("message_not_found")
    return {"channel": channel, "permalink": f"{world.base_url}archives/{channel}/p{post.ts.replace('.', '')}"}


METHODS = {
    "chat.postMessage": Method(_post, ("chat:write",)),
    "chat.postEphemeral": Method(_post_ephemeral, ("chat:write",)),
    "chat.update": Method(_update, ("chat:write",)),
    "chat.delete": Method(_delete, ("chat:write",)),
    "chat.getPermalink": Method(_permalink),
}
