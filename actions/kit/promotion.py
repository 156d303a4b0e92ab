"""The point of no return where nobody is in charge: we promote, and there are never two writable masters.

The candidate is fenced while it still is a replica, and takes writes only once it was seen to be master. So whatever
becomes of the command that promotes it, at once or when a hung server wakes up, makes no second master that can be
written to. No I/O here but through Hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.kit.errors import Gone, NotYet, TooLate, Unreachable
from actions.kit.fencing import but_scripts, why_open
from actions.kit.late import called_back
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.roles import is_master
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address
from actions.kit.votes import newest

LOOK_WITHIN_S = 5
"""How long to look what became of a promotion that was not answered."""


@dataclass(frozen=True, slots=True)
class FenceCandidate(Step):
    """Have the candidate refuse writes from the moment on in which it becomes master; until then nothing changes."""

    candidate: Address
    settings: tuple[SettingChange, ...]
    by_sentinel: bool = False
    """Sentinel is to promote it, and may do so by itself: then it is the master, and has to take writes.

    It has the file written with each role that it gives.
    """
    scripts_pass: bool = False
    """Its fence does not stop scripts that write; see ``fencing.scripts_pass``."""

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
        wanted = as_settings(self.settings)
        await hands.change_settings(self.candidate, wanted, rewrite=False)
        if why := await why_open(self.candidate, hands, wanted):
            raise NotYet(f"{self.candidate} would take writes as master: {why}")
        return f"{self.candidate} would refuse writes as master{but_scripts(self.scripts_pass)}"

    async def undo(self, hands: Hands) -> str:
        """Put the old values back on a replica, or on whom the Sentinels have made master without us.

        A process that is gone has taken them along.
        """
        try:
            standing = await hands.standing(self.candidate)
        except Gone:
            return f"{self.candidate} is gone, and its fence with it"
        except Unreachable as error:
            refuses = f"should it wake up as a master, it refuses writes{but_scripts(self.scripts_pass)}"
            raise NotYet(f"{error}; {refuses}") from error
        is_replica = standing.role is Role.REPLICA
        if not is_replica and not (self.by_sentinel and await self._is_named(hands)):
            stays = f"it stays fenced{but_scripts(self.scripts_pass)} until it follows"
            raise NotYet(f"{self.candidate} is a {standing.role}: {stays}")
        doubt = await called_back(self.candidate, hands)
        await hands.change_settings(self.candidate, as_settings(self.settings, old=True), rewrite=self.by_sentinel)
        return f"{self.candidate} is as it was{doubt}"

    async def _is_named(self, hands: Hands) -> bool:
        return newest(await hands.sentinel_views()).named == {self.candidate}


@dataclass(frozen=True, slots=True)
class Promote(Step):
    """Make the candidate a master that does not take writes yet. From here on there is no way back."""

    point_of_no_return: ClassVar[bool] = True
    candidate: Address
    master: Address | None
    """The master that has to be fenced; ``None`` where it is lost."""
    within_s: int = LOOK_WITHIN_S
    scripts_pass: bool = False
    """Its fence does not stop scripts that write; see ``fencing.scripts_pass``."""

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

        A process that was restarted since is no longer fenced, nor one whose settings somebody has changed.
        """
        for node in filter(None, (self.candidate, self.master)):
            if why := await why_open(node, hands):
                raise NotYet(f"not promoted: {node} is no longer fenced, {why}")
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
            refuses = f"should it wake up as master, it refuses writes{but_scripts(self.scripts_pass)}"
            return f"{self.candidate} is silent ({error}); {refuses}"

    async def _still_replica(self, hands: Hands) -> Held:
        try:
            await hands.recall(self.candidate)
            standing = await hands.standing(self.candidate)
        except Gone:
            return Held(yes=True, observation=f"{self.candidate} is gone, with what it was told")
        if standing.role is Role.MASTER:
            raise TooLate(f"{self.candidate} has been promoted after all")
        return Held(yes=True, observation=f"{self.candidate} is a {standing.role}")
