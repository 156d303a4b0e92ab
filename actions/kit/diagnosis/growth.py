"""What moved between two looks at a node, and how fast. No I/O here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from actions.kit.diagnosis.facts import Facts
from actions.kit.findings import Evidence
from actions.kit.snapshot import NodeInfo, NodeView


@dataclass(frozen=True, slots=True)
class Growth:
    """One number in two looks, ``seconds`` apart: more than 0, or ``None`` where their time is not known."""

    then: int
    now: int
    seconds: float | None

    @property
    def change(self) -> int:
        """By how much it grew; below 0 where it shrank."""
        return self.now - self.then

    @property
    def left_s(self) -> float | None:
        """After how many seconds it is 0 at this rate; ``None`` where it does not shrink, or the rate is not known."""
        return self.now * self.seconds / -self.change if self.seconds is not None and self.change < 0 else None

    def rate(self, unit: str) -> str:
        """How much in a second, whichever way it moves: ``490,196 bytes a second``; without a time the change alone."""
        if self.seconds is None:
            return f"{abs(self.change):,} {unit}"
        speed = abs(self.change) / self.seconds
        return f"{speed:,.0f} {unit} a second" if speed >= 10 or speed == int(speed) else f"{speed:.2g} {unit} a second"

    def evidence(self, who: str, what: str) -> Evidence:
        """That somebody was looked at twice, and what was seen."""
        apart = "" if self.seconds is None else f" {self.seconds:.1f} s apart"
        return Evidence(f"{who}, two looks{apart}", what)


def growth(facts: Facts, node: NodeView, read: Callable[[NodeInfo], int | None]) -> Growth | None:
    """A number of one node in both looks; ``None`` where it was not told twice by the same process."""
    before = facts.earlier(node)
    then = read(before.info) if before and before.info else None
    now = read(node.info) if node.info else None
    return None if then is None or now is None else Growth(then, now, between_s(facts))


def between_s(facts: Facts) -> float | None:
    """Seconds between the two looks; ``None`` where there was one only, or their time is not known."""
    then, now = facts.before.clock_s if facts.before else None, facts.snapshot.clock_s
    return now - then if then is not None and now is not None and now > then else None


def one_look(who: str, unknown: str) -> Evidence:
    """That somebody was looked at once only, and what this leaves open."""
    return Evidence(f"{who}, one look", f"{unknown} cannot be told from it")


def about(seconds: float) -> str:
    """A time that was reckoned from two looks: ``about 4 s``, ``about 3 min``, ``more than a day``."""
    if seconds >= 86_400:
        return "more than a day"
    for large, name in ((3_600, "h"), (60, "min")):
        if seconds >= 2 * large:
            return f"about {seconds / large:.0f} {name}"
    return f"about {max(1, round(seconds))} s"
