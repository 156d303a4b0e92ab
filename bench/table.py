"""Prints the comparisons as aligned tables that also read as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table under a heading, columns padded so that it reads in a terminal as well."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join([f"### {title}", "", line(head), line(["-" * width for width in widths]), *map(line, rows), ""])


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Minimum / median / maximum."""
    return " / ".join(f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values)))


def p99(values: Sequence[float]) -> float:
    """The 99th percentile, by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]


def verdict(*, met: bool) -> str:
    """How a goal's column ends."""
    return "met" if met else "missed"
