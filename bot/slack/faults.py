"""The one handler of errors: the person gets a sentence, or an id that stands in the log beside everything else."""

from __future__ import annotations

import logging
import secrets

from actions.kit.errors import Refused, TandemError
from bot.render.blocks import Message, notice, spoken
from bot.render.words import code, mrkdwn
from bot.slack.messages import CannotPost
from bot.slack.reply import Reply

log = logging.getLogger(__name__)


async def report(error: BaseException, reply: Reply | None, doing: str) -> None:
    """Tell the person what went wrong, where there is one; never raises.

    Args:
        error: what was raised.
        reply: how to reach the person.
        doing: what was being done; for the log.
    """
    message = explain(error, doing)
    if reply is None:
        return
    try:
        await reply.whisper(message)
    except CannotPost as unheard:
        log.warning("could not tell the person", extra={"doing": doing, "error": unheard.code})


def explain(error: BaseException, doing: str) -> Message:
    """What the person reads: expected errors in their own words, all others as an id."""
    if isinstance(error, CannotPost):
        log.info("cannot post", extra={"doing": doing, "error": error.code})
        return notice(str(error))  # Markup of our own.
    if isinstance(error, Refused):
        return notice("\n".join(f":no_entry: {spoken(reason)}" for reason in error.reasons))
    if isinstance(error, TandemError):
        log.info("refused", extra={"doing": doing, "error": type(error).__name__})
        return notice(f":warning: {mrkdwn(str(error))}")
    error_id = f"E-{secrets.token_hex(4)}"
    log.error("unexpected error", exc_info=error, extra={"error_id": error_id, "doing": doing})
    return notice(
        f":x: Something went wrong that should not have. Nothing more was done. It is logged as {code(error_id)}."
    )
