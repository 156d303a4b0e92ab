"""Links that ``targets.yaml`` adds to every incident: templates that name the target. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

LONGEST = 500
"""Characters of an address that a message shows as a link."""
PLACES = ("target", "group")
_PLACE = re.compile(r"\{([^{}]*)\}")

Links = tuple[tuple[str, str], ...]
"""A word and an address each."""


def is_web_address(url: object) -> bool:
    """Whether it leads to a host by http or https: nothing else becomes a link."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return False
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:  # Brackets that are not closed.
        return False


def objection(template: str) -> str | None:
    """What is wrong with a template, to be said after its name; ``None`` where nothing is."""
    unknown = next((place for place in _PLACE.findall(template) if place not in PLACES), None)
    if unknown is not None:
        return f"has a place {{{unknown[:40]}}}; there are {{target}} and {{group}}."
    if is_web_address(_PLACE.sub("x", template)):
        return None
    return "is no address of the web; it begins with https:// or http:// and names a host."


def filled(templates: Links, target: str | None, labels: Mapping[str, str]) -> Links:
    """The templates for an alert; those that name what is not known are left out.

    Args:
        templates: from the settings.
        target: what the alert is about.
        labels: its own: ``group`` is one of them, or else the target's name.
    """
    known = {"target": target, "group": labels.get("group") or target}

    def fill(template: str) -> str | None:
        if any(not known[place] for place in _PLACE.findall(template)):
            return None
        return _PLACE.sub(lambda place: quote(known[place[1]] or "", safe=""), template)

    return tuple((word, url) for word, template in templates if (url := fill(template)) is not None)


def added(own: Iterable[tuple[str, str]], more: Links) -> Links:
    """An alert's own links, and those of the settings for which it has none."""
    kept = tuple(own)
    words = {word for word, _ in kept}
    return (*kept, *(pair for pair in more if pair[0] not in words))
