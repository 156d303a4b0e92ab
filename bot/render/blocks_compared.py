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
    said = "Only you see these names." if lines else _no_names(seen)
    return fit(said, [section(said)], preformatted(lines)[:10])


def _no_names(seen: Seen) -> str:
    """Why there is no name to be shown."""
    if not seen.comparisons:
        why = mrkdwn(seen.uncompared) or "`--compare` was not asked for."
        return f"There are no names, since keys were not compared: {why}"
    some = all(one.complete for one in seen.comparisons)
    of = "Every key was compared, and none" if some else "Not all keys were compared, and of those that were none"
    return f"{of} is known to be different or on one side only: there are no names."
