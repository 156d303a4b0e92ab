"""Shows who sees whom: rows in which something contradicts first, what follows from it before who says what.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actions.kit.diagnosis.voice import Reach
from actions.kit.sights import Point, Sight
from actions.kit.vantage import Matrix, Row, listed
from bot.render.words import code, counted, mrkdwn

SLACK_ROWS, JSON_ROWS, JSON_NAMES = 6, 100, 10


def matrix_markup(seen: Matrix) -> str:
    """For Slack: the rows that want to be looked at, the worst first; one line where all agree."""
    worst = seen.worst_first
    if not worst:
        return f"*Who sees whom*: {all_agree(seen)}"
    lines = [f"{mark(row)} {code(str(row.address))} {mrkdwn(row.note, 200)}\n      {_told(row)}" for row in worst]
    left = left_out(seen, min(len(worst), SLACK_ROWS), "more in the thread")
    return "\n".join(["*Who sees whom*", *lines[:SLACK_ROWS], *left])


def matrix_lines(seen: Matrix) -> Iterator[str]:
    """Plain lines: every row that wants to be looked at, with everything that is said of it."""
    worst = seen.worst_first
    yield "Who sees whom:" if worst else f"Who sees whom: {all_agree(seen)}"
    for row in worst:
        yield f"{mark(row)} {row.address}: {row.note}"
        yield from (f"    {listed((one,))}: {one.words}" for one in row.sights)
    if worst:
        yield from left_out(seen, len(worst), "")


def matrix_json(seen: Matrix) -> dict[str, Any]:
    """For programs: all rows; of more than 100 those that want to be looked at. ``agreeing``: in how many all agree."""
    rows = seen.rows if len(seen.rows) <= JSON_ROWS else seen.worst_first
    return {
        "points": [point.value for point in seen.points],
        "agreeing": sum(not row.weight for row in seen.rows),
        "rows": [_row_json(row) for row in rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "address": str(row.address),
        "kind": "sentinel" if row.is_sentinel else "node",
        "contradicted": row.contradicted,
        "note": row.note,
        "sights": [
            {
                "point": one.point.value,
                "by": [str(name) for name in one.by[:JSON_NAMES]],
                "count": len(one.by),
                "reach": one.reach.name.lower(),
                "says": one.words,
                "role": one.role.value if one.role else None,
            }
            for one in row.sights
        ],
    }


def all_agree(seen: Matrix) -> str:
    """That nothing contradicts, and of whom."""
    sentinels = sum(row.is_sentinel for row in seen.rows)
    about = [counted(len(seen.rows) - sentinels, "node"), *([counted(sentinels, "Sentinel")] if sentinels else [])]
    return f"nothing contradicts, of {' and '.join(about)}"


def left_out(seen: Matrix, shown: int, beyond: str) -> Iterator[str]:
    """What is not shown: rows that want to be looked at, and those in which all agree."""
    more, agreeing = len(seen.worst_first) - shown, sum(not row.weight for row in seen.rows)
    if more > 0:
        yield f"… {more:,} {beyond}"
    if agreeing:
        who = "nodes and Sentinels" if any(row.is_sentinel for row in seen.rows) else "nodes"
        yield f"On {agreeing:,} of {len(seen.rows):,} {who} all agree."


def mark(row: Row) -> str:
    """``≠`` where something contradicts, ``✗`` where nobody reaches it, else ``✓``."""
    return "\u2260" if row.contradicted else "\u2717" if row.weight else "\u2713"


def _told(row: Row) -> str:
    parts = ((point, cell(row.of(point))) for point in Point)
    return mrkdwn("; ".join(f"{point}: {cell}" for point, cell in parts if cell), 400)


def cell(sights: tuple[Sight, ...]) -> str:
    """What all vantage points of one kind say of one node: their words where there is one, else how many reach it."""
    everybody = {name for one in sights for name in one.by}
    if len(everybody) <= 1 or sights[0].point is Point.APPLICATION:
        return "; ".join(one.words for one in sights)
    yes, no = (_names(sights, reach) for reach in (Reach.YES, Reach.NO))
    if len(no) == len(everybody):
        return f"none of {len(no):,} reaches it"
    said = f"{len(yes):,} of {len(everybody):,} reach it"
    if no:
        said += f", not {', '.join(sorted(map(str, no)))}" if len(no) <= 2 else f", {len(no):,} do not"
    roles = {one.role for one in sights if one.role}
    return f"{said}, as {roles.pop()}" if len(roles) == 1 else said


def _names(sights: tuple[Sight, ...], reach: Reach) -> set[object]:
    return {name for one in sights if one.reach is reach for name in one.by}
