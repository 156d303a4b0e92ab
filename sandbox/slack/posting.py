"""What the bot and the app's answers put on the screen: the rules that posting, updating and response_urls share."""

from typing import Any

from sandbox.slack.blockkit import problems_in_message
from sandbox.slack.messages import Json, Posted
from sandbox.slack.state import BOT_USER, World, named

MAX_TEXT = 4000


class SlackError(Exception):
    """An answer with `ok: false`: Slack's error code, and `response_metadata.messages` where it says more."""

    def __init__(self, error: str, *messages: str, **extra: str) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages
        self.extra = extra


def content(world: World, text: Any, blocks: Any) -> tuple[str, list[Json]]:
    """Return the checked text and blocks of a message; raises SlackError no_text, msg_too_long, invalid_blocks."""
    if text is not None and not isinstance(text, str):
        raise SlackError("invalid_arguments", "[ERROR] must provide a string [json-pointer:/text]")
    if not text and not blocks:
        raise SlackError("no_text")
    if text and len(text) > MAX_TEXT:
        raise SlackError("msg_too_long")
    if not blocks:
        return text or "", []
    found = problems_in_message(blocks) or list(_unknown_files(world, blocks))
    if found:
        raise SlackError("invalid_blocks", *found)
    return text or "", blocks


def _unknown_files(world: World, blocks: list[Json]) -> list[str]:
    ids = [block["slack_file"].get("id") for block in blocks if "slack_file" in block]
    return [f"[ERROR] invalid slack file {each} [json-pointer:/blocks]" for each in ids if each not in world.files]


def post_as_bot(
    world: World,
    channel: str,
    text: str,
    blocks: list[Json],
    *,
    thread_ts: str | None = None,
    only_for: str | None = None,
) -> Posted:
    """Post as the bot, to everybody or only for one person."""
    message = Posted(
        channel=channel,
        ts=world.next_ts(),
        user=BOT_USER,
        text=text,
        blocks=blocks,
        thread_ts=thread_ts,
        ephemeral_for=only_for,
        app_owned=True,
    )
    return world.post(message)


def replace(world: World, message: Posted, text: str, blocks: list[Json]) -> None:
    """Change a message in place; blocks that are left out are gone, as with Slack."""
    message.text, message.edited_ts = text, world.next_ts()
    message.blocks = named(blocks)
    world.note_broadcasts(message)
    world.changed()
