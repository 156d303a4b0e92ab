"""Phrases that every way out shares: durations, sizes, nearest words, and text from outside made harmless. No I/O here.

Whatever Redis, an alert or a person wrote goes through ``plain`` before a terminal shows it, and through ``mrkdwn``
or ``code`` before Slack does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NAME_LENGTH = 60
"""Characters of a name from outside that a message shows."""

TEXT_LENGTH = 1_000
"""Characters of a longer text from outside that a message shows."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""What moves the cursor, colours, hides or turns text round: control, format and bidirectional characters."""

_MARKUP = re.compile(r"(?<!\w)[*_~]|[*_~](?!\w)|`")
_EMOJI = re.compile(r":(?!(?!100:|1234:)\d+:)([\w+'-]+)(?=:)")
"""A number between colons is a port or a minute, but for the two that are emoji."""

_BRACKETS = str.maketrans("<>", "\u2039\u203a")
_LOOKALIKES = {"*": "\u2217", "_": "\uff3f", "~": "\u223c", "`": "\u02cb"}


def plain(text: str, limit: int = TEXT_LENGTH) -> str:
    r"""One line without anything that a terminal or a chat would obey, cut to ``limit`` characters.

    Spaces, tabs and line ends become one space; other control characters become visible, such as ``\x1b``.
    """
    one_line = re.sub(r"[ \t\r\n]+", " ", cut(text, limit))
    return cut(_UNSAFE.sub(_visible, one_line), limit)


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last one ``…`` where something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(text: str, limit: int = NAME_LENGTH) -> str:
    """A name from outside in quotes, for a sentence."""
    return f"'{plain(text, limit)}'"


def escape(text: str) -> str:
    """Slack's three: ``&``, ``<`` and ``>``. Enough against ``<!channel>`` and ``<@U…>``, not against ``*``."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(text: str, limit: int = TEXT_LENGTH) -> str:
    """Text from outside for a Slack text that is otherwise ours: no mention, link, markup or emoji comes of it.

    Slack's markup cannot be escaped, so ``*``, ``_``, ``~``, back-ticks and the colons of ``:emoji:`` become
    characters that look alike; an underscore within a word stays.
    """
    harmless = _MARKUP.sub(lambda match: _LOOKALIKES[match.group()], plain(text, limit))
    return escape(_without_emoji(harmless))


def bare(text: str, limit: int = NAME_LENGTH) -> str:
    """Text from outside for a headline, where Slack obeys emoji alone; nor does it look like a mention."""
    return _without_emoji(plain(text, limit)).translate(_BRACKETS)


def code(text: str, limit: int = NAME_LENGTH) -> str:
    """A name or an address in Slack's code style, where only ``&``, ``<``, ``>`` and back-ticks need care."""
    return f"`{escape(plain(text, limit).replace('`', _LOOKALIKES['`']))}`"


def duration(seconds: float) -> str:
    """``850 ms``, ``1.2 s``, ``42 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for large, name, small, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {name} {rest} {part}" if rest else f"{whole // large} {name}"
    return f"{whole} s"


def size(count: int | None) -> str:
    """``0 bytes``, ``812 bytes``, ``1.0 MiB``; ``unknown`` for ``None``."""
    if count is None:
        return "unknown"
    if count < 1024:
        return counted(count, "byte")
    amount, units = float(count), iter(("KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = "bytes"
    while amount >= 1024 and (larger := next(units, None)):
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}"


def counted(count: int, noun: str) -> str:
    """``1 node``, ``3 nodes``, ``2,000 keys``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: Iterable[str], joint: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} {joint} {last}" if first else last


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that this one was probably meant to be."""
    import difflib  # noqa: PLC0415 -- Only a mistake needs it, and the terminal starts often.

    return next(iter(difflib.get_close_matches(word[:NAME_LENGTH].lower(), list(known), n=1)), None)


def _visible(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def _without_emoji(text: str) -> str:
    return _EMOJI.sub("\ua789\\1", text)
