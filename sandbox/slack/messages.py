"""Messages as the local Slack keeps them, and frozen copies that a test can hold and read. No I/O here."""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

_BROADCAST = re.compile(r"<!(channel|here|everyone)(?:\|[^>]*)?>")


@dataclass(frozen=True)
class Message:
    """A copy of one message at one moment; later edits do not change it.

    `ephemeral_for` is the user id of the only person who sees it, `edited` and `deleted` say what happened to it,
    `files` are the names of the shared files.
    """

    channel: str
    ts: str
    user: str
    text: str
    blocks: tuple[Json, ...]
    thread_ts: str | None
    ephemeral_for: str | None
    edited: bool
    deleted: bool
    files: tuple[str, ...]

    def plain(self) -> str:
        """Return the readable text of all blocks, one line an item; the text where there are no blocks."""
        lines = list(plain_lines(self.blocks)) if self.blocks else [self.text]
        return "\n".join([*(line for line in lines if line), *(f"(file {name})" for name in self.files)])

    def buttons(self) -> list[tuple[str, str, str]]:
        """Return (text, action_id, value) of each button, in the order of the screen."""
        return [
            (element["text"]["text"], element.get("action_id", ""), element.get("value", ""))
            for _, element in elements_of(self.blocks)
            if element.get("type") == "button"
        ]


@dataclass
class Posted:
    """One message in the store; `app_owned` messages are those that the bot may update and delete."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    ephemeral_for: str | None = None
    edited_ts: str | None = None
    deleted: bool = False
    files: list[str] = field(default_factory=list)
    file_names: list[str] = field(default_factory=list)
    app_owned: bool = False
    metadata: Json | None = None

    @property
    def replies_to(self) -> str | None:
        """The thread in which this is a reply; None for a message of the channel itself, a thread's first one too."""
        return self.thread_ts if self.thread_ts != self.ts else None

    def frozen(self) -> Message:
        """Return a copy that stays as it is now."""
        return Message(
            channel=self.channel,
            ts=self.ts,
            user=self.user,
            text=self.text,
            blocks=tuple(copy.deepcopy(self.blocks)),
            thread_ts=self.thread_ts,
            ephemeral_for=self.ephemeral_for,
            edited=self.edited_ts is not None,
            deleted=self.deleted,
            files=tuple(self.file_names),
        )


def elements_of(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield (block, interactive element) for each element of actions, inputs and accessories."""
    for block in blocks:
        if block.get("type") == "actions":
            yield from ((block, element) for element in block["elements"])
        if "accessory" in block:
            yield block, block["accessory"]
        if block.get("type") == "input":
            yield block, block["element"]


def plain_lines(blocks: Iterable[Json]) -> Iterator[str]:
    """Yield the text of the blocks as a person would read it, one line an item."""
    for block in blocks:
        kind = block.get("type")
        if kind == "divider":
            yield "---"
        elif kind == "context":
            yield " ".join(_text(element) for element in block["elements"])
        elif kind == "actions":
            yield " ".join(f"[{_text(element)}]" for element in block["elements"])
        elif kind == "rich_text":
            yield from (_rich(element) for element in block["elements"])
        elif kind == "table":
            yield from (" | ".join(_cell(cell) for cell in row) for row in block["rows"])
        else:
            yield from _block_lines(block)


def _block_lines(block: Json) -> Iterator[str]:
    for key in ("text", "label", "title"):
        if key in block:
            yield _text(block[key])
    yield from (_text(each) for each in block.get("fields", ()))
    if block["type"] == "image":
        yield f"(image: {block['alt_text']})"
    if "accessory" in block:
        yield f"[{_text(block['accessory'])}]"


def _cell(cell: Json) -> str:
    return " ".join(_rich(each) for each in cell["elements"]) if cell["type"] == "rich_text" else str(cell["text"])


def _rich(element: Json) -> str:
    if "elements" in element:
        joint = "\n" if element["type"] == "rich_text_list" else ""
        return joint.join(_rich(each) for each in element["elements"])
    kind = element["type"]
    if kind == "emoji":
        return f":{element['name']}:"
    if kind in {"user", "channel", "usergroup", "broadcast"}:
        return "@" + str(element.get("user_id") or element.get("channel_id") or element.get("range", ""))
    return str(element.get("text") or element.get("url") or element.get("fallback") or "")


def _text(part: Json | str) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") or part.get("placeholder") or part.get("alt_text") or part.get("type", "")
    return _text(text) if isinstance(text, dict) else str(text)


def broadcasts_in(text: str, blocks: Iterable[Json]) -> list[str]:
    """Return each <!channel>, <!here> and <!everyone> that Slack would turn into a notification of many people."""
    found = [match.group(0) for match in _BROADCAST.finditer(text)]
    for part in _walk(list(blocks)):
        if part.get("type") == "mrkdwn":
            found += [match.group(0) for match in _BROADCAST.finditer(str(part.get("text", "")))]
        if part.get("type") == "broadcast":
            found.append(f"<!{part['range']}>")
    return found


def _walk(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _walk(each)
