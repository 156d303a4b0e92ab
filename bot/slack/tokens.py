"""``/redis token``: hands a person a token for the terminal, so that nobody else and no archive sees it."""

from __future__ import annotations

from bot.grammar import Command
from bot.render.blocks_token import issued, revoked
from bot.slack.caller import Caller
from bot.slack.messages import CannotPost
from bot.slack.ports import TokenDesk


async def token(tokens: TokenDesk, caller: Caller, command: Command) -> None:
    """Issue one, or end all that this person has.

    Raises:
        Refused: this person may not have one, or has too many.
        CannotPost: it could not be shown to its owner alone; it is revoked.
    """
    if command.argument:
        await caller.reply.whisper(revoked(await tokens.revoke(caller.person)))
        return
    new = await tokens.issue(caller.person, command.options.get("hours", ""))
    try:
        await caller.reply.entrust(issued(new))
    except CannotPost:
        await tokens.revoke(caller.person, new.token.id)
        raise
