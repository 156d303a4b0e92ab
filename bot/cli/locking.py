"""``freeze`` and ``thaw`` in a terminal."""

from __future__ import annotations

import asyncio

from actions.kit.errors import UsageError
from bot.cli import screen
from bot.cli.exits import Exit
from bot.cli.looking import only_one
from bot.cli.office import office
from bot.fleet import Fleet
from bot.ledger import ALL


def freeze(target: str | None, reason: str, *, everything: bool, as_json: bool) -> Exit:
    """Let no change begin on a target, or on any.

    Raises:
        UsageError: there is no such target, or no reason.
        Refused: this person may not, or it is frozen already.
    """
    return asyncio.run(_lock(target, reason, everything=everything, as_json=as_json, thaws=False))


def thaw(target: str | None, reason: str, *, everything: bool, as_json: bool) -> Exit:
    """End a freeze, and the cooldown that a target is in.

    Raises:
        UsageError: there is no such target.
        Refused: this person may not, or there is nothing to end.
    """
    return asyncio.run(_lock(target, reason, everything=everything, as_json=as_json, thaws=True))


async def _lock(target: str | None, reason: str, *, everything: bool, as_json: bool, thaws: bool) -> Exit:
    async with office() as at:
        person, which = await at.signed_in(), _which(target, at.fleet, everything=everything)
        named = tuple(at.fleet.targets) if which == ALL else (which,)
        await (at.policy.may_thaw if thaws else at.policy.may_freeze)(person.id, named)  # The desk decides likewise.
        done = await (at.desk.locks.thaw if thaws else at.desk.locks.freeze)(which, at.vouched(person), reason)
    if as_json:
        screen.show_json({"target": which, "done": done})
    else:
        screen.show(done)
    return Exit.AS_IT_SHOULD_BE


def _which(target: str | None, fleet: Fleet, *, everything: bool) -> str:
    if everything and target is not None:
        raise UsageError(f"Say {target} or --all, not both.")
    return ALL if everything or target == ALL else only_one(target, fleet).name
