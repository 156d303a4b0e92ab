"""What a step tells: a sentence for people, and where programs want it, the same as values. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self


class Note(str):
    """A sentence that carries what it tells as values: ``results`` can be written as JSON, and has no key names.

    Whoever passes notes on needs to know only that it is a ``str``.
    """

    __slots__ = ("results",)

    results: Mapping[str, object]

    def __new__(cls, sentence: str, **results: object) -> Self:
        """The sentence and its values by name."""
        made = super().__new__(cls, sentence)
        made.results = results
        return made


def results_of(note: str) -> Mapping[str, object]:
    """The values of a note; none where it is a sentence alone."""
    return note.results if isinstance(note, Note) else {}
