"""``request`` in a terminal: plans, files, and says who can approve. Nothing is done before that."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from actions.kit.errors import UsageError
from actions.kit.plan import Refusal
from actions.registry import by_name
from bot.cli import screen
from bot.cli.exits import Exit, exit_of_request
from bot.cli.following import follow
from bot.cli.looking import chosen
from bot.cli.office import Office, office
from bot.cli.planning import change_of, show_refusal
from bot.directory import Human
from bot.fleet import Case
from bot.ledger import Person, Request, RequestState
from bot.policy import case_of
from bot.render import json_requests
from bot.vocabulary import MAX_REASON


@dataclass(frozen=True, slots=True)
class How:
    """What is said with a request besides what it is about. ``break_glass``: it shall go without approval."""

    reason: str = ""
    break_glass: bool = False


def request(action_name: str, target_name: str | None, options: Mapping[str, str], how: How, *, as_json: bool) -> Exit:
    """File a request; ``WAITING`` where it needs an approval, else how its run ended.

    Raises:
        UsageError: there is no such action, target or option, or the action changes nothing.
        SettingsError: there is no token.
        Refused: it is of no use.
        LedgerError: it could not be filed; nothing was begun.
    """
    action = change_of(action_name, options)
    target = chosen(target_name)
    how = replace(how, reason=reason_of(how.reason))

    async def ask(at: Office, person: Person) -> Request | Refusal:
        await at.policy.may_use(person.id, action, None, target.name)  # The desk decides by the same answers.
        if how.break_glass:
            await at.policy.may_break_glass(Case(target.name, action.name, action.risk), person.id)
        with screen.working(f"Looking at {target.name} and planning"):
            asked = (action.name, target.name, options, at.vouched(person))
            return await at.desk.ask(*asked, reason=how.reason, break_glass=how.break_glass)

    return asyncio.run(_filed(ask, as_json=as_json))


def undo(request_id: str, how: How, *, as_json: bool) -> Exit:
    """File a request that puts back what this one has set; as ``request``.

    Raises:
        UsageError: nothing of it can be put back so, or there is no reason to break the glass.
        UnknownRequest: there is no such request.
        SettingsError: there is no token.
        LedgerError: it could not be filed; nothing was begun.
    """
    how = replace(how, reason=reason_of(how.reason))

    async def ask(at: Office, person: Person) -> Request | Refusal:
        done = await at.desk.show(request_id)
        await at.policy.may_use(person.id, by_name(done.action), None, done.target)  # As above.
        if how.break_glass:
            await at.policy.may_break_glass(case_of(done), person.id)
        with screen.working(f"Looking at {done.target} and planning"):
            return await at.desk.undo(done.id, at.vouched(person), reason=how.reason, break_glass=how.break_glass)

    return asyncio.run(_filed(ask, as_json=as_json))


def reason_of(text: str) -> str:
    """A reason as it is kept.

    Raises:
        UsageError: it is too long.
    """
    reason = text.strip()
    if len(reason) > MAX_REASON:
        raise UsageError(f"A reason has at most {MAX_REASON} characters, and this one {len(reason)}.")
    return reason


async def _filed(ask: Callable[[Office, Person], Awaitable[Request | Refusal]], *, as_json: bool) -> Exit:
    async with office() as at:
        outcome = await ask(at, await at.signed_in())
        if isinstance(outcome, Refusal):
            show_refusal(outcome, as_json=as_json)
            return Exit.REFUSED
        if beside := await at.desk.waiting_beside(outcome):
            screen.tell(beside)
        if outcome.state is not RequestState.WAITING:
            outcome = await follow(at, outcome)
        _show(outcome, await _approvers(at, outcome), as_json=as_json)
        return exit_of_request(outcome)


async def _approvers(at: Office, shown: Request) -> tuple[Human, ...]:
    """Who can approve it, as long as it waits."""
    if shown.state is not RequestState.WAITING:
        return ()
    eligibility = await at.policy.eligibility(case_of(shown), shown.requester.id)
    return tuple(await asyncio.gather(*map(at.directory.user, eligibility.active)))


def _show(shown: Request, approvers: Sequence[Human], *, as_json: bool) -> None:
    if as_json:
        screen.show_json(
            json_requests.request_json(shown) | {"can_approve": [json_requests.human_json(one) for one in approvers]}
        )
        return
    from bot.render import terminal_requests

    waits = shown.state is RequestState.WAITING
    screen.show(terminal_requests.filed(shown, approvers) if waits else terminal_requests.request(shown))
