"""Reads what a person typed: ``failover orders --to 10.0.0.2:6379``. Says what is known where it is not. No I/O here.

Slack's clients make typographic quotes and dashes of what is typed, and links of what looks like a host; all of that
is undone first.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.kit.action import Action, Option, ReadAction
from actions.kit.errors import UsageError
from bot.render.words import cut, listed, nearest, quoted

MAX_LENGTH = 1_000
"""Characters that a command can have; a longer one is a paste that went wrong."""

_LINK = re.compile(r"<(?:(?:https?|rediss?):(?://)?|mailto:|tel:)?([^<>|]*)(?:\|([^<>]*))?>", re.IGNORECASE)
_DASHES = re.compile(r"^(?:--|-?[\u2010-\u2015\u2212])[-\u2010-\u2015\u2212]*(?=\w)")
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
)
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


REASON = Option("reason", '"…"', "why it has to be; the approvers read it, and it stays in the audit")
"""Every change takes it. It belongs to the request and not to the plan."""
MAX_REASON = 500
"""Characters; a command that repeats a request has to stay below its own limit."""

TARGET_OR_ALL = "TARGET|*"
"""What a word takes that can be about all targets at once."""


@dataclass(frozen=True, slots=True)
class Word:
    """Something besides the actions that can be typed.

    ``takes``: the name of its one argument, or that argument itself in small letters; empty for none.
    ``needs``: the options that cannot be left out.
    """

    name: str
    summary: str
    takes: str = ""
    optional: bool = False
    options: tuple[Option, ...] = ()
    needs: frozenset[str] = frozenset()

    @property
    def usage(self) -> str:
        """How it is typed: ``freeze TARGET|* --reason "…"``."""
        takes = [f"[{self.takes}]" if self.optional else self.takes] if self.takes else []
        options = [(f"--{one.name} {one.metavar}", one.name in self.needs) for one in self.options]
        return " ".join([self.name, *takes, *(typed if needed else f"[{typed}]" for typed, needed in options)])


WORDS = (
    Word("help", "what you may do here", takes="ACTION", optional=True),
    Word("runs", "the latest runs", takes="TARGET", optional=True),
    Word("show", "one request or run", takes="R"),
    Word(
        "freeze",
        "let no change begin on a target, or on any (*)",
        takes=TARGET_OR_ALL,
        options=(REASON,),
        needs=frozenset({"reason"}),
    ),
    Word("thaw", "end a freeze, and a cooldown; takes an approver", takes=TARGET_OR_ALL, options=(REASON,)),
    Word(
        "token",
        "a token for the terminal, which only you see; revoke ends all of yours",
        takes="revoke",
        optional=True,
        options=(Option("hours", "N", "how long it lives"),),
    ),
)
MENU = "menu"
"""The word of a command that is empty."""


@dataclass(frozen=True, slots=True)
class Command:
    """What was typed. ``word``: an action's name, one of ``WORDS``, or ``menu``.

    ``action`` is set for actions, ``target`` for those that take one, ``argument`` for ``WORDS`` that take one,
    ``reason`` for changes and words where one is given.
    """

    word: str
    action: Action | None = None
    target: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    argument: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What can be spoken of here; ``default`` is the target that is meant where none is named."""

    actions: Mapping[str, Action]
    targets: Sequence[str]
    default: str | None


@dataclass(frozen=True, slots=True)
class _Form:
    """How one word is typed."""

    name: str
    options: tuple[Option, ...]
    usage: str


def parse(text: str, actions: Sequence[Action], targets: Sequence[str], default_target: str | None = None) -> Command:
    """Understand one command.

    Args:
        text: as Slack hands it over, without ``/redis``.
        actions: those that there are.
        targets: the names of those that can be spoken of here.
        default_target: the one that is meant where none is named.

    Raises:
        UsageError: it cannot be understood; a sentence that says what to type.
    """
    words = _words(text)
    if not words:
        return Command(MENU)
    first, rest = words[0].lower(), words[1:]
    known = _Known({action.name: action for action in actions}, targets, default_target)
    if first in {"-h", "--help", "?"} or any(word in {"-h", "--help"} for word in rest):
        return Command("help", argument=first if first in known.actions else "")
    for word in WORDS:
        if first == word.name:
            return _for_word(word, rest, known)
    if first not in known.actions:
        raise UsageError(_unknown(words[0], known))
    return _for_action(known.actions[first], rest, known)


def usage(action: Action) -> str:
    """How an action is typed: ``failover TARGET [--to N]``."""
    options = [f"[--{option.name} {option.metavar}]" for option in options_of(action)]
    return " ".join([action.name, *([] if _takes_none(action) else ["TARGET"]), *options])


def options_of(action: Action) -> tuple[Option, ...]:
    """Everything that can be typed with an action."""
    return action.options if isinstance(action, ReadAction) else (*action.options, REASON)


def _words(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise UsageError(
            f"That has {len(text):,} characters, and a command at most {MAX_LENGTH:,}: {quoted(cut(text, 40))}. "
            "Type /redis help."
        )
    typed = _INVISIBLE.sub("", _LINK.sub(_without_link, text)).translate(_QUOTES)
    for entity, character in _ENTITIES:
        typed = typed.replace(entity, character)
    lexer = shlex.shlex(re.sub(r"\s+", " ", typed), posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return [_DASHES.sub("--", word) for word in lexer]
    except ValueError:
        raise UsageError("A quotation mark is not closed; close it, or leave it out.") from None


def _without_link(match: re.Match[str]) -> str:
    """The label of ``<http://host|host>`` where there is one, else the bare address; the id of a mention."""
    address, label = match.groups()
    return str(address if address.startswith(("@", "#", "!")) else label or address).rstrip("/")


def _for_word(word: Word, rest: list[str], known: _Known) -> Command:
    names, options = _split(_Form(word.name, word.options, word.usage), rest)
    missing = next((one for one in word.options if one.name in word.needs - set(options)), None)
    if missing is not None:
        raise UsageError(f"{word.name} needs --{missing.name} {missing.metavar}; type: /redis {word.usage}")
    if len(names) > 1:
        raise UsageError(_too_many(names[1], word.usage, options))
    typed = names[0] if names else ""
    argument = _argument(word, typed, known)
    if not argument and not word.optional:
        raise UsageError(f"{word.name} needs to know which; type: /redis {word.usage}")
    return Command(word.name, argument=argument, reason=_reason(options), options=options)


def _argument(word: Word, typed: str, known: _Known) -> str:
    """What a word is about, as it is called everywhere else."""
    if word.takes == TARGET_OR_ALL:
        return typed if typed == "*" else _known_target(typed, known.targets) if typed else known.default or ""
    if typed and word.takes == "ACTION" and typed.lower() not in known.actions:
        raise UsageError(_unknown(typed, known))
    if typed and word.takes == "TARGET":
        return _known_target(typed, known.targets)
    if typed and word.takes.islower() and typed.lower() != word.takes:
        raise UsageError(f"{quoted(typed)} is not understood; type: /redis {word.usage}")
    return typed.lower() if word.takes == "ACTION" else typed


def _too_many(word: str, usage: str, options: Mapping[str, str]) -> str:
    hint = "put a reason of several words in quotes" if options.get(REASON.name) else f"type: /redis {usage}"
    return f"{quoted(word)} is one word too many; {hint}"


def _for_action(action: Action, rest: list[str], known: _Known) -> Command:
    names, options = _split(_Form(action.name, options_of(action), usage(action)), rest)
    if _takes_none(action):
        if names:
            raise UsageError(f"{action.name} is about all targets and takes none; type: /redis {action.name}")
        return Command(action.name, action, options=options)
    if len(names) > 1:
        raise UsageError(_too_many(names[1], usage(action), options))
    reason = _reason(options)
    target = _known_target(names[0], known.targets) if names else known.default
    if target is None:
        raise UsageError(_which_target(action, known.targets))
    return Command(action.name, action, target, options, reason=reason)


def _reason(options: dict[str, str]) -> str:
    """The reason, taken out of the options."""
    reason = options.pop(REASON.name, "").strip()
    if len(reason) > MAX_REASON:
        raise UsageError(f"A reason has at most {MAX_REASON} characters, and this one {len(reason)}.")
    return reason


def _which_target(action: Action, targets: Sequence[str]) -> str:
    if not targets:
        return "No target is bound to this channel; ask where they are."
    choice = f" There are {listed(targets)}." if len(targets) > 1 else ""
    return f"Which target?{choice} Type for example: /redis {action.name} {targets[0]}"


def _split(form: _Form, rest: list[str]) -> tuple[list[str], dict[str, str]]:
    """What stands alone, and the options with their values."""
    names: list[str] = []
    options: dict[str, str] = {}
    words = iter(rest)
    for word in words:
        if not word.startswith("-"):
            names.append(word)
            continue
        option, has_value, value = word.lstrip("-").partition("=")
        metavar = _metavar(form, word, option.lower())
        if not has_value:
            value = next(words, "")
        if not value or value.startswith("--"):
            raise UsageError(
                f"--{option.lower()} needs a value; type: /redis {form.name} … --{option.lower()} {metavar}"
            )
        if option.lower() in options:
            raise UsageError(f"--{option.lower()} is there twice; keep one.")
        options[option.lower()] = value
    return names, options


def _metavar(form: _Form, word: str, name: str) -> str:
    for option in form.options:
        if word.startswith("--") and option.name == name:
            return option.metavar
    if not form.options:
        raise UsageError(f"{form.name} takes no options, and {quoted(word)} is one; type: /redis {form.usage}")
    near = nearest(name, [option.name for option in form.options])
    hint = f"did you mean --{near}?" if near else f"type: /redis {form.usage}"
    raise UsageError(f"{form.name} has no option {quoted(word)}; {hint}")


def _known_target(word: str, targets: Sequence[str]) -> str:
    if word.lower() in targets:
        return word.lower()
    if not targets:
        raise UsageError(f"There is no target {quoted(word)} here, nor any other.")
    near = nearest(word, targets)
    hint = f"did you mean {near}?" if near else f"there {'is' if len(targets) == 1 else 'are'} {listed(targets)}."
    raise UsageError(f"There is no target {quoted(word)} here; {hint}")


def _unknown(word: str, known: _Known) -> str:
    if word.lower() in known.targets:
        return f"{word.lower()} is a target; say first what to do, such as: /redis health {word.lower()}"
    near = nearest(word, [*known.actions, *(one.name for one in WORDS)])
    hint = f"did you mean /redis {near}?" if near else "type /redis help for what there is."
    return f"There is no action {quoted(word)}; {hint}"


def _takes_none(action: Action) -> bool:
    return isinstance(action, ReadAction) and action.whole_fleet
