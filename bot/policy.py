"""Decides who may ask for what, where, and who may approve it. Every look-up that fails is a no. No I/O here.

People are known by their Slack user id alone; names change and can be copied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from actions.kit.action import Action
from actions.kit.plan import Risk
from bot.directory import Directory, LookupFailed
from bot.fleet import Fleet, People
from bot.render.words import NAME_LENGTH, listed, plain, quoted


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


class Policy:
    """The rules of one fleet, with a live look at who people are."""

    def __init__(self, fleet: Fleet, directory: Directory) -> None:
        self._fleet = fleet
        self._directory = directory

    @staticmethod
    def approvals_needed(risk: Risk, environment: str) -> int:
        """How many second people have to agree; ``reversible`` ones are free outside production."""
        if risk is Risk.READ or (risk is Risk.REVERSIBLE and environment != "production"):
            return 0
        return 1

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
        noes = [await self._may_request(person_id, name) for name in ([target_name] if target_name else seen)]
        return None if None in noes else noes[0]

    async def eligibility(self, target_name: str, requester_id: str) -> Eligibility:
        """Who can approve a request of this person on this target, each of them looked up now."""
        try:
            entitled = await self._members("approve on", target_name, self._fleet.approvers.get(target_name))
        except LookupFailed as error:
            return Eligibility(0, why_not=(str(error),))
        noes = await asyncio.gather(*(self._why_not(one, requester_id) for one in entitled))
        return Eligibility(
            approvers_total=len(entitled),
            active=tuple(one for one, no in zip(entitled, noes, strict=True) if no is None),
            why_not=tuple(no for no in noes if no is not None),
        )

    async def may_approve(self, target_name: str, person_id: str, requester_id: str) -> str | None:
        """Whether this person may decide on a request; ``None`` is yes, else a sentence says why not."""
        if person_id == requester_id:
            return "You asked for this yourself; a second person has to decide."
        return await self._not_entitled("approve on", target_name, self._fleet.approvers.get(target_name), person_id)

    async def may_freeze(self, person_id: str, targets: Iterable[str]) -> str | None:
        """Whether this person may freeze all of these: who may ask for changes there may; ``None`` is yes."""
        return await self._first_no("freeze", targets, self._fleet.requesters, person_id)

    async def may_thaw(self, person_id: str, targets: Iterable[str]) -> str | None:
        """Whether this person may end freezes and cooldowns of all of these: it takes an approver; ``None`` is yes."""
        return await self._first_no("thaw", targets, self._fleet.approvers, person_id)

    def channels_of(self, target_name: str) -> tuple[str, ...]:
        """The channels in which a target is spoken of."""
        return self._fleet.channels_of(target_name)

    async def _first_no(
        self, what: str, targets: Iterable[str], entitled: Mapping[str, People], person_id: str
    ) -> str | None:
        noes = [await self._not_entitled(what, name, entitled.get(name), person_id) for name in targets]
        return next((no for no in noes if no is not None), None)

    async def may_hold_a_token(self, person_id: str) -> str | None:
        """Whether somebody is a full, active member of this workspace; ``None`` is yes, else a sentence says why not.

        A token only says who somebody is: what they may do with it is decided each time.
        """
        return await self._no_colleague(person_id)

    async def _may_request(self, person_id: str, target_name: str) -> str | None:
        requesters = self._fleet.requesters.get(target_name)
        return await self._not_entitled("ask for changes on", target_name, requesters, person_id)

    async def _not_entitled(self, what: str, target_name: str, people: People | None, person_id: str) -> str | None:
        try:
            entitled = await self._members(what, target_name, people)
        except LookupFailed as error:
            return str(error)
        if people is None or person_id not in entitled:
            return f"You may not {what} {target_name}; {_named(people)} may."
        return await self._no_colleague(person_id)

    async def _members(self, what: str, target_name: str, people: People | None) -> tuple[str, ...]:
        """The ids, each once. Raises ``LookupFailed``, also where nobody is named: an unset list is closed."""
        if people is None:
            raise LookupFailed(
                f"Nobody may {what} {target_name}: targets.yaml names no approvers. "
                "Add approvers: {usergroup: S…} or {users: [U…]}."
            )
        group: Iterable[str] = ()
        if people.usergroup:
            try:
                group = await self._directory.group_members(people.usergroup)
            except LookupFailed as error:
                raise LookupFailed(
                    f"Who may {what} {target_name} could not be looked up, and so nobody may now: {error}"
                ) from error
        members = tuple(dict.fromkeys([*people.users, *group]))
        if not members:
            raise LookupFailed(f"Nobody may {what} {target_name}: user group {people.usergroup} has no members.")
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
