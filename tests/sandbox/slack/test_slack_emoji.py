"""The emoji of the bot's messages are drawn by the local Slack's page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "sandbox/slack/page/emoji.js").read_text()


def test_every_emoji_that_the_bot_writes_is_known_to_the_page() -> None:
    sources = [
        path.read_text()
        for package in ("render", "slack", "requests")
        for path in (ROOT / "bot" / package).glob("*.py")
    ]
    written = set(re.findall(r'[": ]:([a-z][a-z0-9_]+):[": {]', "\n".join(sources)))
    assert {"white_check_mark", "clock3", "ear"} <= written
    assert written - set(re.findall(r"(?<!\w)([a-z0-9_]+): [\[\"a-z]", PAGE)) == set()
