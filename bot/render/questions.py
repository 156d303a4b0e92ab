"""What a run asks in plain words: what was seen, and what each answer would do. No I/O here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actions.kit.settlement import Answer, Question

if TYPE_CHECKING:  # It brings the database's library.
    from bot.ledger.records import Answered

LABELS = {Answer.RESUME: "Resume", Answer.ROLL_BACK: "Roll back", Answer.ABANDON: "Abandon"}
_RESUME = {
    True: "go on to the end with the steps that are left",
    False: "put everything back, look again, and if all is as it was approved begin again with the first step",
    None: "look again: go on to the end if the roles have moved; else put everything back and begin again",
}
_ROLL_BACK = {
    False: "put everything back, and end the run as not done",
    None: "look again, and put everything back if the roles have not moved",
}
_ABANDON = "end the run here as incomplete; settings that are still changed are put back once that is safe"


def effects(question: Question) -> tuple[tuple[Answer, str], ...]:
    """Every answer that makes sense, and what it would do, for people who choose."""
    words = {
        Answer.RESUME: _RESUME[question.moved] + (" (an approver has to say so)" if question.destroys else ""),
        Answer.ROLL_BACK: _ROLL_BACK.get(question.moved, ""),
        Answer.ABANDON: _ABANDON,
    }
    return tuple((answer, words[answer]) for answer in question.answers)


def said(answered: Answered) -> str:
    """``lead said at 12:03:04 UTC: roll back``."""
    return f"{answered.person.name} said at {answered.at:%H:%M:%S} UTC: {LABELS[answered.answer].lower()}"
