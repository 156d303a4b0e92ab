"""What the readings tell that happened: who fell silent and came back, was restarted, changed its role. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from actions.kit.charting import Occurrence
from actions.kit.charting.lines import grown
from actions.kit.charting.readings import Reading


def occurrences(readings: Mapping[str, Sequence[Reading]]) -> tuple[Occurrence, ...]:
    """All of it in the order of time; what stood at the first reading did not happen."""
    found = (Occurrence(at, node, what) for node, told in readings.items() for at, what in _of(told))
    return tuple(sorted(found, key=lambda one: (one.at, one.node)))


def _of(readings: Sequence[Reading]) -> Iterator[tuple[float, str]]:
    answered: Reading | None = None
    for before, after in pairwise((None, *readings)):
        if after is None:
            continue
        if after.silence:
            if before is not None and not before.silence:
                yield after.at, after.silence
            continue
        back = "answers again" if before is not None and before.silence else ""
        changes = [back, *_changes(answered, after)] if answered is not None else [back]
        if told := ", ".join(filter(None, changes)):
            yield after.at, told
        answered = after


def _changes(before: Reading, after: Reading) -> Iterator[str]:
    """Since it last answered."""
    fell = before.commands is not None and after.commands is not None and grown(before, after, _commands) is None
    if fell or (before.run and after.run and before.run != after.run):
        yield "was restarted"
    if before.role and after.role and before.role != after.role:
        yield f"{before.role} became {after.role}"


def _commands(reading: Reading) -> float | None:
    return reading.commands
