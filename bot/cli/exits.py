"""The terminal's exit codes, and which one a result deserves. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from actions.kit.action import Seen
from actions.kit.findings import Confidence, Diagnosis, FindingId, Severity

if TYPE_CHECKING:  # It brings the database's library, which most commands do without.
    from bot.ledger.records import Request


class Exit(IntEnum):
    """What a program learns without reading anything."""

    AS_IT_SHOULD_BE = 0
    FAILED = 1
    """The run or the check failed, or there is a fault."""
    USAGE = 2
    """The words or the settings are wrong."""
    REFUSED = 3
    WAITING = 4
    """For approval."""
    UNDETERMINED = 5


def exit_of_diagnosis(diagnosis: Diagnosis) -> Exit:
    """By the verdict: something to be informed of is no fault, and what is not known is not health."""
    verdict = diagnosis.verdict
    if verdict.id is FindingId.UNDETERMINED or verdict.confidence is Confidence.UNDETERMINED:
        return Exit.UNDETERMINED
    return Exit.FAILED if verdict.severity >= Severity.WARNING else Exit.AS_IT_SHOULD_BE


def exit_of_fleet(seen: Iterable[Seen | str]) -> Exit:
    """The worst of all targets: a fault before what is not known."""
    exits = {Exit.UNDETERMINED if isinstance(one, str) else exit_of_diagnosis(one.diagnosis) for one in seen}
    order = (Exit.FAILED, Exit.UNDETERMINED, Exit.AS_IT_SHOULD_BE)
    return next(one for one in order if one in exits)


def exit_of_checks(seen: Seen) -> Exit:
    """Whether every check passed."""
    return Exit.AS_IT_SHOULD_BE if all(check.ok for check in seen.checks) else Exit.FAILED


def exit_of_request(request: Request) -> Exit:
    """How a request stands: by its run, once it has one."""
    states = {
        "waiting": Exit.WAITING,
        "approved": Exit.UNDETERMINED,
        "running": Exit.UNDETERMINED,
        "done": Exit.AS_IT_SHOULD_BE,
        "undone": Exit.FAILED,
        "incomplete": Exit.FAILED,
        "asking": Exit.UNDETERMINED,
        "unsettled": Exit.UNDETERMINED,
    }
    return states.get(request.standing.value, Exit.REFUSED)
