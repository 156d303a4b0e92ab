"""The words that people type: those of the actions, and those besides them. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit.action import Action, Option, ReadAction
from actions.kit.plan import Risk

REASON = Option("reason", '"…"', "Why it has to be; the approvers read it, and it stays in the audit.")
"""Every change takes it. It belongs to the request and not to the plan."""
NOTE = Option("note", '"…"', "What was found; it stays in the audit.")
BREAK_GLASS = Option(
    "break-glass", "", "In an emergency: without approval; all approvers are told, and one has to review it."
)
"""A flag: it has no value. What cannot be undone does not take it."""
MAX_REASON = 500
"""Characters; a command that repeats a request has to stay below its own limit."""

SETTING = "NAME=VALUE…"
"""How settings are typed, where an action takes any."""
REQUEST = "R"
"""What a word takes that is about one request; whatever else it needs is asked for once that was looked at."""
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
        options = [(spelled(one), one.name in self.needs) for one in self.options]
        return " ".join([self.name, *takes, *(one if needed else f"[{one}]" for one, needed in options)])


WORDS = (
    Word("help", "What you may do here, or how one word is typed.", takes="WORD", optional=True),
    Word("runs", "The latest requests and runs.", takes="TARGET", optional=True),
    Word("show", "One request or run, by its id such as R-7F3K9.", takes=REQUEST),
    Word("timeline", "One request as the audit tells it, as Markdown for a post-mortem.", takes=REQUEST),
    Word("audit", "Whether every row of the audit is as it was written, and up to which hash."),
    Word("approve", "See what somebody else asks for, with its buttons; only you see it.", takes=REQUEST),
    Word("deny", "Say no to a request.", takes=REQUEST, options=(REASON,), needs=frozenset({"reason"})),
    Word("withdraw", "Take your own request back while it waits.", takes=REQUEST),
    Word("cancel", "Stop a run before its next step, and put everything back.", takes=REQUEST),
    Word(
        "undo",
        "Ask to put back the settings that a run of tune has changed.",
        takes=REQUEST,
        options=(REASON, BREAK_GLASS),
    ),
    Word(
        "freeze",
        "Let no change begin on a target, or on any (*).",
        takes=TARGET_OR_ALL,
        options=(REASON,),
        needs=frozenset({"reason"}),
    ),
    Word("thaw", "End a freeze, and a cooldown; takes an approver.", takes=TARGET_OR_ALL, options=(REASON,)),
    Word(
        "sign",
        "Close the review of what ran without approval.",
        takes=REQUEST,
        options=(NOTE,),
        needs=frozenset({"note"}),
    ),
    Word(
        "token",
        "A token for the terminal, which only you see; revoke ends all of yours.",
        takes="revoke",
        optional=True,
        options=(Option("hours", "N", "How long it lives."),),
    ),
)
BUTTONS = ("resume", "rollback", "abandon")
"""What a person types in a terminal, and presses in Slack."""
MENU = "menu"
"""The word of a command that is empty."""


def usage(action: Action) -> str:
    """How an action is typed: ``failover TARGET [--to N]``."""
    options = [f"[{spelled(option)}]" for option in options_of(action)]
    settings = [SETTING] if settings_of(action) else []
    return " ".join([action.name, *([] if takes_none(action) else ["TARGET"]), *settings, *options])


def settings_of(action: Action) -> tuple[Option, ...]:
    """What is typed with an action as ``NAME=VALUE``."""
    return () if isinstance(action, ReadAction) else action.settings


def typed(action: Action | None, options: Mapping[str, str]) -> str:
    """Options and settings as they are typed, each with a space before it; of an unknown action all are options."""
    settings = {one.name for one in settings_of(action)} if action is not None else set()
    return "".join(
        f" {name}={_in_quotes(value)}" if name.partition("@")[0] in settings else f" --{name} {value}"
        for name, value in options.items()
    )


def _in_quotes(value: str) -> str:
    return f'"{value}"' if " " in value else value


def options_of(action: Action) -> tuple[Option, ...]:
    """Everything that can be typed with an action."""
    if isinstance(action, ReadAction):
        return action.options
    flags = () if action.risk is Risk.IRREVERSIBLE else (BREAK_GLASS,)
    return (*action.options, REASON, *flags)


def spelled(option: Option) -> str:
    """How an option is typed: ``--to N``, or a flag alone."""
    return f"--{option.name} {option.metavar}".rstrip()


def takes_none(action: Action) -> bool:
    """Whether it is about all targets at once."""
    return isinstance(action, ReadAction) and action.whole_fleet
