"""Draws what more targets cost: memory, processor and lateness, as one SVG that needs nothing to be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.alerts_many import Watched

WIDTH, HEIGHT, LEFT, TOP = 240, 170, 50, 40
_STYLE = "font-family:sans-serif;font-size:11px;fill:#24292f"

Panel = tuple[str, Callable[[Watched], float], float | None]
"""A title, what is shown, and the goal's line where there is one."""
PANELS: tuple[Panel, ...] = (
    ("MB at rest", lambda one: one.memory_mb, 250.0),
    ("of a core at rest", lambda one: one.cores, 0.25),
    ("ms to the prompt, 99 %", lambda one: one.p99_ms, None),
)


def draw(path: Path, grown: Sequence[Watched]) -> None:
    """Write the picture: a panel each, targets on a logarithmic axis, the goal as a broken line."""
    panels = "".join(_panel(number, panel, grown) for number, panel in enumerate(PANELS))
    width, height = len(PANELS) * (WIDTH + LEFT + 10) + 40, HEIGHT + TOP + 40
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" style="{_STYLE}">'
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    path.write_text(f"{head}\n{background}\n{panels}</svg>\n", encoding="utf-8")


def _panel(number: int, panel: Panel, grown: Sequence[Watched]) -> str:
    title, value, goal = panel
    left = number * (WIDTH + LEFT + 10) + LEFT
    most = 1.1 * max([*(value(one) for one in grown), goal or 0.0])
    low, high = (math.log10(size) for size in (grown[0].targets, grown[-1].targets))

    def x(one: Watched) -> float:
        return left + WIDTH * 0.92 * ((math.log10(one.targets) - low) / max(high - low, 1e-9)) + 8

    def y(height: float) -> float:
        return TOP + HEIGHT * (1 - height / most)

    line = " ".join(f"{x(one):.1f},{y(value(one)):.1f}" for one in grown)
    lines = [
        f'<text x="{left}" y="{TOP - 14}" style="font-weight:bold">{title}</text>',
        f'<path d="M{left},{TOP} V{TOP + HEIGHT} H{left + WIDTH}" stroke="#8c959f" fill="none"/>',
        f'<polyline points="{line}" stroke="#0969da" stroke-width="2" fill="none"/>',
    ]
    if goal is not None:
        at = y(goal)
        lines.append(f'<path d="M{left},{at:.1f} H{left + WIDTH}" stroke="#cf222e" stroke-dasharray="5 4"/>')
        lines.append(f'<text x="{left + WIDTH - 60}" y="{at - 4:.1f}" fill="#cf222e">goal {goal:g}</text>')
    for one in grown:
        shown = f"{value(one):,.0f}" if most > 10 else f"{value(one):.3f}"
        lines.append(f'<circle cx="{x(one):.1f}" cy="{y(value(one)):.1f}" r="3.5" fill="#0969da"/>')
        lines.append(f'<text x="{x(one) + 4:.1f}" y="{y(value(one)) - 6:.1f}">{shown}</text>')
        lines.append(f'<text x="{x(one):.1f}" y="{TOP + HEIGHT + 15}" text-anchor="middle">{one.targets:,}</text>')
    lines.append(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 32}" text-anchor="middle">targets</text>')
    return "\n".join(lines) + "\n"
