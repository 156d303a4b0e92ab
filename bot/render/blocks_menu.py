"""Shows what a person can do: menu, help, home tab, modals. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from actions.kit.action import Action, Option, ReadAction
from actions.kit.plan import Risk
from actions.kit.topology import Kind
from bot.ledger.records import Request
from bot.render.blocks import (
    MAX_ACTIONS,
    MAX_SECTION,
    Block,
    Message,
    actions,
    button,
    context,
    fit,
    header,
    preformatted,
    section,
    spoken,
)
from bot.render.blocks_request import command_line, moment, outcome, plan_lines, who
from bot.render.words import code, mrkdwn, plain
from bot.vocabulary import MAX_REASON, SETTING, WORDS, Word, options_of, settings_of, spelled

TARGET, REASON_BLOCK, REASON, DENIAL, SHOWN = "menu:target", "reason", "reason", "deny", "shown"
TYPED_BLOCK, TYPED, APPROVAL = "typed", "typed", "approve:typed"
MAX_OPTIONS, MAX_OPTION = 100, 75

View = dict[str, object]


@dataclass(frozen=True, slots=True)
class Offer:
    """What one person may do in one place.

    ``actions`` and ``words`` are those that they may use; ``targets`` those that the channel is bound to, ``kinds``
    what they are. ``closed``: an action and a target on which they may not use it, though on another. ``withheld``:
    the names of options that they may not use. ``noes``: why not, by action, word or option.
    """

    actions: tuple[Action, ...]
    targets: tuple[str, ...]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    words: tuple[Word, ...] = WORDS
    closed: frozenset[tuple[str, str]] = frozenset()
    withheld: frozenset[str] = frozenset()
    noes: Mapping[str, str] = field(default_factory=dict)

    def suits(self, action: Action, target: str) -> bool:
        """Whether the action is about such a target at all, and this person may use it there."""
        only = None if isinstance(action, ReadAction) else action.only_for
        fits = only is None or self.kinds.get(target, only) is only
        return fits and (action.name, target) not in self.closed

    def options_of(self, action: Action) -> tuple[Option, ...]:
        """What this person may type with an action."""
        return tuple(one for one in options_of(action) if one.name not in self.withheld)


def menu(offer: Offer, chosen: str | None = None) -> Message:
    """``/redis`` alone: a button for each action, for the chosen target; a picker where there are several."""
    target = chosen if chosen in offer.targets else next(iter(offer.targets), None)
    if target is None or not offer.actions:
        return Message(
            "Nothing to choose from here.",
            (section("No target is bound to this channel, or nothing here is open to you. `/redis help` says more."),),
        )
    picker = [_picker(offer.targets, target)] if len(offer.targets) > 1 else []
    suiting = [action for action in offer.actions if offer.suits(action, target)]
    buttons = [_action_button(index, action, target) for index, action in enumerate(suiting)]
    row = [*picker, *buttons][:MAX_ACTIONS]
    blocks = [section(f"What shall I do with *{mrkdwn(target, 80)}*?"), *actions(row, "menu")]
    return Message(f"What shall I do with {mrkdwn(target, 80)}?", (*blocks, context("`/redis help` lists the words.")))


def _picker(targets: Sequence[str], chosen: str) -> Block:
    options = [_option(name) for name in targets[:MAX_OPTIONS] if len(name) <= MAX_OPTION]
    shown: Block = {
        "type": "static_select",
        "action_id": TARGET,
        "placeholder": {"type": "plain_text", "text": "Target"},
        "options": options,
    }
    return {**shown, "initial_option": _option(chosen)} if _option(chosen) in options else shown


def _option(name: str) -> Block:
    return {"text": {"type": "plain_text", "text": plain(name, MAX_OPTION)}, "value": name}


def _action_button(index: int, action: Action, target: str) -> Block:
    whole_fleet = isinstance(action, ReadAction) and action.whole_fleet
    line = action.name if whole_fleet else f"{action.name} {target}"
    style = None if isinstance(action, ReadAction) else "danger"
    return button(action.name, f"run:{index}", line[:2_000], style)


def help_page(offer: Offer) -> Message:
    """``/redis help``: the words that work for this person in this channel."""
    if not offer.targets:
        text = "No target is bound to this channel. Whoever keeps `targets.yaml` can bind it by its channel id."
        return Message(text, (section(text),))
    suiting = [action for action in offer.actions if any(offer.suits(action, name) for name in offer.targets)]
    lines = [_help_line(action, len(offer.targets) > 1, " …" if offer.options_of(action) else "") for action in suiting]
    lines += [_word_line(_open_to(word, offer)) for word in offer.words]
    names = ", ".join(code(name) for name in offer.targets[:40])
    more = f" and {len(offer.targets) - 40} more" if len(offer.targets) > 40 else ""
    blocks = [section("\n".join(lines[at : at + 8])) for at in range(0, len(lines), 8)]
    end = context(
        f"Targets here: {names}{more}",
        "What you may not do in this channel is not listed.",
        "`/redis help WORD` says how that word is typed, and what can stand for the `…`; or why you may not use it.",
    )
    return fit("What you can do here", [section("*What you can do here*")], blocks, [end])


def help_on(action: Action, offer: Offer) -> Message:
    """``/redis help ACTION``: how it is typed, and what each option means; or why this person may not."""
    if action not in offer.actions:
        return _not_open(action.name, offer)
    open_to_them, settings = offer.options_of(action), settings_of(action)
    options = [f"• {code(f'{one.name}={one.metavar}')}: {mrkdwn(one.help, 300)}" for one in settings]
    options += [f"• {code(spelled(one))}: {mrkdwn(one.help)}" for one in open_to_them]
    spelt = (f" {SETTING}" if settings else "") + "".join(f" [{spelled(one)}]" for one in open_to_them)
    lines = [_help_line(action, len(offer.targets) > 1, spelt), *options]
    return Message(f"How {action.name} is typed", (section("\n".join(lines)),))


def _not_open(name: str, offer: Offer) -> Message:
    why = spoken(offer.noes.get(name, ""))
    return Message(
        f"{name} is not open to you here.", (section(f"{code(name)} is not open to you here. {why}".rstrip()),)
    )


def _help_line(action: Action, several: bool, options: str) -> str:
    whole_fleet = isinstance(action, ReadAction) and action.whole_fleet
    target = "" if whole_fleet else " TARGET" if several else " [TARGET]"
    who = "a second person approves" + (" in production" if action.risk is Risk.REVERSIBLE else "")
    risk = "" if isinstance(action, ReadAction) else f" _({action.risk}; {who})_"
    return f"`/redis {action.name}{target}{options}`: {mrkdwn(action.summary)}{risk}"


def help_on_word(word: Word, offer: Offer) -> Message:
    """``/redis help WORD``: how it is typed, and what each option means; or why this person may not."""
    if word not in offer.words:
        return _not_open(word.name, offer)
    word = _open_to(word, offer)
    options = [f"• {code(spelled(one))}: {mrkdwn(one.help)}" for one in word.options]
    return Message(f"How {word.name} is typed", (section("\n".join([_word_line(word), *options])),))


def _open_to(word: Word, offer: Offer) -> Word:
    """The word with the options that this person may type."""
    return replace(word, options=tuple(one for one in word.options if one.name not in offer.withheld))


def _word_line(word: Word) -> str:
    return f"`/redis {word.usage}`: {mrkdwn(word.summary)}"


def denial_form(request_id: str) -> View:
    """The modal that asks why not."""
    blocks = [
        section(f"Request {code(request_id)} will not be carried out."),
        text_input(
            REASON_BLOCK, REASON, "Why not?", "The requester reads this, and it stays in the audit.", multiline=True
        ),
    ]
    return modal("Deny", blocks, callback_id=DENIAL, submit="Deny", private_metadata=request_id)


def approval_form(request_id: str) -> View:
    """The modal that asks for the name of the target, where nothing can be undone."""
    blocks = [
        section(f"What {code(request_id)} does cannot be undone. Read the plan on its card once more."),
        text_input(TYPED_BLOCK, TYPED, "Type the name of the target", "A wrong name counts nothing.", multiline=False),
    ]
    return modal("Approve", blocks, callback_id=APPROVAL, submit="Approve", private_metadata=request_id)


def waiting_form() -> View:
    """A modal that is open before anything has been read."""
    return modal("Details", [section("Reading …")])


def answer_form(title: str, markup: str) -> View:
    """A modal that says one thing."""
    return modal(title, [section(markup)])


def details_form(request: Request) -> View:
    """Everything about one request: the whole plan, what the approval binds to, what became of it."""
    about = section(
        f"{code(command_line(request), 300)}, asked for by {who(request.requester)} {moment(request.created_at)}"
    )
    state = [section(outcome(request))] if outcome(request) else []
    return modal(f"Request {request.id}", [about, *state, *preformatted(plan_lines(request.plan))[:90]])


def text_input(block_id: str, action_id: str, label: str, hint: str, *, multiline: bool) -> Block:
    """A field of a modal that has to be filled in."""
    element = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": multiline,
        "max_length": MAX_REASON,
        "focus_on_load": True,
    }
    words = {"label": label, "hint": hint}
    shown = {name: {"type": "plain_text", "text": text} for name, text in words.items()}
    return {"type": "input", "block_id": block_id, "element": element, **shown}


def modal(title: str, blocks: Sequence[Block], **extra: str) -> View:
    """A modal; ``extra`` are ``callback_id``, ``private_metadata``, and ``submit``: what its button says."""
    plain_texts = {key: {"type": "plain_text", "text": extra.pop(key)} for key in ("submit",) if key in extra}
    return {
        "type": "modal",
        "callback_id": extra.pop("callback_id", SHOWN),
        "title": {"type": "plain_text", "text": plain(title, 24)},
        "close": {"type": "plain_text", "text": "Cancel" if plain_texts else "Close"},
        "blocks": list(blocks),
        **plain_texts,
        **extra,
    }


def request_lines(requests: Sequence[Request]) -> Message:
    """``runs``: a line for each."""
    lines = [section(request_line(request)[:MAX_SECTION]) for request in requests]
    return fit("Requests and runs", [header("Requests and runs")], lines or [context("There is none.")])


def request_shown(request: Request) -> Message:
    """``show``: the line of one request, and how it came to stand as it does."""
    became = [section(outcome(request))] if outcome(request) else []
    became += [section(f"• {mrkdwn(failure, 1_000)}") for failure in (request.run.failures[:10] if request.run else ())]
    return fit(f"{request.id}: {request.standing}", [section(request_line(request)), *became])


def request_line(request: Request) -> str:
    """What was asked for, by whom and when, and how it stands, as markup."""
    asked = f"by {who(request.requester)} {moment(request.created_at)}"
    return f"{code(request.id)} {code(command_line(request), 120)} {asked}: *{request.standing}*{_debt(request)}"


def _debt(request: Request) -> str:
    """That nobody had approved it, and whether that was reviewed."""
    if not request.break_glass:
        return ""
    review = request.review
    reviewed = "" if review is None else ", review open" if review.signed_at is None else ", reviewed"
    return f" (nobody had approved it{reviewed})"
