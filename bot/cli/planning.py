"""``plan`` in a terminal: what a change would do now. It changes nothing."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from actions.adapters import connect
from actions.kit.action import ChangeAction
from actions.kit.errors import SettingsError, UsageError
from actions.kit.plan import Plan, Refusal
from actions.kit.topology import Target
from actions.registry import by_name
from bot.cli import screen
from bot.cli.exits import Exit
from bot.cli.looking import chosen
from bot.environment import targets_file
from bot.fleet import Case
from bot.render import json_requests
from bot.targets import load_targets


def plan(action_name: str, target_name: str | None, options: Mapping[str, str], *, as_json: bool) -> Exit:
    """Observe, plan and show; ``REFUSED`` where there is no plan.

    Raises:
        UsageError: there is no such action, target or option, or the action changes nothing.
    """
    action = change_of(action_name, options)
    fleet = load_targets(targets_file())
    target = chosen(target_name, fleet)
    planned = asyncio.run(_planned(action, target, options))
    if isinstance(planned, Refusal):
        show_refusal(planned, as_json=as_json)
        return Exit.REFUSED
    needed = fleet.approvals_needed(Case(target.name, planned.action, planned.risk))
    _show_plan(planned, needed, as_json=as_json)
    return Exit.AS_IT_SHOULD_BE


def change_of(name: str, options: Mapping[str, str]) -> ChangeAction:
    """The action of this name, which takes these options.

    Raises:
        UsageError: there is no such action or option, or the action changes nothing.
    """
    action = by_name(name)
    if not isinstance(action, ChangeAction):
        raise UsageError(f"{action.name} changes nothing and has no plan; run: tandem {action.name}")
    unknown = {name for name in options if name not in {option.name for option in action.options}}
    if unknown and not action.settings:
        raise UsageError(f"{action.name} has no option --{min(unknown)}.")
    return action


async def _planned(action: ChangeAction, target: Target, options: Mapping[str, str]) -> Plan | Refusal:
    held = await _held(target.name)
    if held:
        return Refusal(target.name, action.name, held)
    hands = connect(target)
    try:
        return action.plan(await action.look(hands), options)
    finally:
        await hands.aclose()


async def _held(name: str) -> tuple[str, ...]:
    """Why a target takes no change now, by the ledger; nothing where there is none, as a plan needs none."""
    from bot.cli.records import existing_ledger
    from bot.ledger import Ledger, LedgerError

    try:
        ledger = await Ledger.open(existing_ledger(), upgrades=False)
    except SettingsError:
        return ()
    except LedgerError as error:
        screen.tell(f"Whether {name} is frozen or busy is not known: {error}")
        return ()
    try:
        return tuple(no for no in (await ledger.freezes.why_not(name), await ledger.busy(name)) if no)
    finally:
        await ledger.aclose()


def _show_plan(planned: Plan, approvals_needed: int, *, as_json: bool) -> None:
    if as_json:
        screen.show_json(json_requests.plan_json(planned, approvals_needed))
    else:
        from bot.render import terminal_requests

        screen.show(terminal_requests.plan(planned, approvals_needed))


def show_refusal(refusal: Refusal, *, as_json: bool) -> None:
    """Why there is no plan."""
    if as_json:
        screen.show_json(json_requests.refusal_json(refusal))
    else:
        from bot.render import terminal_requests

        screen.show(terminal_requests.refusal(refusal))
