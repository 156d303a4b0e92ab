"""Text from outside made harmless for Markdown. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.render.words import plain

_LONGEST = 10_000
"""Characters of one cell: a post-mortem is to hold all that was said, but not a whole log."""

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~#!&$]|(?<=:)/(?=/)|(?<=www)\.)", re.IGNORECASE)
"""What Markdown, or GitHub's, would obey in the middle of a line; also how a bare link begins."""

_MENTION = re.compile(r"@(?=\w)")


def escape(text: str) -> str:
    """One line that reads as the text does, and in which nothing is markup, a link, HTML or a mention."""
    return _MENTION.sub("\uff20", _MARKUP.sub(r"\\\1", plain(text, _LONGEST)))


def row(cells: Iterable[str]) -> str:
    """One line of a table; the cells are escaped here."""
    return f"| {' | '.join(map(escape, cells))} |"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The lines of a table; everything in it is escaped here."""
    titles = tuple(headings)
    return (row(titles), f"|{'---|' * len(titles)}", *map(row, rows))
