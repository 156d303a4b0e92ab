"""Reads what a person typed: ``failover orders --to 10.0.0.2:6379``. Says what is known where it is not. No I/O here.

Slack's clients make typographic quotes and dashes of what is typed, and links of what looks like a host; all of that
is undone first.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.kit.action import Action, Option
from actions.kit.errors import UsageError
from bot.render.words import cut, listed, nearest, quoted
from bot.vocabulary import (
    BREAK_GLASS,
    BUTTONS,
    MAX_REASON,
    MENU,
    NOTE,
    REASON,
    REQUEST,
    TARGET_OR_ALL,
    WORDS,
    Word,
    options_of,
    settings_of,
    spelled,
    takes_none,
    usage,
)

MAX_LENGTH = 1_000
"""Characters that a command can have; a longer one is a paste that went wrong."""

_LINK = re.compile(r"<(?:(?:https?|rediss?):(?://)?|mailto:|tel:)?([^<>|]*)(?:\|([^<>]*))?>", re.IGNORECASE)
_DASHES = re.compile(r"^(?:--|-?[\u2010-\u2015\u2212])[-\u2010-\u2015\u2212]*(?=\w)")
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
)
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ALL = ("*", "\u2217")
"""All targets; also as it is written where a bare asterisk would make text bold, for those who copy it from there."""
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


@dataclass(frozen=True, slots=True)
class Command:
    """What was typed. ``word``: an action's name, one of ``WORDS``, or ``menu``.

    ``action`` is set for actions, ``target`` for those that take one, ``argument`` for ``WORDS`` that take one,
    ``reason`` for changes and words where one is given. ``break_glass``: the change is to go without approval.
    """

    word: str
    action: Action | None = None
    target: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    argument: str = ""
    reason: str = ""
    break_glass: bool = False


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
    settings: tuple[str, ...] = ()
    """The names of what is typed as ``NAME=VALUE``."""


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
        return Command("help", argument=first if _is_word(first, known) else "")
    for word in WORDS:
        if first == word.name:
            return _for_word(word, rest, known)
    if first not in known.actions:
        raise UsageError(_unknown(words[0], known))
    return _for_action(known.actions[first], rest, known)


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
    if missing is not None and word.takes != REQUEST:  # What is wrong with the request is said before that.
        raise UsageError(f"{word.name} needs {spelled(missing)}; type: /redis {word.usage}")
    most = 1 if word.takes else 0
    if len(names) > most:
        raise UsageError(_too_many(names[most], word.usage, options))
    typed = names[0] if names else ""
    argument = _argument(word, typed, known)
    if word.takes and not argument and not word.optional:
        which = "which target" if word.takes == TARGET_OR_ALL else "the id of a request, such as R-7F3K9"
        raise UsageError(f"{word.name} needs to know {which}; type: /redis {word.usage}")
    reason, break_glass = _reason(options), options.pop(BREAK_GLASS.name, None) is not None
    return Command(word.name, argument=argument, reason=reason, options=options, break_glass=break_glass)


def _argument(word: Word, typed: str, known: _Known) -> str:
    """What a word is about, as it is called everywhere else."""
    if word.takes == TARGET_OR_ALL:
        if typed in _ALL:
            return "*"
        return _known_target(typed, known.targets) if typed else known.default or ""
    if typed and word.takes == "WORD" and not _is_word(typed.lower(), known):
        raise UsageError(_unknown(typed, known))
    if typed and word.takes == "TARGET":
        return _known_target(typed, known.targets)
    if typed and word.takes.islower() and typed.lower() != word.takes:
        raise UsageError(f"{quoted(typed)} is not understood; type: /redis {word.usage}")
    return typed.lower() if word.takes == "WORD" else typed


def _is_word(word: str, known: _Known) -> bool:
    return word in known.actions or any(word == one.name for one in WORDS)


def _too_many(word: str, usage: str, options: Mapping[str, str]) -> str:
    hint = "put a reason of several words in quotes" if options.get(REASON.name) else f"type: /redis {usage}"
    return f"{quoted(word)} is one word too many; {hint}"


def _for_action(action: Action, rest: list[str], known: _Known) -> Command:
    form = _Form(action.name, options_of(action), usage(action), tuple(one.name for one in settings_of(action)))
    names, options = _split(form, rest)
    names, settings = _settings(form, names)
    if takes_none(action):
        if names:
            raise UsageError(f"{action.name} is about all targets and takes none; type: /redis {action.name}")
        return Command(action.name, action, options=options)
    if len(names) > 1:
        raise UsageError(_too_many(names[1], usage(action), options))
    reason, break_glass = _reason(options), options.pop(BREAK_GLASS.name, None) is not None
    target = _known_target(names[0], known.targets) if names else known.default
    if target is None:
        raise UsageError(_which_target(action, known.targets))
    return Command(action.name, action, target, {**settings, **options}, reason=reason, break_glass=break_glass)


def _reason(options: dict[str, str]) -> str:
    """The reason, taken out of the options; a note has to be as short."""
    for name in (REASON.name, NOTE.name):
        if len(options.get(name, "")) > MAX_REASON:
            raise UsageError(f"A {name} has at most {MAX_REASON} characters, and this one {len(options[name])}.")
    return options.pop(REASON.name, "").strip()


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
        name, has_value, value = word.lstrip("-").partition("=")
        option = _option(form, word, name.lower())
        if option.metavar and not has_value:
            value = next(words, "")
        _check_value(form, option, value, given=bool(has_value))
        if option.name in options:
            raise UsageError(f"--{option.name} is there twice; keep one.")
        options[option.name] = value
    return names, options


def _settings(form: _Form, words: list[str]) -> tuple[list[str], dict[str, str]]:
    """What stands alone and is no setting, and the settings with their values; the action knows which there are."""
    settings: dict[str, str] = {}
    if not form.settings:
        return words, settings
    for word in words:
        name, has_value, value = word.partition("=")
        if has_value and name.lower() in settings:
            raise UsageError(f"{name.lower()} is there twice; keep one.")
        if has_value:
            settings[name.lower()] = value
    return [word for word in words if "=" not in word], settings


def _check_value(form: _Form, option: Option, value: str, *, given: bool) -> None:
    if option.metavar and (not value or value.startswith("--")):
        raise UsageError(f"--{option.name} needs a value; type: /redis {form.name} … {spelled(option)}")
    if given and not option.metavar:
        raise UsageError(f"--{option.name} takes no value; type it alone.")


def _option(form: _Form, word: str, name: str) -> Option:
    for option in form.options:
        if word.startswith("--") and option.name == name:
            return option
    if name in form.settings:
        raise UsageError(f"{name} is typed without dashes: /redis {form.name} TARGET {name}=VALUE")
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
    if word.lower() in BUTTONS:
        return f"{word.lower()} is a button here, on the message of the run; in a terminal: tandem {word.lower()}"
    near = nearest(word, [*known.actions, *(one.name for one in WORDS)])
    hint = f"did you mean /redis {near}?" if near else "type /redis help for what there is."
    return f"There is no action {quoted(word)}; {hint}"
