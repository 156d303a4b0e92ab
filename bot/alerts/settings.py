"""Reads what ``targets.yaml`` says of alerts: where those go that fit no target, which labels fit one, which links."""

from __future__ import annotations

from collections.abc import Mapping

from bot.alerts.links import LONGEST, Links, objection
from bot.marked import Field, Section
from bot.render.words import plain
from bot.rules import read_channel

_AT_TOP = ("channel", "links")
_OF_TARGET = ("labels", "links")
MOST_LINKS = 5


def read_default_channel(field: Field | None) -> str | None:
    """``alerts: {channel: C…}`` at the top.

    Raises:
        SettingsError: it is no channel's id, or there is neither a channel nor a link.
    """
    if field is None:
        return None
    section = field.section(*_AT_TOP)
    if section.get("channel") is None and section.get("links") is not None:
        return None
    return read_channel(section.need("channel", "alerts that fit no target go there"))


def read_links(general: Field | None, sections: Mapping[str, Section]) -> tuple[Links, dict[str, Links]]:
    """``alerts: {links: {Dashboard: https://…{target}…}}``: those for all, and each target's own, which go before them.

    Raises:
        SettingsError: one is no address of the web, or names what there is not.
    """
    for_all = _links(general.section(*_AT_TOP) if general else None)
    fields = {name: section.get("alerts") for name, section in sections.items()}
    own = {name: _links(field.section(*_OF_TARGET)) for name, field in fields.items() if field is not None}
    return for_all, own


def _links(section: Section | None) -> Links:
    field = section.get("links") if section is not None else None
    if field is None:
        return ()
    found = []
    for key, value in field.named():
        template = value.text()
        why = objection(template) if len(template) <= LONGEST else "is too long; a link has at most 500 characters."
        if why is not None:
            raise value.wrong(why)
        found.append((plain(str(key.node.value), 40), template))
    if not 0 < len(found) <= MOST_LINKS:
        raise field.wrong(f"has to name at least one link, and {MOST_LINKS} at most.")
    return tuple(found)


def read_labels(sections: Mapping[str, Section]) -> dict[str, Mapping[str, str]]:
    """``alerts: {labels: {…}}`` of each target: an alert with all of these labels is about it.

    Raises:
        SettingsError: there is no label, or two targets ask for the same.
    """
    found: dict[str, Mapping[str, str]] = {}
    for name, section in sections.items():
        field = section.get("alerts")
        if field is None:
            continue
        its_own = field.section(*_OF_TARGET)
        if its_own.get("labels") is None and its_own.get("links") is not None:
            continue
        labels = its_own.need("labels", "an alert with all of them is about this target")
        wanted = {str(key.node.value): value.text() for key, value in labels.named()}
        if not wanted:
            raise labels.wrong("is empty; name at least one label and its value.")
        other = next((other for other, theirs in found.items() if theirs == wanted), None)
        if other is not None:
            raise labels.wrong(f"are those of {other} too; an alert is about one target.")
        found[name] = wanted
    return found
