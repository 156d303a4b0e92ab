"""Three judges of what Slack would take: the published JSON schemas, slack_sdk's own models, the local Slack."""

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft7Validator
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.render.blocks import Message, Screen
from sandbox.slack.blockkit import problems_in_message, problems_in_view

SCHEMAS = Path(__file__).parents[2] / "schemas"


@cache
def schema(name: str) -> Draft7Validator:
    return Draft7Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


def accepted(shown: Message | Screen) -> str:
    """Let all judges see it; returns every text in it, as JSON."""
    messages = [shown] if isinstance(shown, Message) else [shown.message, *shown.thread]
    for message in messages:
        blocks = list(message.blocks)
        assert 0 < len(message.text) <= 4_000
        assert problems_in_message(blocks) == []
        assert [error.message for error in schema("MessageBlocks").iter_errors(blocks)] == []
        for block in Block.parse_all(blocks):
            block.validate_json()
    return json.dumps([[one.text, *one.blocks] for one in messages], ensure_ascii=False)


def accepted_view(view: dict[str, object]) -> str:
    """The same for a modal or a home tab."""
    assert problems_in_view(view) == []
    name = "Modal" if view["type"] == "modal" else "Home"
    assert [error.message for error in schema(name).iter_errors(view)] == []
    View(**view).validate_json()
    return json.dumps(view, ensure_ascii=False)
