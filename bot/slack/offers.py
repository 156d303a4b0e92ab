"""Finds out what one person may do in one place, by asking the very policy that would refuse it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping

from actions.diagnose import NAMES
from actions.kit.action import Action
from actions.kit.plan import Risk
from bot.fleet import Case, Fleet
from bot.render.blocks_menu import Offer
from bot.slack.ports import Rights
from bot.vocabulary import BREAK_GLASS, WORDS


async def offered(rights: Rights, fleet: Fleet, actions: tuple[Action, ...], person_id: str, channel: str) -> Offer:
    """What this person may do in this channel.

    Args:
        rights: the policy.
        fleet: the targets and where they are bound.
        actions: those that there are.
        person_id: a Slack user's id.
        channel: its id; empty where there is none.
    """
    targets = fleet.seen_from(channel)
    changes = [action for action in actions if action.risk is not Risk.READ]
    cases = [Case(name, action.name, action.risk, channel) for action in changes for name in targets]
    noes = await _noes(rights, cases, person_id, targets)
    asked = [rights.may_use(person_id, action, channel, name) for action in changes for name in targets]
    answers = dict(zip(cases, await asyncio.gather(*asked), strict=True))
    for action in changes:
        why = [no for case, no in answers.items() if case.action == action.name]
        noes |= {action.name: str(why[0])} if why and None not in why else {}
    if changes and all(action.name in noes for action in changes):
        noes["undo"] = noes["withdraw"] = noes[changes[0].name]  # What is asked for, or was.
    if "sign" in noes:
        noes["approve"] = noes["deny"] = noes["sign"]
    if "sign" in noes and all(action.name in noes for action in changes):
        noes["cancel"] = noes["sign"]  # A run is stopped by who may decide on it, and by who has asked for it.
    return Offer(
        actions=tuple(action for action in actions if action.name not in noes) if targets else (),
        targets=targets,
        kinds={name: fleet.targets[name].kind for name in targets},
        words=tuple(word for word in WORDS if word.name not in noes),
        closed=frozenset((case.action, case.target) for case, no in answers.items() if no is not None),
        withheld=frozenset(noes) & {NAMES.name, BREAK_GLASS.name},
        noes=noes,
    )


async def _noes(rights: Rights, cases: list[Case], person_id: str, targets: tuple[str, ...]) -> dict[str, str]:
    """Why not, for each word and option that this person may use on no target here."""
    channel = cases[0].channel if cases else None
    asked: Mapping[str, list[Awaitable[str | None]]] = {
        "sign": [rights.may_approve(case, person_id, requester_id="") for case in cases],
        "freeze": [rights.may_freeze(person_id, [name], channel) for name in targets],
        "thaw": [rights.may_thaw(person_id, [name], channel) for name in targets],
        "token": [rights.may_hold_a_token(person_id)],
        BREAK_GLASS.name: [rights.may_break_glass(case, person_id) for case in cases],
        NAMES.name: [rights.may_see_names(person_id, name, channel) for name in targets],
    }
    answers = await asyncio.gather(*(asyncio.gather(*each) for each in asked.values()))
    return {name: str(each[0]) for name, each in zip(asked, answers, strict=True) if each and None not in each}
