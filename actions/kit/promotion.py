"""The point of no return where nobody is in charge: we promote, and there are never two writable masters.

The candidate is fenced while it still is a replica, and takes writes only once it was seen to be master. So whatever
becomes of the command that promotes it, at once or when a hung server wakes up, makes no second master that can be
written to. No I/O here but through Hands.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

from actions.kit.errors import ActionError, Gone, NotYet, TooLate, Unreachable
from actions.kit.fencing import FENCE, is_fenced
from actions.kit.late import called_back
from actions.kit.old_master import Unowed
from actions.kit.plan import Debts, Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.rejoin import Rejoin
from actions.kit.roles import has_all, is_master
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address

LOOK_WITHIN_S = 5
"""How long to look what became of a promotion that was not answered."""


@dataclass(frozen=True, slots=True)
class FenceCandidate(Step):
    """Have the candidate refuse writes from the moment on in which it becomes master; until then nothing changes."""

    candidate: Address
    settings: tuple[SettingChange, ...]

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Fence {self.candidate} before it is promoted"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.candidate}> " + "; ".join(f"CONFIG SET {change.name} {change.new}" for change in self.settings)

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed from before the step acts until it is undone or put back."""
        return self.settings

    async def act(self, hands: Hands) -> str:
        """Set it on a replica only: a master would refuse the writes that it is there for."""
        if (await hands.standing(self.candidate)).role is not Role.REPLICA:
            raise TooLate(f"{self.candidate} is a master already")
        await hands.change_settings(self.candidate, as_settings(self.settings), rewrite=False)
        if not await is_fenced(self.candidate, hands):
            raise NotYet(f"{self.candidate} did not keep its {FENCE}")
        return f"{self.candidate} would refuse writes as master"

    async def undo(self, hands: Hands) -> str:
        """Put the old values back on a replica; a process that is gone has taken them along."""
        try:
            standing = await hands.standing(self.candidate)
        except Gone:
            return f"{self.candidate} is gone, and its fence with it"
        if standing.role is not Role.REPLICA:
            raise NotYet(f"{self.candidate} is a {standing.role}: it stays fenced until it follows")
        doubt = await called_back(self.candidate, hands)
        await hands.change_settings(self.candidate, as_settings(self.settings, old=True), rewrite=False)
        return f"{self.candidate} is as it was{doubt}"


@dataclass(frozen=True, slots=True)
class Promote(Step):
    """Make the candidate a master that does not take writes yet. From here on there is no way back."""

    point_of_no_return: ClassVar[bool] = True
    candidate: Address
    master: Address | None
    """The master that has to be fenced; ``None`` where it is lost."""
    within_s: int = LOOK_WITHIN_S

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Promote {self.candidate}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.candidate}> REPLICAOF NO ONE"

    async def holds(self, hands: Hands) -> Held:
        """Whether the candidate is master, by its own word."""
        return await is_master(self.candidate, hands)

    async def act(self, hands: Hands) -> str:
        """Promote where both fences stand, and see it.

        A process that was restarted since is no longer fenced.
        """
        for node in filter(None, (self.candidate, self.master)):
            if not await is_fenced(node, hands):
                raise NotYet(f"not promoted: {node} is no longer fenced")
        await hands.promote(self.candidate)
        return (await until(lambda: self.holds(hands), hands, self.within_s)).observation

    async def undo(self, hands: Hands) -> str:
        """See that the candidate was not promoted, and that it cannot be any more.

        Where it stays silent it may wake up as master, and refuses writes then: its fence is left.

        Raises:
            TooLate: it was promoted after all.
        """
        try:
            return (await until(lambda: self._still_replica(hands), hands, self.within_s, every_s=0.2)).observation
        except NotYet as error:
            return f"{self.candidate} is silent ({error}); should it wake up as master, it refuses writes"

    async def _still_replica(self, hands: Hands) -> Held:
        try:
            await hands.recall(self.candidate)
            standing = await hands.standing(self.candidate)
        except Gone:
            return Held(yes=True, observation=f"{self.candidate} is gone, with what it was told")
        if standing.role is Role.MASTER:
            raise TooLate(f"{self.candidate} has been promoted after all")
        return Held(yes=True, observation=f"{self.candidate} is a {standing.role}")


@dataclass(frozen=True, slots=True)
class OpenForWrites(Step):
    """Let the promoted node take writes, and have its file say that it is a master: it may be restarted from now on.

    A step of its own, and a point of no return as well: from here on clients may have written to it, so where it falls
    silent the old master is never given its writes back. A run that was cut off may come here minutes later.
    """

    point_of_no_return: ClassVar[bool] = True
    candidate: Address
    settings: tuple[SettingChange, ...]
    master: Address | None = None
    """The old master, which has to be closed; ``None`` where there is none."""
    within_s: int = LOOK_WITHIN_S
    returning: Rejoin | None = None
    """How the old master is closed that was lost and is back; without it an open one stays the only one."""
    replid: str = ""
    """The history that it was promoted from: one that was restarted since may be a master without data."""
    offset: int = 0
    """How far that had come when this was planned."""
    named_by: tuple[Address, ...] = ()
    """The Sentinels that are left, which have to name the new master before it takes a write."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Let {self.candidate} take writes"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = f"{self.candidate}> " + "; ".join(f"CONFIG SET {change.name} {change.old}" for change in self.settings)
        return sets if self.returning is None else f"{sets}; if {self.master} is back, before: {self.returning.closing}"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed."""
        return self.settings

    async def destroys(self, hands: Hands) -> str | None:
        """Nothing: where the old master takes writes again, a run that was cut off asks before it goes on.

        Raises:
            TooLate: it does.
        """
        if await self._has_rival(hands):
            raise self._rivalled()
        return None

    async def act(self, hands: Hands) -> str:
        """As ``perform``, where nobody keeps what is owed."""
        return await self.perform(hands, Unowed())

    async def perform(self, hands: Hands, debts: Debts) -> str:
        """Put the values back on a master, trying again while it does not answer, and read them.

        An old master that is back is closed first, and opened again where the new one is not.

        Raises:
            TooLate: the old master takes writes and is not to be closed, or the new one is no master any more.
        """
        back: dict[str, str] = {}
        seen = told = False  # From when it is told on the new one may take writes, whatever it answers.

        async def opened() -> Held:
            nonlocal seen, told
            await self._see_master(hands)
            await self._see_named(hands)
            if not told and await self._has_rival(hands, seen=seen):
                seen = True
                if self.returning is None:
                    raise self._rivalled()
                await self.returning.close(hands, debts, back)
                await self._see_master(hands)
            told = True
            await hands.change_settings(self.candidate, as_settings(self.settings, old=True), rewrite=False)
            still = await is_fenced(self.candidate, hands)
            return Held(not still, f"{self.candidate} {'still refuses' if still else 'takes'} writes")

        try:
            held = await until(opened, hands, self.within_s, every_s=0.1)
        except ActionError:
            if self.returning is not None and back and not told:
                await self.returning.reopen(hands, debts, back)
            raise
        with contextlib.suppress(ActionError):  # Whether the files are right is looked at once all follow.
            await hands.rewrite_config(self.candidate)
        return held.observation + await self._brought_home(hands, debts, back)

    async def _see_master(self, hands: Hands) -> None:
        standing = await hands.standing(self.candidate)
        if standing.role is not Role.MASTER:
            raise TooLate(f"{self.candidate} is no master any more")
        if not await has_all(self.candidate, standing, hands, self.replid, self.offset):
            raise TooLate(
                f"{self.candidate} was restarted since it was promoted, and nothing proves that it has the data"
            )

    async def _see_named(self, hands: Hands) -> None:
        for sentinel in self.named_by:
            try:
                named = await hands.named_master(sentinel)
            except Unreachable:
                continue  # It is owed its telling.
            if named != self.candidate:
                raise NotYet(
                    f"{self.candidate} was not opened: Sentinel {sentinel} names {named}, and makes it a replica of "
                    "that one as soon as it can; tell it first"
                )

    async def _has_rival(self, hands: Hands, *, seen: bool = False) -> bool:
        """One that was restarted since, that is back, or that somebody gave its writes back, may have taken some.

        Raises:
            Unreachable: it has fallen silent since it was seen to take writes.
        """
        if self.master is None or not await is_fenced(self.candidate, hands):
            return False
        try:
            return (await is_master(self.master, hands)).yes and not await is_fenced(self.master, hands)
        except Gone:
            return False
        except Unreachable:
            if seen:
                raise
            return False  # It wakes up with its fence; one that was lost is looked for again.

    def _rivalled(self) -> TooLate:
        return TooLate(f"{self.candidate} was not opened: {self.master} takes writes again")

    async def _brought_home(self, hands: Hands, debts: Debts, back: dict[str, str]) -> str:
        """At once, since the values that it had are known here. Why it was not, the step after this one says."""
        if self.returning is None or not back:
            return ""
        try:
            return f"; {self.master} was back, and was fenced first: {await self.returning.home(hands, debts, back)}"
        except ActionError:
            return f"; {self.master} was back, and was fenced first"

    async def undo(self, hands: Hands) -> str:
        """Nothing, where somebody has made it a replica again since.

        Raises:
            TooLate: it is a master.
            NotYet: it is silent, and what it took meanwhile would be lost if another became master.
        """
        try:
            standing = await hands.standing(self.candidate)
        except ActionError as error:
            raise NotYet(f"{self.candidate} may have taken writes as master, and is silent: {error}") from error
        if standing.role is Role.MASTER:
            raise TooLate(f"{self.candidate} takes writes as master")
        return f"{self.candidate} is a {standing.role}"
