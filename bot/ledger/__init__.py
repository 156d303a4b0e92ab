"""Requests, decisions, runs, leases, debts and the audit: what has to survive the process."""

from bot.ledger.auditor import Auditor
from bot.ledger.chain import AuditCheck, AuditRow
from bot.ledger.errors import Busy, LeaseLost, LedgerError, UnknownRequest
from bot.ledger.freezes import Freezes
from bot.ledger.journal import LedgerJournal
from bot.ledger.ledger import Ledger
from bot.ledger.records import (
    ALL,
    TANDEM,
    UNKNOWN_STEP,
    Answered,
    Claim,
    Debt,
    Decided,
    Decision,
    Freeze,
    Lease,
    Origin,
    Person,
    Request,
    RequestState,
    Review,
    Run,
    RunState,
    StepRecord,
    Verdict,
)
from bot.ledger.requests import Ask
from bot.ledger.reviews import Reviews

__all__ = [
    "ALL",
    "TANDEM",
    "UNKNOWN_STEP",
    "Answered",
    "Ask",
    "AuditCheck",
    "AuditRow",
    "Auditor",
    "Busy",
    "Claim",
    "Debt",
    "Decided",
    "Decision",
    "Freeze",
    "Freezes",
    "Lease",
    "LeaseLost",
    "Ledger",
    "LedgerError",
    "LedgerJournal",
    "Origin",
    "Person",
    "Request",
    "RequestState",
    "Review",
    "Reviews",
    "Run",
    "RunState",
    "StepRecord",
    "UnknownRequest",
    "Verdict",
]
