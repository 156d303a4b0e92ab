"""One request's time line, from the audit alone, as Markdown for a post-mortem and as JSON. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.render import timeline_words as words
from bot.render.audit import beginning
from bot.render.markdown import escape, table
from bot.render.timeline_words import Entry
from bot.render.words import counted, duration

if TYPE_CHECKING:  # It brings the database's library.
    from bot.ledger.chain import AuditCheck, AuditRow


def entries(rows: Sequence[AuditRow]) -> tuple[Entry, ...]:
    """The rows with their details read."""
    return tuple(Entry(row, _details(row.details)) for row in rows)


def markdown(request_id: str, rows: Sequence[AuditRow], check: AuditCheck) -> str:
    """What was asked for, how it ended, every row in order, the settings it changed, and whether the audit holds.

    Args:
        request_id: as the rows name it.
        rows: of the request and of its target meanwhile, the oldest first; at least one.
        check: what the verification of the whole audit found.
    """
    shown = entries(rows)
    own = tuple(one for one in shown if one.row.what == request_id)
    lines = [
        f"# {escape(f'{request_id}: {words.asked(own)}')}",
        "",
        *([f"> **The audit is not in order:** {escape(check.problem)}", ""] if check.problem else []),
        f"Outcome: {escape(words.outcome(own))}",
        "",
        "## Time line",
        "",
        *table(("Time (UTC)", "After", "Who", "What"), _timed(shown)),
        "",
        *_settings(own),
        f"From rows {rows[0].number} to {rows[-1].number} of the audit{_held(check)}.",
    ]
    return "\n".join(lines) + "\n"


def as_json(request_id: str, rows: Sequence[AuditRow], check: AuditCheck) -> dict[str, Any]:
    """The same rows with their details, for a program."""
    return {
        "request": request_id,
        "audit": {
            "ok": check.problem is None,
            "rows": check.rows,
            "first": check.before + 1,
            "hash": check.hash,
            "problem": check.problem,
        },
        "entries": [
            {
                "number": one.row.number,
                "at": one.row.at,
                "kind": one.row.kind,
                "who": {"id": one.row.who_id, "name": one.row.who_name},
                "what": one.row.what,
                "details": one.details,
            }
            for one in entries(rows)
        ],
    }


def _details(text: str) -> dict[str, Any]:
    try:
        details = json.loads(text)
    except (ValueError, RecursionError):  # Somebody changed the row; it is shown as it is.
        details = text
    return details if isinstance(details, dict) else {"details": details}


def _timed(shown: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    first = words.moment(shown[0])
    begun: dict[object, Entry] = {}
    for one in shown:
        if one.row.kind == "step.began":
            begun[str(one.details.get("index"))] = one
        step = begun.get(str(one.details.get("index")))
        at = words.moment(one)
        yield (_clock(at) or one.row.at, _span(first, at), words.who(one), words.what(one, step))


def _settings(own: Sequence[Entry]) -> list[str]:
    changed = words.settings(own)
    if not changed:
        return []
    rows = [(one.node, one.name, one.old, one.new, _clock(one.back_at) or "never: it is still owed") for one in changed]
    heading = ["## Settings changed on the way", ""]
    return [*heading, *table(("Node", "Setting", "Was", "Set to", "Put back (UTC)"), rows), ""]


def _held(check: AuditCheck) -> str:
    if check.problem:
        return f", of which only the first {counted(check.rows, 'row')} are in order"
    return f", which is in order: {counted(check.rows, 'row')}{beginning(check)}, the last hash `{check.hash}`"


def _clock(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if at else ""


def _span(first: datetime | None, at: datetime | None) -> str:
    return duration(max((at - first).total_seconds(), 0)) if first and at else ""
