"""How long things may take or last, and who begins what they have approved. No I/O here."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from actions.kit.settlement import LOOKS_FOR_S


@dataclass(frozen=True, slots=True)
class Terms:
    """In seconds.

    ``approval_s``: how long a request waits for it. ``break_glass_s``: how long one without approval may take to begin.
    ``review_s``: after how long an open review is asked for again. ``token_s``: the most that a token can live.
    ``looks_for_s``: how long a run that was cut off is settled by looking before a person is asked.

    ``begins_at_once``: whether this process carries out what is approved in it, or leaves that to whoever takes it.
    """

    approval_s: float = 900.0
    break_glass_s: float = 120.0
    review_s: float = 86_400.0
    token_s: float = 43_200.0
    looks_for_s: float = LOOKS_FOR_S
    begins_at_once: bool = True

    @property
    def lasts_s(self) -> dict[str, float]:
        """What is given in seconds, by its name."""
        return {name: value for name, value in asdict(self).items() if name.endswith("_s")}


USUAL = Terms()
