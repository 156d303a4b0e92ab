"""The sentence for each kind of row in the audit. Nothing is escaped yet. No I/O here.

A row that somebody changed, or that another version wrote, may lack what its kind has: it is then shown as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.render.words import counted, duration

if TYPE_CHECKING:  # It brings the database's library.
    from bot.ledger.chain import AuditRow


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit and what its details say."""

    row: AuditRow
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that the run changed for a while. ``back_at``: when it was put back; ``None`` while it is owed."""

    node: str
    name: str
    old: str
    new: str
    back_at: datetime | None = None


def asked(own: Sequence[Entry]) -> str:
    """The action and the target, as a heading has them."""
    filed = next((one for one in own if one.row.kind == "request.filed"), None)
    return f"{filed.details.get('action')} {filed.details.get('target')}" if filed else "time line"


def outcome(own: Sequence[Entry]) -> str:
    """How the request stands, by the last row that decides it."""
    for one in reversed(own):
        kind, details = one.row.kind, one.details
        if kind in {"run.ended", "run.void", "request.expired", "request.refused"}:
            return what(one)
        if kind in {"request.deny", "request.withdrawn"} and details.get("counts") is True:
            return f"{who(one)} {what(one)}"
        if kind == "run.began":
            return "The run has not ended."
    return "The run has not begun."


def who(one: Entry) -> str:
    """The name and the id of who did it, from where, and whether Slack could be asked who they are."""
    if one.row.who_id == "tandem":
        return one.row.who_name
    where = " in a terminal" if one.details.get("origin") == "terminal" else ""
    as_of = one.details.get("as_slack_said_at")
    return f"{one.row.who_name} ({one.row.who_id}){where}{f', as Slack said at {as_of}' if as_of else ''}"


def moment(one: Entry) -> datetime | None:
    """When it was, if that can be read."""
    try:
        return datetime.fromisoformat(one.row.at).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def what(one: Entry, began: Entry | None = None) -> str:
    """What happened, as a sentence; ``began`` is where the step began that ends here."""
    try:
        if one.row.kind.startswith("step.ended"):
            return _step_ended(one, began)
        return _SENTENCES[one.row.kind](one.details)
    except (KeyError, TypeError, ValueError, AttributeError):
        return f"{one.row.kind}: {one.row.details}"


def settings(own: Sequence[Entry]) -> tuple[Setting, ...]:
    """Every setting that the run changed, in the order of the changes."""
    found: list[Setting] = []
    for one in own:
        if one.row.kind == "step.began":
            found += [new for new in _changes(one.details) if not any(map(_owes(new.node, new.name), found))]
        elif one.row.kind.startswith("debt.paid"):
            owes = _owes(one.details.get("node"), one.details.get("name"))
            found = [replace(old, back_at=moment(one)) if owes(old) else old for old in found]
    return tuple(found)


def _owes(node: object, name: object) -> Callable[[Setting], bool]:
    return lambda one: (one.node, one.name, one.back_at) == (node, name, None)


def _changes(details: dict[str, Any]) -> list[Setting]:
    try:
        return [Setting(str(node), str(name), str(old), str(new)) for node, name, new, old in details["changes"]]
    except (KeyError, TypeError, ValueError):
        return []


def _filed(details: dict[str, Any]) -> str:
    until = f"{datetime.fromisoformat(details['expires_at']).astimezone(UTC):%H:%M:%S}"
    needs = f"it needs {counted(details['approvals_needed'], 'approval')} until {until}"
    if details.get("break_glass") is True:
        needs = f"the glass is broken: it goes without approval, and has to begin by {until}"
    options = "".join(f" {name}={value}" for name, value in details["options"].items())
    return (
        f"asked for {details['action']} {details['target']}{options}; {needs}{_reason(details)}. "
        f"Fingerprint {details['fingerprint']}."
    )


def _decision(done: str, tried: str) -> Callable[[dict[str, Any]], str]:
    def sentence(details: dict[str, Any]) -> str:
        if details["counts"] is True:
            return f"{done} it{_reason(details)}."
        return f"tried to {tried} it, which does not count: {details['answer']}"

    return sentence


def _lock(done: str, tried: str) -> Callable[[dict[str, Any]], str]:
    def sentence(details: dict[str, Any]) -> str:
        if details["counts"] is True:
            return f"{done}{_reason(details)}."
        return f"tried to {tried}, which changed nothing. {details.get('answer', '')}".rstrip()

    return sentence


def _signed(details: dict[str, Any]) -> str:
    if details["counts"] is True:
        return f"signed the review: {details['note']}"
    return f"tried to sign the review, which does not count: {details['answer']}"


def _policy(details: dict[str, Any]) -> str:
    lines = [str(line) for line in details["difference"]]
    more = f"; and {len(lines) - 8} more" if len(lines) > 8 else ""
    return f"Started with other settings than before: {'; '.join(lines[:8])}{more}."


def _refused(details: dict[str, Any]) -> str:
    if "why" in details:
        return f"It was refused: {details['why']}"
    return f"asked for {details['action']} and was refused: {' '.join(details['reasons'])}"


def _step_began(details: dict[str, Any]) -> str:
    changes = "; ".join(f"{one.name} on {one.node} from {one.old!r} to {one.new!r}" for one in _changes(details))
    return f"Step {details['index'] + 1} began: {details['title']}." + (f" It changes {changes}." if changes else "")


def _step_ended(one: Entry, began: Entry | None) -> str:
    details = one.details
    title = f" ({began.details.get('title')})" if began else ""
    first, last = (moment(began) if began else None), moment(one)
    took = f" after {duration(max((last - first).total_seconds(), 0))}" if first and last else ""
    late = ", told by a process that had lost the run" if one.row.kind == "step.ended-late" else ""
    seen = f" Seen: {details['note']}" if details["note"] else ""
    return f"Step {details['index'] + 1}{title}: {details['state']}{took}{late}.{seen}"


def _run_ended(details: dict[str, Any]) -> str:
    return " ".join((f"The run ended: {details['outcome']}.", *details["failures"]))


def _claimed(details: dict[str, Any]) -> str:
    return f"{details['owner']} took the run over (epoch {details['epoch']})."


def _asked(details: dict[str, Any]) -> str:
    return " ".join(("The run asks what to do.", *details["seen"]))


def _answered(details: dict[str, Any]) -> str:
    given = str(details["given"]).replace("-", " ")
    if details["counts"] is True:
        return f"answered: {given}."
    return f"tried to answer {given}, which does not count: {details['answer']}"


def _paid(details: dict[str, Any]) -> str:
    note = f" {details['note']}" if details.get("note") else ""
    return (
        f"{details['name']} on {details['node']} is no longer owed; it was {details['value']!r} before the run.{note}"
    )


def _reason(details: dict[str, Any]) -> str:
    return f", with the reason: {details['reason']}" if details.get("reason") else ""


_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "request.filed": _filed,
    "request.approve": _decision("approved", "approve"),
    "request.deny": _decision("denied", "deny"),
    "request.withdrawn": _decision("withdrew", "withdraw"),
    "request.expired": lambda _: "It expired: its deadline passed before its run began.",
    "request.refused": _refused,
    "run.began": lambda details: f"The run began, in {details['owner']}.",
    "run.claimed": _claimed,
    "run.cancel": _decision("cancelled", "cancel"),
    "run.handed-over": lambda _: "Its process was stopped, and left it to another one.",
    "run.asked": _asked,
    "run.answered": _answered,
    "run.began-again": lambda details: f"Everything was put back, and the run began again, in {details['owner']}.",
    "step.began": _step_began,
    "run.ended": _run_ended,
    "run.void": lambda details: " ".join(("It is void, and nothing was done:", *details["failures"])),
    "target.freeze": _lock("froze the target", "freeze the target"),
    "target.thaw": _lock("thawed the target", "thaw the target"),
    "cooldown.lift": lambda details: f"ended the cooldown{_reason(details)}.",
    "policy.changed": _policy,
    "review.open": lambda _: "Nobody had approved it: its review is open until a second person has signed it.",
    "review.due": lambda _: "The review was asked for.",
    "review.drop": lambda _: "Nothing was done, so there is nothing to review.",
    "review.sign": _signed,
    "debt.paid": _paid,
    "debt.paid-late": _paid,
}
