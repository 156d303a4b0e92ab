"""Shows how an application connects: the snippets as they stand, and what is remarked beside them. No I/O here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.render.words import plain

if TYPE_CHECKING:
    from actions.kit.action import Seen


def connection_lines(seen: Seen) -> list[str]:
    """For a terminal and for a thread: each remark, then each snippet beneath its title."""
    connection = seen.connection
    if connection is None:
        return []
    lines = [f"- {plain(remark)}" for remark in connection.remarks]
    for snippet in connection.snippets:
        lines += ["", f"## {snippet.title} (--client {snippet.client})", "", *snippet.text.splitlines()]
    return lines


def connection_json(seen: Seen) -> dict[str, Any]:
    """The same for programs."""
    connection = seen.connection
    snippets = connection.snippets if connection else ()
    return {
        "remarks": list(connection.remarks) if connection else [],
        "snippets": [{"client": one.client, "title": one.title, "text": one.text} for one in snippets],
    }
