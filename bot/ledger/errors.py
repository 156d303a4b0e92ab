"""What can go wrong with the ledger. No I/O here.

TandemError
├── JournalDown
│   └── LedgerError     the ledger cannot be used: locked, full, read-only, gone, of a newer schema
├── LeaseLost           another process has taken the run over: stop at once
├── UsageError
│   └── UnknownRequest  there is no request with this id
└── Refused
    └── Busy            another change holds the target, or it is frozen
"""

from __future__ import annotations

from actions.kit.errors import JournalDown, Refused, TandemError, UsageError
from bot.render.words import quoted


class LedgerError(JournalDown):
    """The ledger cannot be used. Nothing that changes anything may start."""


class LeaseLost(TandemError):  # noqa: N818 -- Reads as what it is where it is caught.
    """Another process has taken the run over, or it has ended: do nothing more."""


class UnknownRequest(UsageError):  # noqa: N818 -- Reads as what it is where it is caught.
    """There is no request with this id; ``so`` is what to do, or why it is not there."""

    def __init__(self, request_id: str, so: str = "see what there is with /redis runs, or tandem runs") -> None:
        super().__init__(f"There is no request {quoted(request_id)}; {so}.")


class Busy(Refused):
    """Another change holds the target, or somebody has frozen it; says which or who, and since when."""
