"""The second point of no return where nobody is in charge: the promoted node takes writes, beside a closed old master.

No I/O here but through Hands.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

from actions.kit.errors import ActionError, Gone, NotYet, TooLate, Unreachable
from actions.kit.fencing import is_fenced, keeps_fence
from actions.kit.old_master import Unowed
from actions.kit.plan import Debts, Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.promotion import LOOK_WITHIN_S
from actions.kit.rejoin import Rejoin
from actions.kit.roles import has_all, is_master
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address


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
            still = await keeps_fence(self.candidate, hands)
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
                    f"that one as soon as it can. Once it is told: {self.command}"
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
