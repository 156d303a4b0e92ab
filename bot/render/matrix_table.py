"""Shows who sees whom in a terminal, a column for each kind of vantage points. No I/O here."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from actions.kit.vantage import Matrix
from bot.render.matrix import all_agree, cell, left_out, mark
from bot.render.words import plain

FEW_ROWS, MOST_ROWS = 12, 30
"""So many rows are shown whole; of more those that want to be looked at, up to so many."""

WHOLE = 24
"""An address of so many characters is not broken, also in 80 columns: it is read aloud and typed again."""


def matrix_table(seen: Matrix) -> Table:
    """All rows of a small target; of a large one those in which something contradicts, or that nobody reaches."""
    rows = seen.rows if len(seen.rows) <= FEW_ROWS else seen.worst_first[:MOST_ROWS]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", title_justify="left", title_style="bold")
    table.caption_justify = "left"
    table.title = "Who sees whom" + ("" if rows else f": {all_agree(seen)}")
    if rows:
        table.add_column("", no_wrap=len(max((str(row.address) for row in rows), key=len)) <= WHOLE, overflow="fold")
    for heading in (*(f"by {point}" for point in seen.points), "") if rows else ():
        table.add_column(heading, overflow="fold")
    for row in rows:
        style = "red" if row.weight else ""
        address = Text(f"{mark(row)} {plain(str(row.address), 80)}", style)
        cells = (Text(plain(cell(row.of(point)), 200)) for point in seen.points)
        table.add_row(address, *cells, Text(plain(row.note), style))
    if 0 < len(rows) < len(seen.rows):
        table.caption = "; ".join(left_out(seen, len(rows), "more"))
    return table
