"""A reason why something is as it is, and how far that is proven. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from actions.kit.findings import Evidence


@dataclass(frozen=True, slots=True)
class Cause:
    """Why: as the end of a sentence, with what to do, and who says so. ``proven``: nothing else explains it."""

    words: str
    evidence: tuple[Evidence, ...] = ()
    proven: bool = False

    @property
    def sentence(self) -> str:
        """With how sure it is."""
        return self.words if self.proven else f"most likely {self.words}"
