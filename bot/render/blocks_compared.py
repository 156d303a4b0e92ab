"""Shows in Slack what a comparison of keys found: the counts to all, names to one person. No I/O here."""

from __future__ import annotations

from actions.kit.action import Seen
from bot.render.blocks import Block, Message, fit, preformatted, section
from bot.render.compared import comparison_lines, name_lines
from bot.render.words import mrkdwn


def comparison_blocks(seen: Seen) -> list[Block]:
    """The counts, for a channel: never a name."""
    lines = [f"• {mrkdwn(line)}" for line in comparison_lines(seen)]
    return [section("*Keys compared*\n" + "\n".join(lines))] if lines else []


def names_message(seen: Seen) -> Message:
    """The names, for the one person who may see them."""
    lines = list(name_lines(seen.comparisons))
    said = "Only you see these names." if lines else "There is no key that is not the same, and so no name."
    return fit(said, [section(said)], preformatted(lines)[:10])
