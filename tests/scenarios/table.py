"""The table of a run: a line for each scenario."""

from collections.abc import Iterable

HEADING = ("", "scenario", "expected", "said", "seconds")
WIDTHS = (3, 56, 60, 70, 7)


def line(columns: Iterable[str]) -> str:
    """One line, each column as wide as most need."""
    return "  ".join(f"{text:<{width}}" for text, width in zip(columns, WIDTHS, strict=True)).rstrip() + "\n"
