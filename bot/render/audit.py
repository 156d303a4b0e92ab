"""What the check of the audit found, for a person and for a program. No I/O here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.render.words import counted

if TYPE_CHECKING:  # It brings the database's library.
    from bot.ledger.chain import AuditCheck

_CUT_OFF = "Rows cut off at the end show only where this hash is noted elsewhere and compared:"


def check_text(check: AuditCheck) -> str:
    """The problem, or that there is none; how far it goes, and the hash to note."""
    if check.problem:
        are = "is" if check.rows == 1 else "are"
        return f"{check.problem}\n{counted(check.rows, 'row')} {are} in order before that, up to the hash {check.hash}."
    lines = [f"The audit is in order: {counted(check.rows, 'row')}{beginning(check)}.", f"Last hash: {check.hash}"]
    if check.noted_at is not None:
        lines.append(f"The hash that was noted is that of row {check.noted_at}; {_since(check)} since.")
    return "\n".join([*lines, _CUT_OFF, f"tandem audit verify --expect {check.hash}"])


def beginning(check: AuditCheck) -> str:
    """Where the rows begin, if that is not with the first one."""
    return f" from row {check.before + 1} on, which follows the hash {check.beginning}" if check.before else ""


def check_json(check: AuditCheck, source: str, noted: str | None) -> dict[str, Any]:
    """``rows`` are in order, from ``first`` up to ``hash``; ``problem`` is what is wrong with the one that follows."""
    return {
        "source": source,
        "ok": check.problem is None,
        "rows": check.rows,
        "first": check.before + 1,
        "hash": check.hash,
        "problem": check.problem,
        "expected": noted,
        "expected_at": check.noted_at,
    }


def _since(check: AuditCheck) -> str:
    added = check.last - (check.noted_at or 0)
    return f"{counted(added, 'row')} {'was' if added == 1 else 'were'} added"
