"""Reads what ``targets.yaml`` says of alerts: where those go that fit no target, and which labels fit one."""

from __future__ import annotations

from collections.abc import Mapping

from bot.marked import Field, Section
from bot.rules import read_channel


def read_default_channel(field: Field | None) -> str | None:
    """``alerts: {channel: C…}`` at the top.

    Raises:
        SettingsError: it is no channel's id.
    """
    return (
        read_channel(field.section("channel").need("channel", "alerts that fit no target go there")) if field else None
    )


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
        labels = field.section("labels").need("labels", "an alert with all of them is about this target")
        wanted = {str(key.node.value): value.text() for key, value in labels.named()}
        if not wanted:
            raise labels.wrong("is empty; name at least one label and its value.")
        other = next((other for other, theirs in found.items() if theirs == wanted), None)
        if other is not None:
            raise labels.wrong(f"are those of {other} too; an alert is about one target.")
        found[name] = wanted
    return found
