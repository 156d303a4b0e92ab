"""Shows that a target is frozen, by whom, since when and why. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable

from actions.kit.errors import TandemError
from bot.ledger.records import ALL, Freeze
from bot.render.blocks_request import moment, who
from bot.render.words import code, mrkdwn


def frozen(target: str, freezes: Iterable[Freeze]) -> str:
    """Every freeze that counts for a target, as markup, a line each; empty where there is none."""
    return "\n".join(_line(one) for one in freezes if one.counts_for(target))


def unknown(error: TandemError) -> str:
    """That nobody can say whether a target is frozen, as markup."""
    return f":warning: Whether it is frozen is not known: {mrkdwn(str(error), 300)}"


def _line(freeze: Freeze) -> str:
    which = "Frozen, as all targets are," if freeze.target == ALL else "Frozen"
    since = f"{which} by {who(freeze.by)} since {moment(freeze.at)}: {mrkdwn(freeze.reason, 300)}"
    return f":snowflake: {since} ({code(f'/redis thaw {freeze.target}')})"
