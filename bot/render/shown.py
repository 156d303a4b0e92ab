"""Shows what the outbox holds, a function for each kind of message, from the newest state. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from bot.ledger.records import Request, RequestState
from bot.policy import Eligibility
from bot.render.blocks import Message, Screen, fit, notice, section, spoken
from bot.render.blocks_incident import incident
from bot.render.blocks_request import by, card, decided_card, drifted, moment, outcome, who
from bot.render.blocks_review import glass, reminder, review
from bot.render.blocks_run import progress, transcript
from bot.render.words import code, duration, mrkdwn

_INVITE = frozenset({"not_in_channel", "channel_not_found"})


@dataclass(frozen=True, slots=True)
class Shown:
    """What one message is rendered from: what the outbox holds, and the request as it is now."""

    kind: str
    body: Mapping[str, Any]
    request: Request | None = None
    environment: str = ""

    @property
    def about(self) -> Request:
        """The request that it is about.

        Raises:
            LookupError: it is about none.
        """
        if self.request is None:
            raise LookupError(f"A message of kind {self.kind} is about no request.")
        return self.request


def screen(shown: Shown) -> Screen | None:
    """The message with what belongs into its thread; ``None`` where time has passed over it.

    Raises:
        LookupError: this version does not know the kind.
    """
    return KINDS[shown.kind](shown)


def _card(shown: Shown) -> Screen:
    request = shown.about
    crowd = Eligibility(**{name: _frozen(value) for name, value in shown.body.items()}) if shown.body else None
    draw = card if request.state is RequestState.WAITING else decided_card
    return Screen(draw(request, shown.environment, crowd))


def _run(shown: Shown) -> Screen | None:
    run = shown.about.run
    return Screen(progress(shown.about, run, shown.environment)) if run else None


def _transcript(shown: Shown) -> Screen | None:
    run = shown.about.run
    return transcript(shown.about, run) if run else None


def _approved(shown: Shown) -> Screen | None:
    request = shown.about
    if not request.approvals or request.state not in {RequestState.APPROVED, RequestState.RUNNING}:
        return None
    people = " and ".join(by(one.person) for one in request.approvals)
    return _to_requester(
        request, f"{code(request.id)} was approved by {people}; it begins once a second look shows no change."
    )


def _denied(shown: Shown) -> Screen | None:
    request, denial = shown.about, shown.about.denial
    if denial is None:
        return None
    reason = mrkdwn(denial.reason, 500) or "no reason given"
    return _to_requester(request, f"{code(request.id)} was denied by {by(denial.person)}: {reason}")


def _asked(shown: Shown) -> Screen | None:
    """Calls who asked for it and who approved it; nobody where it has been answered meanwhile."""
    request = shown.about
    if request.run is None or request.run.question is None:
        return None
    people = dict.fromkeys([request.requester, *(one.person for one in request.approvals)])
    called = " ".join(who(person) for person in people)
    word = f":raising_hand: {called}: {code(request.id)} was cut off and asks what to do; see the buttons above."
    return Screen(notice(word))


def _expired(shown: Shown) -> Screen:
    return _to_requester(shown.about, f"{code(shown.about.id)} has expired; nothing was done.")


def _refused(shown: Shown) -> Screen:
    request = shown.about
    return _to_requester(request, f"{code(request.id)} was not carried out: {mrkdwn(request.why, 1_500)}")


def _drifted(shown: Shown) -> Screen:
    return drifted(shown.about, tuple(shown.body["difference"]))


def _direct(shown: Shown) -> Screen:
    """What the requester reads where the channel takes nothing: the state of the request, and of its run."""
    request, why = shown.about, str(shown.body["why"])
    told = f"{code(request.id)} can no longer be shown in its channel ({mrkdwn(why, 80)}); what runs goes on."
    if why in _INVITE:
        told += " Invite me there: type `/invite @tandem` in the channel."
    head = [section(line) for line in (told, outcome(request)) if line]
    run = progress(request, request.run, shown.environment) if request.run else Message("")
    return Screen(fit(told, head, run.blocks))


def _deaf(shown: Shown) -> Screen:
    since, until = (datetime.fromtimestamp(shown.body[name], UTC) for name in ("since", "until"))
    return Screen(
        notice(
            f":ear: Tandem did not hear Slack from {moment(since)} to {moment(until)}, for "
            f"{duration((until - since).total_seconds())}. Commands typed and buttons pressed in that time did not "
            "arrive: repeat what had no answer."
        )
    )


def _glass(shown: Shown) -> Screen:
    return Screen(glass(shown.about))


def _review(shown: Shown) -> Screen | None:
    found = shown.about.review
    return Screen(review(shown.about, found, shown.environment, shown.body["people"])) if found else None


def _reminder(shown: Shown) -> Screen | None:
    found = shown.about.review
    told = reminder(shown.about, found, shown.body["people"]) if found else None
    return Screen(told) if told else None


def _text(shown: Shown) -> Screen:
    return Screen(notice(spoken(shown.body["text"])))


def _to_requester(request: Request, markup: str) -> Screen:
    return Screen(notice(f"{who(request.requester)}: {markup}"))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


KINDS: Mapping[str, Callable[[Shown], Screen | None]] = MappingProxyType(
    {
        "card": _card,
        "run": _run,
        "transcript": _transcript,
        "approved": _approved,
        "denied": _denied,
        "asked": _asked,
        "expired": _expired,
        "refused": _refused,
        "drifted": _drifted,
        "direct": _direct,
        "deaf": _deaf,
        "glass": _glass,
        "review": _review,
        "reminder": _reminder,
        "told": _text,
        "notice": _text,
        "incident": lambda shown: Screen(incident(shown.body)),
        "literal": lambda shown: Screen(Message(shown.body["text"], tuple(shown.body["blocks"]))),
    }
)
"""Every kind of message, by its name in the outbox."""
