"""How long what people are given lasts. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """In seconds: ``approval_s`` is how long a request waits for it, ``token_s`` the most that a token can live."""

    approval_s: float = 900.0
    token_s: float = 43_200.0


USUAL = Terms()
