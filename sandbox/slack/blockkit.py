"""Judges Block Kit as Slack does: shapes, lengths, what may stand where, unique ids. No I/O here.

Sources: docs.slack.dev/reference/block-kit (blocks, block elements, composition objects, views). Block types that
this table does not list are refused, also those that Slack knows: the bot has no use for them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.shapes import (
    Check,
    boolean,
    both,
    items,
    kind,
    number,
    one_of,
    problem,
    record,
    string,
    tagged,
    url,
)

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100


def _plain(longest: int, shortest: int = 1) -> Mapping[str, Check]:
    return kind("plain_text", {"text": string(longest, shortest)}, {"emoji": boolean})


def _mrkdwn(longest: int) -> Mapping[str, Check]:
    return kind("mrkdwn", {"text": string(longest, 1)}, {"verbatim": boolean})


def plain(longest: int) -> Check:
    """Accept a plain_text object of at most so many characters."""
    return tagged(_plain(longest))


def text(longest: int) -> Check:
    """Accept a plain_text or mrkdwn object of at most so many characters."""
    return tagged({**_plain(longest), **_mrkdwn(longest)})


STYLE = one_of("primary", "danger")
CONFIRM = record({"text": text(300)}, {"title": plain(100), "confirm": plain(30), "deny": plain(30), "style": STYLE})
OPTION = record({"text": plain(75)}, {"value": string(150, 1), "description": plain(75), "url": url})
RICH_OPTION = record({"text": text(75)}, {"value": string(150, 1), "description": plain(75), "url": url})
GROUP = record({"label": plain(75), "options": items(OPTION, 1, 100)})
ID = string(255, 1)
ACTION: Mapping[str, Check] = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean}
PLACEHOLDER: Mapping[str, Check] = {"placeholder": plain(150)}
DISPATCH = record({}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 1, 2)})
INPUT_KEYS: Mapping[str, Check] = {
    "action_id": ID,
    "focus_on_load": boolean,
    "dispatch_action_config": DISPATCH,
    **PLACEHOLDER,
}


def _options_or_groups(value: Mapping[str, Any], at: str) -> Iterator[str]:
    if ("options" in value) == ("option_groups" in value):
        yield problem("must have exactly one of options and option_groups", at)
        return
    groups = value.get("option_groups", [])
    options = value.get("options", []) + [option for group in groups for option in group["options"]]
    for initial in [value["initial_option"]] if "initial_option" in value else value.get("initial_options", []):
        if initial not in options:
            yield problem("initial option is not one of the options", at)


def _select(name: str, extra: Mapping[str, Check]) -> Mapping[str, Check]:
    choices = {"options": items(OPTION, 1, 100), "option_groups": items(GROUP, 1, 100)}
    return {name: both(kind(name, {}, {**ACTION, **PLACEHOLDER, **choices, **extra})[name], _options_or_groups)}


def _choice(name: str, extra: Mapping[str, Check]) -> Mapping[str, Check]:
    one = kind(name, {"options": items(RICH_OPTION, 1, 10)}, {**ACTION, **extra})
    return {name: both(one[name], _options_or_groups)}


BUTTON = kind(
    "button",
    {"text": plain(75)},
    {
        "action_id": ID,
        "url": url,
        "value": string(2000),
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
SELECTS: Mapping[str, Check] = {
    **_select("static_select", {"initial_option": OPTION}),
    **_select("multi_static_select", {"initial_options": items(OPTION, 1, 100), "max_selected_items": number(1, 100)}),
    **kind("users_select", {}, {**ACTION, **PLACEHOLDER, "initial_user": string(255)}),
    **kind("channels_select", {}, {**ACTION, **PLACEHOLDER, "initial_channel": string(255)}),
    **kind("conversations_select", {}, {**ACTION, **PLACEHOLDER, "initial_conversation": string(255)}),
}
CHOICES: Mapping[str, Check] = {
    **_choice("radio_buttons", {"initial_option": RICH_OPTION}),
    **_choice("checkboxes", {"initial_options": items(RICH_OPTION, 1, 10)}),
    **kind("datepicker", {}, {**ACTION, **PLACEHOLDER, "initial_date": string(10, 10)}),
    **kind("timepicker", {}, {**ACTION, **PLACEHOLDER, "initial_time": string(5, 5), "timezone": string(50)}),
}
OVERFLOW = kind("overflow", {"options": items(OPTION, 1, 5)}, {"action_id": ID, "confirm": CONFIRM})
TEXT_INPUTS: Mapping[str, Check] = {
    **kind(
        "plain_text_input",
        {},
        {
            **INPUT_KEYS,
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": number(0, 3000),
            "max_length": number(1, 3000),
        },
    ),
    **kind(
        "number_input",
        {"is_decimal_allowed": boolean},
        {**INPUT_KEYS, "initial_value": string(50), "min_value": string(50), "max_value": string(50)},
    ),
    **kind("email_text_input", {}, {**INPUT_KEYS, "initial_value": string(3000)}),
    **kind("url_text_input", {}, {**INPUT_KEYS, "initial_value": string(3000)}),
}
INTERACTIVE: Mapping[str, Check] = {**BUTTON, **SELECTS, **CHOICES, **OVERFLOW}


def _one_source(value: Mapping[str, Any], at: str) -> Iterator[str]:
    if ("image_url" in value) == ("slack_file" in value):
        yield problem("must have exactly one of image_url and slack_file", at)
    if "slack_file" in value and len(value["slack_file"]) != 1:
        yield problem("must have exactly one of id and url", f"{at}/slack_file")


def _image(extra: Mapping[str, Check]) -> Mapping[str, Check]:
    source = {"image_url": url, "slack_file": record({}, {"id": string(255, 1), "url": url})}
    return {"image": both(kind("image", {"alt_text": string(2000)}, {**source, **extra})["image"], _one_source)}


def _text_or_fields(value: Mapping[str, Any], at: str) -> Iterator[str]:
    if "text" not in value and "fields" not in value:
        yield problem("must have text or fields", at)


RICH_STYLE = record({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean))
LEAF: Mapping[str, Check] = {"style": RICH_STYLE}
RICH_TEXT: Mapping[str, Check] = kind("text", {"text": string(12_000, 1)}, LEAF)
RICH_LINK: Mapping[str, Check] = kind("link", {"url": url}, {**LEAF, "text": string(12_000), "unsafe": boolean})
RICH_LEAVES = tagged(
    {
        **RICH_TEXT,
        **RICH_LINK,
        **kind("user", {"user_id": ID}, LEAF),
        **kind("usergroup", {"usergroup_id": ID}, LEAF),
        **kind("channel", {"channel_id": ID}, LEAF),
        **kind("emoji", {"name": ID}, {**LEAF, "unicode": string(255), "url": url}),
        **kind("broadcast", {"range": one_of("here", "channel", "everyone")}, LEAF),
        **kind(
            "date",
            {"timestamp": number(0, 2**53), "format": string(255, 1)},
            {**LEAF, "fallback": string(3000), "url": url},
        ),
    }
)
BORDER: Mapping[str, Check] = {"border": one_of(0, 1)}
RICH_SECTION = kind("rich_text_section", {"elements": items(RICH_LEAVES, 0, 1000)})
RICH_PARTS = tagged(
    {
        **RICH_SECTION,
        **kind("rich_text_quote", {"elements": items(RICH_LEAVES, 0, 1000)}, BORDER),
        **kind("rich_text_preformatted", {"elements": items(tagged({**RICH_TEXT, **RICH_LINK}), 0, 1000)}, BORDER),
        **kind(
            "rich_text_list",
            {"elements": items(tagged(RICH_SECTION), 0, 1000), "style": one_of("bullet", "ordered")},
            {**BORDER, "indent": number(0, 8)},
        ),
    }
)
BLOCK_ID: Mapping[str, Check] = {"block_id": ID}
RICH_BLOCK = kind("rich_text", {"elements": items(RICH_PARTS, 0, 1000)}, BLOCK_ID)
CELL = tagged(
    {
        **RICH_BLOCK,
        **kind("raw_text", {"text": string(12_000, 1)}),
        **kind("raw_number", {"text": string(255, 1), "value": number(-(2**53), 2**53)}),
    }
)
COLUMN = record({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})
ANYWHERE: Mapping[str, Check] = {
    **kind("header", {"text": plain(150)}, BLOCK_ID),
    **kind("divider", {}, BLOCK_ID),
    "section": both(
        kind(
            "section",
            {},
            {
                **BLOCK_ID,
                "text": text(3000),
                "fields": items(text(2000), 1, 10),
                "expand": boolean,
                "accessory": tagged({**INTERACTIVE, **_image({})}),
            },
        )["section"],
        _text_or_fields,
    ),
    **kind(
        "context",
        {"elements": items(tagged({**_plain(3000), **_mrkdwn(3000), **_image({})}), 1, 10)},
        BLOCK_ID,
    ),
    **kind("actions", {"elements": items(tagged(INTERACTIVE), 1, 25)}, BLOCK_ID),
    **_image({**BLOCK_ID, "title": plain(2000)}),
    **RICH_BLOCK,
    **kind(
        "input",
        {"label": plain(2000), "element": tagged({**TEXT_INPUTS, **SELECTS, **CHOICES})},
        {**BLOCK_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
}
IN_MESSAGES: Mapping[str, Check] = {
    **ANYWHERE,
    **kind("markdown", {"text": string(12_000, 1)}, BLOCK_ID),
    **kind(
        "table",
        {"rows": items(items(CELL, 1, 20), 1, 100)},
        {**BLOCK_ID, "column_settings": items(COLUMN, 1, 20)},
    ),
}
IN_MODALS: Mapping[str, Check] = {
    **ANYWHERE,
    **kind(
        "alert",
        {"text": text(3000)},
        {**BLOCK_ID, "level": one_of("default", "info", "warning", "error", "success")},
    ),
}
VIEW_KEYS: Mapping[str, Check] = {
    "callback_id": ID,
    "external_id": ID,
    "private_metadata": string(3000),
}
MODAL = record(
    {"type": one_of("modal"), "title": plain(24), "blocks": items(tagged(IN_MODALS), 0, VIEW_BLOCKS)},
    {**VIEW_KEYS, "submit": plain(24), "close": plain(24), "clear_on_close": boolean, "notify_on_close": boolean},
)
HOME = record({"type": one_of("home"), "blocks": items(tagged(ANYWHERE), 0, VIEW_BLOCKS)}, VIEW_KEYS)


def problems_in_message(blocks: Any) -> list[str]:
    """Return what Slack would say against these blocks of a message; empty where they are valid."""
    found = list(items(tagged(IN_MESSAGES), 0, MESSAGE_BLOCKS)(blocks, "/blocks"))
    return found or [*_duplicates(blocks, "/blocks"), *_one_table(blocks)]


def problems_in_view(view: Any) -> list[str]:
    """Return what Slack would say against a modal or home tab; empty where it is valid."""
    shape = MODAL if isinstance(view, dict) and view.get("type") == "modal" else HOME
    found = list(shape(view, "/view"))
    if found:
        return found
    if view["type"] == "modal" and "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        return [problem("submit is required when an input block is within blocks", "/view")]
    return list(_duplicates(view["blocks"], "/view/blocks"))


def _one_table(blocks: list[dict[str, Any]]) -> Iterator[str]:
    if sum(block["type"] == "table" for block in blocks) > 1:
        yield problem("only one table allowed", "/blocks")


def _duplicates(blocks: list[dict[str, Any]], at: str) -> Iterator[str]:
    ids = Counter(block["block_id"] for block in blocks if "block_id" in block)
    yield from (problem(f"block_id {name} already exists", at) for name, times in ids.items() if times > 1)
    for index, block in enumerate(blocks):
        elements = [*block.get("elements", ()), block.get("accessory", {})] if block["type"] != "rich_text" else []
        actions = Counter(element["action_id"] for element in elements if "action_id" in element)
        for name, times in actions.items():
            if times > 1:
                yield problem(f"action_id {name} already exists", f"{at}/{index}")
