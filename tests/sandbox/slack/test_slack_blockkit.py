"""Our Block Kit rules against the JSON schemas made from Slack's own TypeScript types, and the limits beside them."""

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from slack_sdk.models.blocks import Block

from sandbox.slack.blockkit import problems_in_message, problems_in_view

SCHEMAS = Path(__file__).parents[2] / "schemas"
MESSAGE, MODAL, HOME = (
    Draft7Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8")))
    for name in ("MessageBlocks", "Modal", "Home")
)


def plain(text: str = "text") -> dict:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str = "*text*") -> dict:
    return {"type": "mrkdwn", "text": text}


def option(value: str = "a") -> dict:
    return {"text": plain(value), "value": value}


def button(**more: object) -> dict:
    return {"type": "button", "action_id": "go", "text": plain("Go"), **more}


def leaf(kind: str, **more: object) -> dict:
    return {"type": kind, **more}


CONFIRM = {"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain(), "style": "danger"}
ELEMENTS = [
    button(style="primary", value="v", confirm=CONFIRM, url="https://example.com/", accessibility_label="go"),
    {"type": "static_select", "action_id": "s", "placeholder": plain(), "options": [option()]},
    {"type": "static_select", "option_groups": [{"label": plain(), "options": [option()]}], "initial_option": option()},
    {"type": "multi_static_select", "action_id": "m", "options": [option()], "max_selected_items": 2},
    {"type": "users_select", "action_id": "u", "initial_user": "U0LEAD"},
    {"type": "channels_select", "action_id": "c"},
    {"type": "conversations_select", "action_id": "c"},
    {"type": "radio_buttons", "action_id": "r", "options": [{"text": mrkdwn(), "value": "a", "description": plain()}]},
    {"type": "checkboxes", "action_id": "c", "options": [option()], "initial_options": [option()]},
    {"type": "datepicker", "action_id": "d", "initial_date": "2024-01-31"},
    {"type": "timepicker", "action_id": "t", "initial_time": "10:56"},
]
OVERFLOW = {"type": "overflow", "action_id": "o", "options": [option(), option("b")]}
TEXT_INPUTS = [
    {"type": "plain_text_input", "action_id": "p", "multiline": True, "min_length": 1, "max_length": 9},
    {"type": "number_input", "action_id": "n", "is_decimal_allowed": False, "min_value": "0"},
    {"type": "email_text_input", "action_id": "e", "placeholder": plain()},
    {"type": "url_text_input", "action_id": "u", "focus_on_load": True},
]
RICH = {
    "type": "rich_text",
    "elements": [
        leaf(
            "rich_text_section",
            elements=[
                leaf("text", text="x", style={"bold": True, "code": True}),
                leaf("link", url="https://example.com/", text="x"),
                leaf("user", user_id="U0LEAD"),
                leaf("usergroup", usergroup_id="S0REDISOPS"),
                leaf("channel", channel_id="C0INCIDENT"),
                leaf("emoji", name="x"),
                leaf("broadcast", range="here"),
                leaf("date", timestamp=1, format="{date}"),
            ],
        ),
        leaf("rich_text_preformatted", elements=[leaf("text", text="INFO")], border=0),
        leaf("rich_text_quote", elements=[leaf("text", text="x")]),
        leaf(
            "rich_text_list",
            style="ordered",
            indent=1,
            elements=[leaf("rich_text_section", elements=[leaf("text", text="x")])],
        ),
    ],
}
ANYWHERE = [
    {"type": "header", "text": plain()},
    {"type": "divider", "block_id": "d"},
    {"type": "section", "text": mrkdwn(), "accessory": {"type": "image", "image_url": "https://x/", "alt_text": "x"}},
    {"type": "section", "fields": [mrkdwn(), plain()], "expand": True},
    {
        "type": "context",
        "elements": [mrkdwn(), plain(), {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "x"}],
    },
    {"type": "image", "image_url": "https://x/", "alt_text": "x", "title": plain()},
    RICH,
    *({"type": "actions", "elements": [element]} for element in [*ELEMENTS, OVERFLOW]),
    *({"type": "section", "text": plain(), "accessory": element} for element in [*ELEMENTS, OVERFLOW]),
    *(
        {"type": "input", "label": plain(), "element": element, "optional": True, "hint": plain()}
        for element in [*ELEMENTS[1:], *TEXT_INPUTS]
    ),
]
ONLY_MESSAGES = [
    {"type": "markdown", "text": "**x**"},
    {
        "type": "table",
        "rows": [[leaf("raw_text", text="a"), leaf("raw_number", text="1", value=1), RICH]],
        "column_settings": [{"align": "right", "is_wrapped": True}],
    },
]
WRONG_SHAPES = [
    {"type": "heading", "text": plain()},
    {"text": plain()},
    {"type": "header", "text": mrkdwn()},
    {"type": "header"},
    {"type": "header", "text": plain(), "style": "big"},
    {"type": "section", "text": "text"},
    {"type": "section", "text": {"type": "plain_text", "text": "x", "verbatim": True}},
    {"type": "section", "text": mrkdwn(), "accessory": [button()]},
    {"type": "actions", "elements": [button(style="default")]},
    {"type": "actions", "elements": [button(text=mrkdwn())]},
    {"type": "actions", "elements": [button(value=7)]},
    {"type": "actions", "elements": [button(confirm={"title": plain()})]},
    {"type": "actions", "elements": [button(tooltip="x")]},
    {"type": "actions", "elements": [TEXT_INPUTS[0]]},
    {"type": "actions", "elements": button()},
    {"type": "actions", "elements": [{"type": "radio_buttons", "action_id": "r"}]},
    {"type": "actions", "elements": [{**ELEMENTS[1], "options": [{"text": mrkdwn(), "value": "a"}]}]},
    {"type": "context", "elements": [button()]},
    {"type": "image", "image_url": "https://x/"},
    {"type": "image", "alt_text": "x"},
    {"type": "input", "label": mrkdwn(), "element": TEXT_INPUTS[0]},
    {"type": "input", "label": plain(), "element": button()},
    {"type": "rich_text", "elements": [leaf("text", text="x")]},
    {"type": "rich_text", "elements": [leaf("rich_text_preformatted", elements=[leaf("user", user_id="U1")])]},
    {"type": "rich_text", "elements": [leaf("rich_text_list", style="dots", elements=[])]},
    {"type": "table", "rows": [["a"]]},
    {"type": "divider", "block_id": 7},
]


@pytest.mark.parametrize("block", [*ANYWHERE, *ONLY_MESSAGES], ids=lambda block: block["type"])
def test_a_valid_block_is_valid_for_both(block: dict) -> None:
    assert list(MESSAGE.iter_errors([block])) == []
    assert problems_in_message([block]) == []


@pytest.mark.parametrize("block", WRONG_SHAPES, ids=json.dumps)
def test_a_wrong_shape_is_wrong_for_both(block: dict) -> None:
    assert list(MESSAGE.iter_errors([block]))
    found = problems_in_message([block])
    assert found
    assert all(line.startswith("[ERROR] ") and "[json-pointer:/blocks" in line for line in found)


@pytest.mark.parametrize("block", ANYWHERE, ids=lambda block: block["type"])
def test_each_block_of_the_sdk_survives_its_own_model(block: dict) -> None:
    """slack_sdk's models parse what we accept, and write it out as we accept it."""
    parsed = Block.parse(copy.deepcopy(block))
    assert parsed is not None
    assert problems_in_message([parsed.to_dict()]) == []


@pytest.mark.parametrize("block", ANYWHERE, ids=lambda block: block["type"])
def test_views_take_the_same_blocks(block: dict) -> None:
    modal = {"type": "modal", "title": plain(), "submit": plain(), "blocks": [block]}
    home = {"type": "home", "blocks": [block]}
    assert list(MODAL.iter_errors(modal)) == []
    assert list(HOME.iter_errors(home)) == []
    assert problems_in_view(modal) == []
    assert problems_in_view(home) == []


@pytest.mark.parametrize(
    "view",
    [
        {"type": "modal", "blocks": []},
        {"type": "modal", "title": mrkdwn(), "blocks": []},
        {"type": "modal", "title": plain(), "blocks": [], "color": "red"},
        {"type": "home", "blocks": [], "title": plain()},
        {"type": "home"},
        {"type": "popup", "blocks": []},
    ],
    ids=json.dumps,
)
def test_a_wrong_view_is_wrong_for_both(view: dict) -> None:
    schema = MODAL if view["type"] == "modal" else HOME
    assert list(schema.iter_errors(view))
    assert problems_in_view(view)


def test_an_alert_stands_in_a_modal_and_not_in_a_message() -> None:
    alert = {"type": "alert", "text": mrkdwn(), "level": "warning"}
    assert problems_in_view({"type": "modal", "title": plain(), "blocks": [alert]}) == []
    assert problems_in_message([alert]) == ["[ERROR] unsupported type: alert [json-pointer:/blocks/0]"]


LIMITS = [
    (150, lambda n: [{"type": "header", "text": plain("x" * n)}]),
    (3000, lambda n: [{"type": "section", "text": mrkdwn("x" * n)}]),
    (2000, lambda n: [{"type": "section", "fields": [mrkdwn("x" * n)]}]),
    (10, lambda n: [{"type": "section", "fields": [mrkdwn()] * n}]),
    (10, lambda n: [{"type": "context", "elements": [mrkdwn()] * n}]),
    (25, lambda n: [{"type": "actions", "elements": [button(action_id=f"a{i}") for i in range(n)]}]),
    (75, lambda n: [{"type": "actions", "elements": [button(text=plain("x" * n))]}]),
    (2000, lambda n: [{"type": "actions", "elements": [button(value="x" * n)]}]),
    (255, lambda n: [{"type": "actions", "elements": [button(action_id="x" * n)]}]),
    (255, lambda n: [{"type": "divider", "block_id": "x" * n}]),
    (300, lambda n: [{"type": "actions", "elements": [button(confirm={**CONFIRM, "text": mrkdwn("x" * n)})]}]),
    (100, lambda n: [{"type": "actions", "elements": [button(confirm={**CONFIRM, "title": plain("x" * n)})]}]),
    (30, lambda n: [{"type": "actions", "elements": [button(confirm={**CONFIRM, "deny": plain("x" * n)})]}]),
    (75, lambda n: [{"type": "actions", "elements": [{**ELEMENTS[1], "options": [option("x" * n)]}]}]),
    (100, lambda n: [{"type": "actions", "elements": [{**ELEMENTS[1], "options": [option()] * n}]}]),
    (10, lambda n: [{"type": "actions", "elements": [{**ELEMENTS[8], "options": [option()] * n}]}]),
    (5, lambda n: [{"type": "actions", "elements": [{**OVERFLOW, "options": [option()] * n}]}]),
    (2000, lambda n: [{"type": "image", "image_url": "https://x/", "alt_text": "x" * n}]),
    (50, lambda n: [{"type": "divider"}] * n),
]


@pytest.mark.parametrize(("limit", "blocks"), LIMITS)
def test_the_length_limits(limit: int, blocks) -> None:
    assert problems_in_message(blocks(limit)) == []
    assert problems_in_message(blocks(limit + 1))
    assert list(MESSAGE.iter_errors(blocks(limit + 1))) == [], "the schema knows no lengths: this is ours alone"


@pytest.mark.parametrize(
    ("limit", "view"),
    [
        (24, lambda n: {"type": "modal", "title": plain("x" * n), "blocks": []}),
        (24, lambda n: {"type": "modal", "title": plain(), "submit": plain("x" * n), "blocks": []}),
        (3000, lambda n: {"type": "modal", "title": plain(), "private_metadata": "x" * n, "blocks": []}),
        (100, lambda n: {"type": "home", "blocks": [{"type": "divider"}] * n}),
    ],
)
def test_the_limits_of_views(limit: int, view) -> None:
    assert problems_in_view(view(limit)) == []
    assert problems_in_view(view(limit + 1))


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "section", "text": mrkdwn("")}],
        [{"type": "section"}],
        [{"type": "actions", "elements": []}],
        [{"type": "actions", "elements": [{"type": "static_select", "action_id": "s"}]}],
        [{"type": "actions", "elements": [{**ELEMENTS[1], "initial_option": option("other")}]}],
        [{"type": "actions", "elements": [button(), button()]}],
        [{"type": "divider", "block_id": "d"}, {"type": "divider", "block_id": "d"}],
        [{"type": "image", "image_url": "javascript:alert(1)", "alt_text": "x"}],
        [ONLY_MESSAGES[1], ONLY_MESSAGES[1]],
        "text",
        [None],
    ],
    ids=json.dumps,
)
def test_what_no_schema_says(blocks) -> None:
    assert problems_in_message(blocks)


def test_a_modal_with_an_input_needs_submit() -> None:
    view = {
        "type": "modal",
        "title": plain(),
        "blocks": [{"type": "input", "label": plain(), "element": TEXT_INPUTS[0]}],
    }
    assert "submit is required" in problems_in_view(view)[0]
