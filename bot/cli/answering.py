"""``cancel`` stops a run in a terminal; ``resume``, ``rollback`` and ``abandon`` tell one that asks how it goes on."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
from datetime import datetime

from actions.kit.settlement import Answer
from bot.cli import screen
from bot.cli.deciding import counted, show
from bot.cli.exits import Exit, exit_of_request
from bot.cli.following import follow
from bot.cli.office import office
from bot.ledger import Request
from bot.policy import case_of
from bot.render.questions import LABELS, effects


def answer(request_id: str, given: Answer, *, yes: bool, as_json: bool) -> Exit:
    """Show what it asks, make sure, count the answer, and follow the run to its end.

    Raises:
        UsageError: nobody can be asked here, and ``yes`` is not said; there is no such request.
        Refused: it does not count; says why.
    """
    asked_at = None
    if not yes:
        request = asyncio.run(_read(request_id))
        asked_at = request.run.asked_at if request.run else None
        if not _agreed(request, given, as_json=as_json):
            screen.tell(f"{request.id} was told nothing, and waits on.")
            return exit_of_request(request)
    return asyncio.run(_answer(request_id, given, asked_at, as_json=as_json))


def cancel(request_id: str, *, as_json: bool) -> Exit:
    """Have a run stop before its next step and go back, and follow it to its end.

    Raises:
        UsageError: there is no such request.
        Refused: it does not count, or is too late; says why.
    """
    return asyncio.run(_cancel(request_id, as_json=as_json))


def _agreed(request: Request, given: Answer, *, as_json: bool) -> bool:
    """Whether this is meant; nobody is asked where nothing would come of it: then the desk says why."""
    question = request.run.question if request.run else None
    effect = dict(effects(question)).get(given) if question else None
    if effect is None:
        return True
    screen.can_ask(as_json=as_json)
    from bot.render import terminal_requests

    screen.show(terminal_requests.request(request))
    return screen.agreed(f"{LABELS[given]} {request.id}: {effect}?")


async def _read(request_id: str) -> Request:
    async with office() as at:
        await at.signed_in()
        return await at.desk.show(request_id)


async def _answer(request_id: str, given: Answer, asked_at: datetime | None, *, as_json: bool) -> Exit:
    async with office() as at:
        person = await at.signed_in()
        request = await at.desk.show(request_id)
        await at.policy.may_approve(case_of(request), person.id, request.requester.id)  # The desk decides likewise.
        decided = counted(await at.desk.answer(request.id, at.vouched(person), given, asked_at))
        screen.tell(decided.why)
        return show(await follow(at, decided.request), as_json=as_json)


async def _cancel(request_id: str, *, as_json: bool) -> Exit:
    async with office() as at:
        person = await at.signed_in()
        request = await at.desk.show(request_id)
        await at.policy.may_approve(case_of(request), person.id, request.requester.id)  # The desk decides likewise.
        decided = counted(await at.desk.cancel(request.id, at.vouched(person)))
        screen.tell(decided.why)
        return show(await follow(at, decided.request), as_json=as_json)
