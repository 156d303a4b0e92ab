"""The methods that read what stands in a channel or in a thread; both need a right that Tandem does not ask for."""

from collections.abc import Iterable

from sandbox.slack.api_chat import message_json
from sandbox.slack.messages import Json, Posted
from sandbox.slack.posting import SlackError
from sandbox.slack.state import Channel, World
from sandbox.slack.webapi import Arguments, Method

SCOPES = ("channels:history", "groups:history", "im:history", "mpim:history")


def _history(world: World, args: Arguments) -> Json:
    channel = _readable(world, args)
    posts = [post for post in world.visible(channel.id, None) if not post.ephemeral_for and not post.replies_to]
    return _page(reversed(posts), args)


def _replies(world: World, args: Arguments) -> Json:
    channel, ts = _readable(world, args), str(args.get("ts") or "")
    if world.find(channel.id, ts) is None:
        raise SlackError("thread_not_found")
    return _page((post for post in world.visible(channel.id, None) if ts in {post.ts, post.thread_ts}), args)


def _readable(world: World, args: Arguments) -> Channel:
    channel = world.channels.get(str(args.get("channel") or ""))
    if channel is None:
        raise SlackError("channel_not_found")
    if not channel.bot_is_member:
        raise SlackError("not_in_channel")
    return channel


def _page(posts: Iterable[Posted], args: Arguments) -> Json:
    oldest, whole = float(args.get("oldest") or 0), str(args.get("include_all_metadata", "")).lower() in {"1", "true"}
    newer = [post for post in posts if float(post.ts) > oldest][: int(args.get("limit") or 100)]
    marks: list[Json] = [{"metadata": post.metadata} if whole and post.metadata else {} for post in newer]
    messages = [message_json(post.frozen()) | mark for post, mark in zip(newer, marks, strict=True)]
    return {"messages": messages, "has_more": False}


METHODS = {
    "conversations.history": Method(_history, SCOPES),
    "conversations.replies": Method(_replies, SCOPES),
}
