"""The point of no return of a repair: the loser follows the keeper, and its data is only in its copy from then on.

No I/O here but through Hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.kit.errors import Gone, NotYet, Permanent, Temporary, TooLate
from actions.kit.note import Note
from actions.kit.plan import Held, Step
from actions.kit.ports import Hands
from actions.kit.repair.fence import is_held
from actions.kit.repair.rescue import Loser, why_not_frozen
from actions.kit.rescue import RescueCopy, values_of, where_it_is
from actions.kit.roles import follows
from actions.kit.steps import PutBack, until
from actions.kit.topology import Address

NO_COPY = "there is no verified copy of its data"


@dataclass(frozen=True, slots=True)
class DemoteLoser(Step):
    """Make the loser a replica of the keeper, only where a verified copy holds all that it has.

    One transaction ends its pause and demotes it: writes that wait in the pause would else run in between.
    """

    point_of_no_return: ClassVar[bool] = True
    loser: Loser
    keeper: Address
    keeper_run: str
    """The run id of the keeper: one that was restarted meanwhile may have come back without its data."""
    pause_ms: int
    within_s: int = 5

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Demote {self.loser.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return (
            f"{self.loser.node}> MULTI; CLIENT UNPAUSE; REPLICAOF {self.keeper.host} {self.keeper.port}; EXEC; "
            "CLIENT KILL TYPE normal"
        )

    async def holds(self, hands: Hands) -> Held:
        """Whether it follows the keeper, by its own word."""
        return await follows(self.loser.node, self.keeper, hands)

    async def destroys(self, hands: Hands) -> str | None:
        """Nothing that its copy does not hold."""
        try:
            if (await self.holds(hands)).yes or await self._why_not(hands) is None:
                return None
        except Temporary as error:
            return f"{self.loser.node} has to be demoted and does not answer ({error})"
        raise TooLate(f"{self.loser.node} is not demoted: {await self._why_not(hands)}")

    async def act(self, hands: Hands) -> str:
        """Demote it, and disconnect its clients.

        Raises:
            NotYet: there is no verified copy of all that it has, or the keeper does not answer: it stays as it is.
            TooLate: the keeper is no master any more.
        """
        copy = await hands.rescued(self.loser.copy)
        if copy is None:
            raise NotYet(f"{self.loser.node} was not demoted: {NO_COPY}")
        await self._still_kept(hands)
        held = await until(lambda: self._follows(copy, hands), hands, self.within_s, every_s=0.1)
        await until(lambda: self._alone(hands), hands, self.within_s, every_s=0.1)
        return f"{held.observation}, its clients were disconnected"

    async def _still_kept(self, hands: Hands) -> None:
        """Looked at after the copy was read once more, which takes minutes where it is large."""
        kept = (await hands.observe()).node(self.keeper)
        if kept is None or kept.info is None:
            raise NotYet(f"{self.loser.node} was not demoted: {self.keeper} does not answer")
        if not kept.is_master:
            raise TooLate(f"{self.loser.node} was not demoted: {self.keeper} is a {kept.info.role} by now")
        if kept.info.run_id != self.keeper_run or kept.info.loading:
            raise TooLate(f"{self.loser.node} was not demoted: {self.keeper} was restarted meanwhile")

    async def _follows(self, copy: RescueCopy, hands: Hands) -> Held:
        """A Sentinel that waited in the pause does the same as soon as it is over, and closes our connection by it."""
        held = await self.holds(hands)
        if held.yes:
            return held
        # Nothing comes between this look and the demotion: the fence alone does not stop scripts before Redis 7.0.
        await hands.fence(self.loser.node, self.pause_ms, {})
        why = await why_not_frozen(self.loser, copy, await hands.standing(self.loser.node), hands)
        if why:
            raise TooLate(f"{self.loser.node} was not demoted: {why}")
        await hands.demote(self.loser.node, self.keeper)
        return await self.holds(hands)

    async def _alone(self, hands: Hands) -> Held:
        await hands.disconnect_clients(self.loser.node)
        return Held(yes=True, observation="")

    async def _why_not(self, hands: Hands) -> str | None:
        copy = await hands.rescued(self.loser.copy)
        if copy is None:
            return NO_COPY
        return await why_not_frozen(self.loser, copy, await hands.standing(self.loser.node), hands)

    async def undo(self, hands: Hands) -> str:
        """See that it was not demoted, and that it cannot be any more.

        Raises:
            TooLate: it follows the keeper after all.
        """
        try:
            return (await until(lambda: self._still_master(hands), hands, self.within_s, every_s=0.2)).observation
        except Permanent:
            raise
        except Temporary as error:
            raise NotYet(f"{self.loser.node} is silent, and may follow {self.keeper} when it wakes up") from error

    async def _still_master(self, hands: Hands) -> Held:
        try:
            await hands.recall(self.loser.node)
            held = await self.holds(hands)
        except Gone:
            return Held(yes=True, observation=f"{self.loser.node} is gone, with what it was told")
        if held.yes:
            raise TooLate(f"{held.observation} after all")
        return Held(yes=True, observation=held.observation)


@dataclass(frozen=True, slots=True)
class ReleaseLoser(PutBack):
    """Give a demoted loser its settings back; where its data was held back, its sync throws it away from then on.

    So the copy is asked for once more: a Sentinel may have demoted the loser after its fence came down again, or the
    copy may be gone.
    """

    loser: Loser | None = None

    async def act(self, hands: Hands) -> str:
        """See the copy, then as ``PutBack``.

        Raises:
            NotYet: there is no verified copy of all that it has: its data stays held back, and that is owed.
        """
        loser = self.loser
        if loser is not None and loser.hold is not None and await is_held(loser.hold, hands):
            copy = await hands.rescued(loser.copy)
            standing = await hands.standing(self.node)
            why = NO_COPY if copy is None else await why_not_frozen(loser, copy, standing, hands)
            if why:
                raise NotYet(f"The data of {self.node} stays held back: {why}. Repair it again")
        return await PutBack.act(self, hands)


@dataclass(frozen=True, slots=True)
class ReportCopy(Step):
    """Say what became of what a node alone had: where its copy lies, that it is whole, how to look into it."""

    loser: Loser
    before: str = "nothing was merged; "
    after: str = ""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Say where the data of {self.loser.node} is"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return "sha256sum FILE"

    async def act(self, hands: Hands) -> str:
        """Read it once more.

        Raises:
            NotYet: it is not there any more.
        """
        copy = await hands.rescued(self.loser.copy)
        if copy is None:
            raise NotYet(f"the copy {self.loser.copy} is not there any more")
        return Note(f"{self.before}{where_it_is(copy)}{self.after}", rescue_copy=values_of(copy))
