"""Shows how an application connects: the snippets as they stand, and what is remarked beside them. No I/O here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actions.kit.findings import FindingId
from bot.render.words import plain

if TYPE_CHECKING:
    from actions.kit.action import Seen


def remark_lines(seen: Seen) -> list[str]:
    """What is amiss with the target, if anything is, and each remark."""
    connection, verdict = seen.connection, seen.diagnosis.verdict
    amiss = [verdict.summary] if verdict.id is not FindingId.HEALTHY else []
    return [plain(one) for one in (*amiss, *(connection.remarks if connection else ()))]


def connection_lines(seen: Seen) -> list[str]:
    """For a terminal and for a thread: each remark, then each snippet beneath its title."""
    connection = seen.connection
    if connection is None:
        return []
    lines = [f"- {line}" for line in remark_lines(seen)]
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
