"""Shows a new token to its owner, once. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ledger.tokens import Issued
from bot.render.blocks import Message, context, notice, preformatted, section
from bot.render.blocks_request import moment
from bot.render.words import code, counted, listed

_HOW = "In the terminal type `read -rs TANDEM_TOKEN; export TANDEM_TOKEN`, paste it and press Enter."


def issued(new: Issued) -> Message:
    """The token itself: the one place where it is ever shown."""
    until = f"Your token for the terminal, {code(new.token.id)}, is good until {moment(new.token.expires_at)}"
    live = f"You have {counted(new.live, 'live token')}. `/redis token revoke` ends all of yours."
    shown = (section(f"{until}:"), *preformatted([new.secret]), section(_HOW))
    return Message(f"{until}.", (*shown, context("Only you see this, and only now: nobody can show it again.", live)))


def revoked(ids: Sequence[str]) -> Message:
    """Which tokens are of no use any more."""
    if not ids:
        return notice("You have no live token; `/redis token` issues one.")
    which = f"Your token {listed(map(code, ids))} is" if len(ids) == 1 else f"Your tokens {listed(map(code, ids))} are"
    return notice(f":white_check_mark: {which} revoked.")
