"""The world behind the local Slack: users, groups, channels, messages, files, views, and who waits for a change."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

from sandbox.slack.manifest import Manifest
from sandbox.slack.messages import Json, Posted, broadcasts_in, elements_of
from sandbox.slack.views import OpenView

TEAM = "T0LOCAL"
BOT_USER, BOT_ID, APP_ID = "U0TANDEM", "B0TANDEM", "A0TANDEM"
SLACKBOT = "USLACKBOT"
TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5


@dataclass
class User:
    """A person or bot, with the flags by which an approver is judged."""

    id: str
    name: str
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    team_id: str = TEAM


@dataclass
class Channel:
    """A channel, or the direct messages with one person (`is_im`)."""

    id: str
    name: str
    members: set[str]
    bot_is_member: bool = True
    is_archived: bool = False
    is_im: bool = False


@dataclass
class UserGroup:
    """A user group such as @redis-ops."""

    id: str
    handle: str
    users: list[str]


@dataclass
class StoredFile:
    """A file: announced first, then uploaded, then shared."""

    id: str
    name: str
    length: int
    title: str = ""
    alt: str = ""
    content: bytes | None = None
    shared: bool = False


@dataclass
class Trigger:
    """A trigger_id: opens one view, once, within 3 seconds."""

    user: str
    expires: float
    used: bool = False


@dataclass
class ResponseUrl:
    """A response_url: 5 uses in 30 minutes; `original` is the message whose button was pressed."""

    channel: str
    user: str
    original: Posted | None
    expires: float
    uses_left: int = RESPONSE_URL_USES


@dataclass
class World:
    """Everything that the local Slack knows. Each change calls `changed()`, which wakes those that wait."""

    manifest: Manifest
    base_url: str = ""
    users: dict[str, User] = field(default_factory=dict)
    usergroups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    posts: list[Posted] = field(default_factory=list)
    files: dict[str, StoredFile] = field(default_factory=dict)
    homes: dict[str, OpenView] = field(default_factory=dict)
    modals: dict[str, list[OpenView]] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    broadcast_mentions: list[tuple[str, str, str]] = field(default_factory=list)
    version: int = 0
    _waiting: set[asyncio.Event] = field(default_factory=set)
    _last_us: int = 0

    def changed(self) -> None:
        """Wake everybody who waits for a change."""
        self.version += 1
        for event in self._waiting:
            event.set()

    async def wait_change(self, within: float, since: int | None = None) -> None:
        """Return at the next change, or after this many seconds; at once where `version` is not `since` any more."""
        if since is not None and since != self.version:
            return
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), within)
        except TimeoutError:
            return
        finally:
            self._waiting.discard(event)

    def next_ts(self) -> str:
        """Return a new message timestamp: seconds and microseconds, never twice the same."""
        self._last_us = max(self._last_us + 1, time.time_ns() // 1000)
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def post(self, message: Posted) -> Posted:
        """Store a message, record whom it would notify, and wake those that wait."""
        message.blocks = named(message.blocks)
        self.posts.append(message)
        self.note_broadcasts(message)
        self.changed()
        return message

    def note_broadcasts(self, message: Posted) -> None:
        """Record each mention of a whole channel in `broadcast_mentions` as (channel, ts, mention)."""
        found = broadcasts_in(message.text, message.blocks)
        self.broadcast_mentions += [(message.channel, message.ts, mention) for mention in found]

    def find(self, channel: str, ts: str) -> Posted | None:
        """Return the message at this timestamp, deleted ones included, or None."""
        return next((post for post in self.posts if post.channel == channel and post.ts == ts), None)

    def visible(self, channel: str, viewer: str | None) -> list[Posted]:
        """Return what is in a channel and not deleted; with a viewer, only what that person sees."""
        seen = {None, viewer}
        return [
            post
            for post in self.posts
            if post.channel == channel and not post.deleted and (viewer is None or post.ephemeral_for in seen)
        ]

    def direct_channel(self, user: str) -> Channel:
        """Return the direct messages between the bot and a person; they exist as soon as they are asked for."""
        channel_id = "D" + user.removeprefix("U")
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(channel_id, "directmessage", {user}, is_im=True)
        return self.channels[channel_id]

    def new_trigger(self, user: str) -> str:
        """Return a trigger_id for this person that opens one view within 3 seconds."""
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user, time.monotonic() + TRIGGER_SECONDS)
        return trigger_id

    def new_response_url(self, kind: str, channel: str, user: str, original: Posted | None = None) -> str:
        """Return a response_url; `kind` is "commands" or "actions"."""
        key = secrets.token_urlsafe(18)
        self.response_urls[key] = ResponseUrl(channel, user, original, time.monotonic() + RESPONSE_URL_SECONDS)
        return f"{self.base_url}{kind}/{TEAM}/{secrets.randbelow(10**12)}/{key}"

    def top_view(self, user: str) -> OpenView | None:
        """Return the modal that this person has in front, or None."""
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def view(self, view_id: str) -> OpenView | None:
        """Return an open modal or a published home tab by its id, or None."""
        stacks = [view for stack in self.modals.values() for view in stack]
        return next((view for view in [*stacks, *self.homes.values()] if view.id == view_id), None)


def named(blocks: list[Json]) -> list[Json]:
    """Give each block a block_id and each interactive element an action_id, as Slack does where the app gave none."""
    for block in blocks:
        block.setdefault("block_id", secrets.token_urlsafe(4))
    for _, element in elements_of(blocks):
        if element.get("type") != "image":
            element.setdefault("action_id", secrets.token_urlsafe(4))
    return blocks
