"""Builds Slack's blocks within Slack's limits, whatever is put into them. No I/O here.

Markup that is handed to these functions is escaped already (``bot.render.words``); what goes into ``preformatted`` and
``header`` is plain and needs no escaping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.render.words import mrkdwn, plain

_MENTION = re.compile(r"&lt;@([UW][A-Z0-9]+)&gt;")

Block = dict[str, Any]

MAX_BLOCKS = 50
MAX_TOTAL = 12_000
"""Characters of all texts of one message; Slack answers msg_blocks_too_long somewhat above."""
MAX_HEADER, MAX_SECTION, MAX_FIELD, MAX_FALLBACK = 150, 3_000, 2_000, 3_900
MAX_FIELDS, MAX_ACTIONS, MAX_BUTTON, MAX_VALUE = 10, 25, 75, 2_000
PREFORMATTED_CHUNK = 2_900
MAX_THREAD, MAX_LINE = 60_000, 2_000
"""Slack takes about one message a second: what is longer belongs elsewhere."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one message shows: the blocks, and the text for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file beside a message. ``title`` stands above it; ``alt`` is what a picture shows, in words."""

    name: str
    content: bytes
    title: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """A message, and what belongs into its thread; the files come last there."""

    message: Message
    thread: tuple[Message, ...] = ()
    files: tuple[File, ...] = ()


def header(text: str) -> Block:
    """A headline; plain text."""
    return {"type": "header", "text": {"type": "plain_text", "text": plain(text, MAX_HEADER), "emoji": True}}


def section(markup: str, accessory: Block | None = None) -> Block:
    """A paragraph of markup; what is too long is cut between two lines or words, so that no entity breaks."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": _cut_markup(markup, MAX_SECTION)}}
    return {**block, "accessory": accessory} if accessory else block


def fields(pairs: Iterable[tuple[str, str]]) -> list[Block]:
    """Label and markup, two columns, ten to a section."""
    cells = [
        {"type": "mrkdwn", "text": _cut_markup(f"*{label}*\n{markup or '-'}", MAX_FIELD)} for label, markup in pairs
    ]
    return [
        {"type": "section", "fields": cells[at : at + MAX_FIELDS]}  # Slack takes no empty list.
        for at in range(0, len(cells), MAX_FIELDS)
    ]


def context(*markups: str) -> Block:
    """A small grey line."""
    shown = [{"type": "mrkdwn", "text": _cut_markup(markup, MAX_FIELD)} for markup in markups[:10] if markup]
    return {"type": "context", "elements": shown}


def button(text: str, action_id: str, value: str, style: str | None = None) -> Block:
    """A button; ``style`` is ``primary`` or ``danger``. A value that is too long is a mistake of the caller."""
    if len(value) > MAX_VALUE:
        raise ValueError(f"The value of the button {text!r} has {len(value)} characters.")
    shown: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": plain(text, MAX_BUTTON), "emoji": True},
        "action_id": action_id,
        "value": value,
    }
    return {**shown, "style": style} if style else shown


def actions(elements: Sequence[Block], block_id: str | None = None) -> list[Block]:
    """A row of buttons and menus; nothing where there are none."""
    if not elements:
        return []
    block: Block = {"type": "actions", "elements": list(elements[:MAX_ACTIONS])}
    return [{**block, "block_id": block_id} if block_id else block]


def preformatted(lines: Iterable[str]) -> list[Block]:
    """Lines as they stand, in a fixed-width font; nothing in them is markup. Long ones go on in further blocks."""
    return [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": chunk}]}],
        }
        for chunk in _chunks(lines)
    ]


def fit(text: str, head: Sequence[Block], middle: Sequence[Block] = (), tail: Sequence[Block] = ()) -> Message:
    """A message within Slack's limits: head and tail stay, the middle is cut and says how much is left out."""
    room = MAX_BLOCKS - len(head) - len(tail) - 1
    budget = MAX_TOTAL - sum(map(_length, (*head, *tail)))
    kept: list[Block] = []
    for block in middle:
        budget -= _length(block)
        if budget < 0 or len(kept) >= room:
            kept.append(context(f"… {len(middle) - len(kept)} more in the thread"))
            break
        kept.append(block)
    return Message(_cut_markup(text, MAX_FALLBACK), (*head, *kept, *tail))


def thread_of(title: str, lines: Sequence[str]) -> tuple[Message, ...]:
    """Raw lines as messages of a thread, up to ``MAX_THREAD`` characters; the last line says what is left out."""
    kept, room = 0, MAX_THREAD
    while kept < len(lines) and room > 0:
        room -= min(len(lines[kept]), MAX_LINE) + 1
        kept += 1
    left = [f"… {len(lines) - kept} more lines"] if kept < len(lines) else []
    chunks = preformatted([line[:MAX_LINE] for line in lines[:kept]] + left)
    per_message = MAX_TOTAL // PREFORMATTED_CHUNK
    return tuple(
        Message(title, (section(title), *chunks[at : at + per_message])) for at in range(0, len(chunks), per_message)
    )


def notice(markup: str) -> Message:
    """One paragraph."""
    return Message(_cut_markup(markup, MAX_FALLBACK), (section(markup),))


def spoken(sentence: str, limit: int = 1_500) -> str:
    """A sentence of our own as markup; it may mention people (``<@U…>``), and nothing else in it is obeyed."""
    return _MENTION.sub(r"<@\1>", mrkdwn(sentence, limit))


def _chunks(lines: Iterable[str]) -> Iterable[str]:
    chunk = ""
    for raw in lines:
        for line in _pieces(" ".join(plain(word, MAX_TOTAL) for word in raw[:MAX_TOTAL].split(" "))):
            if chunk and len(chunk) + len(line) + 1 > PREFORMATTED_CHUNK:
                yield chunk
                chunk = ""
            chunk = f"{chunk}\n{line}" if chunk else line or " "
    if chunk:
        yield chunk


def _pieces(line: str) -> Iterable[str]:
    if not line:
        yield line
    for at in range(0, len(line), PREFORMATTED_CHUNK):
        yield line[at : at + PREFORMATTED_CHUNK]


def _cut_markup(markup: str, limit: int) -> str:
    """Cut at a line's or word's end, so that neither an entity nor an emphasis is left open in the middle of it."""
    if len(markup) <= limit:
        return markup
    short = markup[: limit - 2]
    end = max(short.rfind("\n"), short.rfind(" "))
    if end < limit // 2:
        amp = short.rfind("&")
        end = amp if amp >= 0 and ";" not in short[amp:] else len(short)
    short = short[:end]
    return short + ("`" if short.count("`") % 2 else "") + "…"


def _length(block: Any) -> int:
    """All characters that a block shows."""
    if isinstance(block, str):
        return len(block)
    if isinstance(block, dict):
        return sum(_length(value) for key, value in block.items() if key != "type")
    return sum(map(_length, block)) if isinstance(block, list) else 0
