"""Reads a ``prometheus`` block: where series of a target are kept, for its charts."""

from __future__ import annotations

import re

from actions.kit.prometheus_place import PrometheusPlace
from bot.access import read_credentials, read_tls, read_token
from bot.marked import Field, Section

_URL = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
PLACE = "{target}"
"""Stands for the target's name in the value of a label."""
_USUAL = (("group", PLACE),)
"""As the examples in deploy/prometheus have it."""


def read_prometheus(own: Field | None, for_all: Field | None, target: str) -> PrometheusPlace | None:
    """The place; ``None`` where none is set.

    Args:
        own: the target's block, which goes before the other one.
        for_all: the block at the top.
        target: the target's name.

    Raises:
        SettingsError: a key that is missing, unknown or wrong.
    """
    field = own or for_all
    if field is None:
        return None
    section = field.section("url", "labels", "auth", "token_file", "token_env", "tls")
    labels = _labels(section)
    if own is None and not any(PLACE in value for _, value in labels):
        raise section.fields["labels"].wrong(f"are those of all targets: put {PLACE} where its name stands.")
    if section.get("auth") and (section.get("token_file") or section.get("token_env")):
        raise field.wrong("has both auth and a token; keep one.")
    url = section.need("url", "it is where Prometheus is").matching(
        _URL, "an http:// or https:// address without a password"
    )
    return PrometheusPlace(
        url=url.rstrip("/"),
        labels=tuple((name, value.replace(PLACE, target)) for name, value in labels),
        auth=read_credentials(section.get("auth")),
        token=read_token(section),
        tls=read_tls(section.get("tls")),
    )


def _labels(section: Section) -> tuple[tuple[str, str], ...]:
    field = section.get("labels")
    if field is None:
        return _USUAL
    found = []
    for key, value in field.named():
        name = key.matching(_LABEL, "the name of a label")
        if name.startswith("__"):
            raise key.wrong("is a label of Prometheus' own; name one of yours.")
        found.append((name, value.text()))
    if not found:
        raise field.wrong("is empty; name at least one label and its value.")
    return tuple(found)
