"""``doctor`` in a terminal: a table of what was found, what is amiss first. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bot.checkup.checks import Check, State
from bot.render.words import counted, plain

_ORDER = (State.FAULT, State.UNKNOWN, State.WARNING, State.OK)
_STYLES = {State.FAULT: "bold red", State.UNKNOWN: "yellow", State.WARNING: "yellow", State.OK: "green"}
_MOST = 1_000


def table(checks: Sequence[Check]) -> Group:
    """Every check, the faults first, and a last line that counts them."""
    rows = Table(box=None, pad_edge=False, show_header=False)
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_column()
    for check in sorted(checks, key=lambda one: _ORDER.index(one.state)):
        said = plain(check.said, _MOST)
        do = Text(f"\n{plain(check.do, _MOST)}", style="dim") if check.do and check.state is not State.OK else Text()
        rows.add_row(Text(check.state, style=_STYLES[check.state]), plain(check.about, 80), Text(said) + do)
    return Group(rows, Text(""), Text(_counted(checks)))


def _counted(checks: Sequence[Check]) -> str:
    amiss = {state: sum(check.state is state for check in checks) for state in _ORDER[:-1]}
    if not any(amiss.values()):
        return f"All {counted(len(checks), 'check')} are as they should be. Nothing was changed."
    words = {State.FAULT: "fault", State.WARNING: "warning"}
    said = ", ".join(
        counted(number, words[state]) if state in words else f"{number} unknown"
        for state, number in amiss.items()
        if number
    )
    return f"{counted(len(checks), 'check')}: {said}. Nothing was changed."
