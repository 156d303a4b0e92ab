"""``approve``, ``deny``, ``withdraw`` and ``follow``: the second person, and the first who thinks better of it."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio

from actions.kit.errors import Refused
from actions.kit.plan import Risk
from bot.cli import screen
from bot.cli.changing import reason_of
from bot.cli.exits import Exit, exit_of_request
from bot.cli.following import follow
from bot.cli.office import Office, office
from bot.ledger import Decided, Person, Request, RequestState
from bot.policy import case_of
from bot.render import json_requests


def approve(request_id: str, typed: str, *, yes: bool, as_json: bool) -> Exit:
    """Show the plan, ask, count the approval, and follow the run to its end.

    Args:
        request_id: which request.
        typed: the name of its target, where it cannot be undone and nobody is asked.
        yes: nobody is asked.
        as_json: print an object.

    Raises:
        UsageError: there is no such request; or nobody can be asked here, and ``yes`` is not said.
        Refused: it does not count; says why.
    """
    if yes:
        return asyncio.run(_approve(request_id, typed, as_json=as_json))
    waiting = asyncio.run(_open_to_me(request_id))
    if waiting is None:
        return asyncio.run(_approve(request_id, typed, as_json=as_json, asked=False))
    screen.can_ask(as_json=as_json)
    said = _asked(waiting)
    if said is None:
        screen.tell("It was not approved, and waits on.")
        return Exit.WAITING
    return asyncio.run(_approve(request_id, said, as_json=as_json))


def deny(request_id: str, reason: str, *, as_json: bool) -> Exit:
    """End a request with a no.

    Raises:
        UsageError: there is no such request; or it would count, and the reason is missing or too long.
        Refused: it does not count; says why.
    """
    return asyncio.run(_deny(request_id, reason_of(reason), as_json=as_json))


def withdraw(request_id: str, *, as_json: bool) -> Exit:
    """Take one's own request back.

    Raises:
        Refused: it does not count; says why.
    """
    return asyncio.run(_withdraw(request_id, as_json=as_json))


def sign(request_id: str, note: str, *, as_json: bool) -> Exit:
    """Close the review of what ran without approval.

    Raises:
        UsageError: there is no such request; or it would count, and there is no note.
        Refused: it does not count; says why.
    """
    return asyncio.run(_sign(request_id, note, as_json=as_json))


def see_through(request_id: str, *, as_json: bool) -> Exit:
    """Follow a request to its end; what no process has in hand, because that was lost, is settled or begun here.

    Raises:
        UnknownRequest: there is none.
    """
    return asyncio.run(_see_through(request_id, as_json=as_json))


async def _open_to_me(request_id: str) -> Request | None:
    """The request, where this person's approval would count; else ``None``: then the desk says why not."""
    async with office() as at:
        person = await at.signed_in()
        request = await at.desk.show(request_id)
        return None if await _decides(at, person, request) else request


def _asked(request: Request) -> str | None:
    """What was typed to approve it, if it was approved."""
    from bot.render import terminal_requests

    screen.show(terminal_requests.to_approve(request))
    if request.plan.risk is Risk.IRREVERSIBLE:
        return screen.answer(f"It cannot be undone. To approve {request.id} type the name of its target:") or None
    return "" if screen.agreed(f"Approve {request.id}, {request.action} of {request.target}?") else None


async def _approve(request_id: str, typed: str, *, as_json: bool, asked: bool = True) -> Exit:
    """``asked``: this person has said that they mean it; else nothing may come of it but why it does not count."""
    async with office() as at:
        person = await at.signed_in()
        request = await at.desk.show(request_id)
        if await _decides(at, person, request) is None and not asked:
            raise Refused(f"{request.id} can be approved by you only now, and you were not asked yet; say it again.")
        decided = await at.desk.approve(request.id, at.vouched(person), typed)
        if not decided.ok and decided.request.state is RequestState.RUNNING:
            raise Refused(f"{decided.why} See it through with: tandem follow {request.id}")
        counted(decided)
        screen.tell(decided.why)
        waits = decided.request.state is RequestState.WAITING
        return show(decided.request if waits else await follow(at, decided.request), as_json=as_json)


async def _deny(request_id: str, reason: str, *, as_json: bool) -> Exit:
    async with office() as at:
        person = await at.signed_in()
        request = await at.desk.show(request_id)
        await _decides(at, person, request)
        decided = counted(await at.desk.deny(request.id, at.vouched(person), reason))
        show(decided.request, as_json=as_json)
        return Exit.AS_IT_SHOULD_BE


async def _withdraw(request_id: str, *, as_json: bool) -> Exit:
    async with office() as at:
        decided = counted(await at.desk.withdraw(request_id, await at.signed_in()))
        show(decided.request, as_json=as_json)
        return Exit.AS_IT_SHOULD_BE


async def _sign(request_id: str, note: str, *, as_json: bool) -> Exit:
    async with office() as at:
        person = await at.signed_in()
        request = await at.desk.show(request_id)
        await at.policy.may_approve(case_of(request), person.id, request.requester.id)  # The desk decides likewise.
        decided = counted(await at.desk.reviews.sign(request.id, at.vouched(person), note))
        show(decided.request, as_json=as_json)
        return Exit.AS_IT_SHOULD_BE


async def _see_through(request_id: str, *, as_json: bool) -> Exit:
    async with office() as at:
        await at.signed_in()
        return show(await follow(at, await at.desk.show(request_id)), as_json=as_json)


async def _decides(at: Office, person: Person, request: Request) -> str | None:
    """Why this person's word would not count; whom that takes is looked up here, so that the audit can say how."""
    if request.state is not RequestState.WAITING:
        return f"It is {request.state}."
    return await at.policy.may_approve(case_of(request), person.id, request.requester.id)


def counted(decided: Decided) -> Decided:
    """The same, where it counts.

    Raises:
        Refused: it does not; says why.
    """
    if not decided.ok:
        raise Refused(decided.why)
    return decided


def show(request: Request, *, as_json: bool) -> Exit:
    """Show how a request stands, which is the exit code too."""
    if as_json:
        screen.show_json(json_requests.request_json(request))
    else:
        from bot.render import terminal_requests

        screen.show(terminal_requests.request(request))
    return exit_of_request(request)
