"""The point of no return of a failover under Sentinel: asked once, seen, and if need be stopped. No I/O here.

Its undoing is the hard part: Sentinel has no command to stop a failover, and cannot call back what it has sent. The
fence may only come down once it is seen that nobody was promoted.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

from actions.kit.errors import ActionError, Gone, NotYet, Permanent, TooLate
from actions.kit.fencing import why_open
from actions.kit.handed_over import given_back
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.roles import is_master
from actions.kit.sentinel_steps import GONE, SENTINEL_INFO_S, only_choice, replica_seen_by
from actions.kit.snapshot import Role, SentinelView
from actions.kit.steps import CatchUp, as_settings, until
from actions.kit.topology import Address

UNDO_WITHIN_S = SENTINEL_INFO_S + 5
"""How long to look whether a stopped failover promoted after all, before it is left open."""


@dataclass(frozen=True, slots=True)
class LastLook(Step):
    """See that the Sentinel answers, does what it is told, and has one choice only, right before it is asked.

    A step of its own: from the next one on a silent Sentinel may be failing over, and the fence has to stay for it. One
    in TILT answers, and takes the order too; but it neither begins nor gives up before its half minute is over.
    """

    sentinel: Address
    candidate: Address
    closed: tuple[SettingChange, ...] = ()
    """By which the candidate refuses writes once it is promoted."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Look at Sentinel {self.sentinel} once more"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.sentinel}> SENTINEL REPLICAS: only {self.candidate} can be taken"

    async def act(self, hands: Hands) -> str:
        """Look once; nothing is waited for, since writes are held back."""
        views = await hands.sentinel_views()
        asked = next((view for view in views if view.address == self.sentinel), None)
        doubt = only_choice(asked, self.candidate) if asked else f"{self.sentinel} is not among the Sentinels"
        if asked and asked.tilt:
            doubt = f"{self.sentinel} is in TILT: its clock jumped or it hung, and it does nothing for 30 s"
        if doubt:
            raise NotYet(doubt)
        if self.closed and (why := await why_open(self.candidate, hands, as_settings(self.closed))):
            raise NotYet(f"{self.candidate} would take writes as soon as it is promoted: {why}")
        return f"it can take {self.candidate} only"


@dataclass(frozen=True, slots=True)
class SentinelFailover(Step):
    """Ask one Sentinel, once, to fail over; see the candidate become master. From here on there is no way back."""

    point_of_no_return: ClassVar[bool] = True
    sentinel: Address
    master_name: str
    master: Address
    candidate: Address
    within_ms: int
    failover_timeout_ms: int
    """What the Sentinel's own time-out is, to be put back after a failover had to be stopped."""
    coordinated: bool = False
    fence: tuple[SettingChange, ...] = ()
    """What the master would be fenced by, where it does not coordinate; it is given its role back behind it."""
    replid: str = ""
    """Its history when this was planned, and how far that had come."""
    offset: int = 0

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Let Sentinel {self.sentinel} fail over to {self.candidate}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.sentinel}> SENTINEL FAILOVER {self.master_name}{' COORDINATED' if self.coordinated else ''}"

    @property
    def undoing_changes(self) -> tuple[SettingChange, ...]:
        """The Sentinel's time-out, which is the only way to stop its failover; and see ``given_back``."""
        timeout = SettingChange(self.sentinel, "failover-timeout", "1", str(self.failover_timeout_ms))
        return (timeout, *(self.fence if self.coordinated else ()))

    async def holds(self, hands: Hands) -> Held:
        """Whether the candidate is master: by its own word, or where we cannot reach it by the asked Sentinel's."""
        try:
            return await is_master(self.candidate, hands)
        except ActionError as error:
            named = await hands.named_master(self.sentinel)
            return Held(named == self.candidate, f"{error}; Sentinel {self.sentinel} names {named}")

    async def act(self, hands: Hands) -> str:
        """Ask where the fence still stands and the candidate still has every byte, and wait for the promotion."""
        deadline = hands.now() + self.within_ms / 1000
        if not self.coordinated:
            # One that was restarted since may be empty: Sentinel takes it all the same.
            await CatchUp(self.master, self.candidate, self.within_ms).act(hands)
            await self._still_fenced(hands)
        await hands.sentinel_failover(self.sentinel, coordinated=self.coordinated)
        try:
            return (await until(lambda: self.holds(hands), hands, round(deadline - hands.now(), 1))).observation
        except NotYet as error:
            raise NotYet(f"{error}{await self._nobody(hands)}") from error

    async def _nobody(self, hands: Hands) -> str:
        """That the master has handed over all the same, as far as it says so."""
        with contextlib.suppress(ActionError):
            if (await hands.standing(self.master)).role is Role.REPLICA:
                return f". {self.master} has handed over and is a replica too: nobody is master, and writes are refused"
        return ""

    async def _still_fenced(self, hands: Hands) -> None:
        """A master that was restarted since, or that somebody gave its writes back, takes what would be lost."""
        if why := await why_open(self.master, hands):
            raise NotYet(f"not asked: {self.master} is no longer fenced, {why}")

    async def undo(self, hands: Hands) -> str:
        """Stop a failover that has not promoted yet, and see that it did not; or that this has come undone by itself.

        Raises:
            TooLate: it promoted after all.
            NotYet: it cannot be seen whether it did: then the fence has to stay.
        """
        note = await self._stopped(hands)
        stopped_at = hands.now()
        held = await until(lambda: self._still_replica(hands, stopped_at), hands, UNDO_WITHIN_S, every_s=0.2)
        if not self.coordinated:
            return f"{note}; {held.observation}"
        history = self.replid, self.offset
        return f"{note}; {held.observation}" + await given_back(self.master, self.candidate, self.fence, history, hands)

    async def _stopped(self, hands: Hands) -> str:
        """Stop what goes on at the master and at the Sentinel.

        Whoever is gone has taken it along, and who answers is looked at until it is done. One that hangs or is cut off
        goes on when it comes back, half a minute later too: where it is the master, its Sentinel has to see that.

        Raises:
            NotYet: the Sentinel is silent, or the master, which hands over by itself.
        """
        notes, handed_over = [], False
        try:
            if self.coordinated:
                await hands.standing(self.master)  # One that hangs would be told when it wakes up, in any order.
                await hands.abort_failover(self.master)
                handed_over = (await hands.standing(self.master)).role is Role.REPLICA
        except (Gone, Permanent) as error:
            notes.append(f"{self.master} cannot be told to stop ({error})")
        except ActionError as error:
            why = f"{self.master} may have been told to hand over to {self.candidate}, and is silent ({error})"
            raise NotYet(f"{why}: Sentinel {self.sentinel} sees to it when it comes back") from error
        if handed_over:
            await self._left_to_the_sentinel(hands)
        try:
            notes.append(await hands.stop_sentinel_failover(self.sentinel, self.failover_timeout_ms))
        except (Gone, Permanent) as error:
            notes.append(f"Sentinel {self.sentinel} cannot be told to stop ({error})")
        except ActionError as error:
            why = (
                f"Sentinel {self.sentinel} may have been asked to fail over, and is not seen to have given up ({error})"
            )
            raise NotYet(f"{why}: it may still go on; end its process, or bring it back") from error
        return "; ".join(notes)

    async def _left_to_the_sentinel(self, hands: Hands) -> None:
        """A master that has handed over is a replica: only the Sentinel that has asked it to can name the new one.

        One that is gone, or a replica by now, was restarted since: there is no new one.

        Raises:
            TooLate: the new one answers, and is master.
            NotYet: it is silent.
        """
        over = f"{self.master} has handed over to {self.candidate}"
        try:
            standing = await hands.standing(self.candidate)
        except Gone:
            return
        except ActionError as error:
            why = f"{over}, which is silent ({error})"
            raise NotYet(f"{why}: Sentinel {self.sentinel} names it when it comes back; bring it back") from error
        if standing.role is Role.MASTER:
            raise TooLate(over)

    async def _still_replica(self, hands: Hands, stopped_at: float) -> Held:
        """Whether nobody was promoted: no Sentinel names another, and the candidate is a replica or seen as one."""
        views = await hands.sentinel_views()
        named = {view.master.address for view in views if view.master is not None} - {self.master}
        if named:
            raise TooLate(f"Sentinel has promoted {', '.join(map(str, named))} after all")
        busy = [str(view.address) for view in views if view.master and "failover_in_progress" in view.master.flags]
        if busy:
            return Held(yes=False, observation=f"Sentinel {', '.join(busy)} is still failing over")
        try:
            standing = await hands.standing(self.candidate)
        except ActionError as error:
            return self._seen_from_outside(views, str(error), (hands.now() - stopped_at) * 1000)
        if standing.role is Role.MASTER:
            raise TooLate(f"{self.candidate} has been promoted after all")
        return Held(yes=True, observation=f"{self.candidate} is a {standing.role}")

    def _seen_from_outside(self, views: tuple[SentinelView, ...], why: str, stopped_ms: float) -> Held:
        """For a candidate that we cannot reach: every Sentinel that answers must see it as replica, or as gone."""
        answering = [view for view in views if view.master is not None]
        if len(answering) * 2 <= len(views):
            return Held(yes=False, observation=f"{why}; no majority of the Sentinels answers")
        doubts = [doubt for view in answering if (doubt := self._doubt(view, stopped_ms))]
        return Held(not doubts, "; ".join([why, *doubts]) if doubts else f"{why}; no Sentinel saw a promotion")

    def _doubt(self, view: SentinelView, stopped_ms: float) -> str | None:
        """Why this Sentinel leaves it open whether the candidate was promoted; ``None`` where it does not."""
        seen = replica_seen_by(view, self.candidate)
        if seen is None or seen.flags & GONE:
            return None
        if seen.role_reported != "slave" or seen.info_age_ms is None or seen.info_age_ms >= stopped_ms:
            return f"Sentinel {view.address} last heard {seen.role_reported}, {seen.info_age_ms} ms ago"
        return None
