"""Decides who may ask for what, where, and who may approve it. Every look-up that fails is a no. No I/O here.

People are known by their Slack user id alone; names change and can be copied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions.kit.action import Action
from actions.kit.plan import Risk
from bot.directory import Directory, LookupFailed
from bot.fleet import FREEZE, THAW, Case, Fleet, People
from bot.render.words import NAME_LENGTH, listed, plain, quoted

if TYPE_CHECKING:  # It brings the database's library.
    from bot.ledger.records import Request


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Who can approve one request.

    ``approvers_total``: how many are entitled on the target, the requester among them. ``active``: the ids of those
    that may approve this request. ``why_not``: a sentence for each that may not, or for why there is nobody at all.
    """

    approvers_total: int
    active: tuple[str, ...] = ()
    why_not: tuple[str, ...] = ()

    def enough(self, needed: int) -> bool:
        """Whether the approvals can come together at all."""
        return len(self.active) >= needed

    @property
    def sentence(self) -> str:
        """``3 people can approve, 2 are active.``; with the reasons where nobody is."""
        total, active = self.approvers_total, len(self.active)
        if not active:
            return " ".join(["Nobody can approve this.", *self.why_not])
        people = "1 person" if total == 1 else f"{total} people"
        return f"{people} can approve, {active} {'is' if active == 1 else 'are'} active."


def case_of(request: Request) -> Case:
    """What the rules go by, of a request that was filed."""
    return Case(request.target, request.action, request.plan.risk, request.channel)


@dataclass(frozen=True, slots=True)
class _Right:
    """Something that only certain people may do. ``key``: who they are in ``targets.yaml``."""

    what: str
    key: str = "approvers"


_APPROVE, _ASK = _Right("decide on requests for"), _Right("ask for changes on", "requesters or approvers")
_FREEZE, _THAW = _Right("freeze", "requesters or approvers"), _Right("thaw")
_BREAK_GLASS = _Right("break the glass on", "break_glass")
_NAMES = _Right("see key names of")


class Policy:
    """The rules of one fleet, with a live look at who people are."""

    def __init__(self, fleet: Fleet, directory: Directory) -> None:
        self._fleet = fleet
        self._directory = directory

    def approvals_needed(self, case: Case) -> int:
        """How many second people have to agree."""
        return self._fleet.approvals_needed(case)

    async def may_use(
        self, person_id: str, action: Action, channel: str | None, target_name: str | None = None
    ) -> str | None:
        """Whether somebody may ask for an action in a channel; ``None`` is yes, else a sentence says why not.

        Reading is for everybody in the channel, changing for the target's requesters. Without a target: whether
        there is any target here on which they may.
        """
        seen = self._fleet.seen_from(channel)
        if not seen:
            return "No target is bound to this channel, and all are bound to others; ask where they are."
        if target_name is not None and target_name not in seen:
            return self._not_here(target_name)
        if action.risk is Risk.READ:
            return None
        cases = [Case(name, action.name, action.risk, channel) for name in ([target_name] if target_name else seen)]
        noes = [await self.may_ask(case, person_id) for case in cases]
        return None if None in noes else noes[0]

    async def may_ask(self, case: Case, person_id: str) -> str | None:
        """Whether this person may ask for a change; ``None`` is yes, else a sentence says why not."""
        return await self._not_entitled(_ASK, case, self._fleet.requesters_of(case), person_id)

    async def may_break_glass(self, case: Case, person_id: str) -> str | None:
        """Whether this person may have a change without any approval; ``None`` is yes, else a sentence says why not."""
        if case.risk is Risk.IRREVERSIBLE:
            return f"{case.action} cannot be undone: it takes a second person in an emergency too."
        no = await self.may_ask(case, person_id)
        return no or await self._not_entitled(_BREAK_GLASS, case, self._fleet.break_glass_of(case), person_id)

    async def eligibility(self, case: Case, requester_id: str) -> Eligibility:
        """Who can approve a request of this person, each of them looked up now."""
        try:
            entitled = await self._members(_APPROVE, case, self._fleet.approvers_of(case))
        except LookupFailed as error:
            return Eligibility(0, why_not=(str(error),))
        noes = await asyncio.gather(*(self._why_not(one, requester_id) for one in entitled))
        return Eligibility(
            approvers_total=len(entitled),
            active=tuple(one for one, no in zip(entitled, noes, strict=True) if no is None),
            why_not=tuple(no for no in noes if no is not None),
        )

    async def may_approve(self, case: Case, person_id: str, requester_id: str) -> str | None:
        """Whether this person may decide on a request; ``None`` is yes, else a sentence says why not."""
        if person_id == requester_id:
            return "You asked for this yourself; a second person has to decide."
        return await self._not_entitled(_APPROVE, case, self._fleet.approvers_of(case), person_id)

    async def may_freeze(self, person_id: str, targets: Iterable[str], channel: str | None = None) -> str | None:
        """Whether this person may freeze all of these: who may ask for changes there may; ``None`` is yes."""
        cases = [Case(name, FREEZE, Risk.REVERSIBLE, channel) for name in targets]
        noes = [await self._not_entitled(_FREEZE, case, self._fleet.requesters_of(case), person_id) for case in cases]
        return next((no for no in noes if no is not None), None)

    async def may_thaw(self, person_id: str, targets: Iterable[str], channel: str | None = None) -> str | None:
        """Whether this person may end freezes and cooldowns of all of these: it takes an approver; ``None`` is yes."""
        cases = [Case(name, THAW, Risk.REVERSIBLE, channel) for name in targets]
        noes = [await self._not_entitled(_THAW, case, self._fleet.approvers_of(case), person_id) for case in cases]
        return next((no for no in noes if no is not None), None)

    async def may_see_names(self, person_id: str, target: str, channel: str | None = None) -> str | None:
        """Whether this person may see names of keys: who may approve what destroys there may; ``None`` is yes."""
        case = Case(target, "diagnose", Risk.DESTRUCTIVE, channel)
        return await self._not_entitled(_NAMES, case, self._fleet.approvers_of(case), person_id)

    async def may_hold_a_token(self, person_id: str) -> str | None:
        """Whether somebody is a full, active member of this workspace; ``None`` is yes, else a sentence says why not.

        A token only says who somebody is: what they may do with it is decided each time.
        """
        return await self._no_colleague(person_id)

    async def _not_entitled(self, right: _Right, case: Case, people: People | None, person_id: str) -> str | None:
        try:
            entitled = await self._members(right, case, people)
        except LookupFailed as error:
            return str(error)
        if people is None or person_id not in entitled:
            return f"You may not {right.what} {case.target}; {_named(people)} may."
        return await self._no_colleague(person_id)

    async def _members(self, right: _Right, case: Case, people: People | None) -> tuple[str, ...]:
        """The ids, each once. Raises ``LookupFailed``, also where nobody is named: an unset list is closed."""
        who = f"{right.what} {case.target}"
        if people is None:
            raise LookupFailed(
                f"Nobody may {who}: targets.yaml names no {right.key}. "
                f"Add {right.key.split()[-1]}: {{usergroup: S…}} or {{users: [U…]}}."
            )
        group: Iterable[str] = ()
        if people.usergroup:
            try:
                group = await self._directory.group_members(people.usergroup)
            except LookupFailed as error:
                raise LookupFailed(f"Who may {who} could not be looked up, and so nobody may now: {error}") from error
        members = tuple(dict.fromkeys([*people.users, *group]))
        if not members:
            raise LookupFailed(f"Nobody may {who}: user group {people.usergroup} has no members.")
        return members

    async def _why_not(self, person_id: str, requester_id: str) -> str | None:
        if person_id == requester_id:
            return f"{person_id} asked for it, and a second person has to approve."
        return await self._no_colleague(person_id)

    async def _no_colleague(self, person_id: str) -> str | None:
        """Why a person is not a full, active member of this workspace."""
        try:
            human = await self._directory.user(person_id)
        except LookupFailed as error:
            return f"{person_id} could not be looked up, and so may not now: {error}"
        kinds = {
            "is deactivated": human.is_deleted,
            "is a bot": human.is_bot,
            "belongs to another workspace": human.is_external,
            "is a guest": human.is_guest,
        }
        no = next((kind for kind, applies in kinds.items() if applies), None)
        return f"{plain(human.name, NAME_LENGTH)} ({person_id}) {no}." if no else None

    def _not_here(self, target_name: str) -> str:
        if target_name not in self._fleet.targets:
            return f"There is no target {quoted(target_name)}."
        channels = [channel for channel, names in self._fleet.channels.items() if target_name in names]
        if not channels:
            return f"This channel is bound to other targets than {target_name}; ask in one that is bound to none."
        return f"{target_name} is bound to {listed(channels, 'or')}; ask there."


def _named(people: People | None) -> str:
    group = [f"the members of user group {people.usergroup}"] if people and people.usergroup else []
    return listed([*group, *(people.users if people else ())] or ["nobody"])
