"""The steps of a failover where Sentinel is in charge. No I/O here but through Hands.

One Sentinel is asked, once. It promotes whom it would choose itself, so the candidate is made its choice first, and it
learns of the promotion only by its next INFO: once a second during a failover, else every ten. Whoever asks it a good
half second after an INFO is answered soonest, and writes stop for the shortest time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from actions.kit.errors import ActionError, Gone, NotYet, Reverted
from actions.kit.late import called_back
from actions.kit.plan import NAMING, Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.snapshot import Role, SentinelReplica, SentinelView
from actions.kit.steps import POLL_S, as_settings, until
from actions.kit.topology import Address
from actions.kit.votes import newest

SENTINEL_INFO_S = 10
"""Sentinel asks each replica for INFO this often while nothing is wrong."""

PRIORITY = "replica-priority"

GIVEN_UP_S = 0.5
"""How often to look whether the failover still goes on; Sentinels have 8 s until they undo what nobody told them."""

GONE = frozenset({"s_down", "o_down", "disconnected"})
"""Flags of a replica that Sentinel does not promote."""


def only_choice(view: SentinelView, candidate: Address) -> str | None:
    """Why this Sentinel might not take the candidate, or might take another; ``None`` where it can take no other.

    It never takes a replica of priority 0, or one that it holds to be down.
    """
    own = replica_seen_by(view, candidate)
    if own is None or own.priority == 0:
        return f"{view.address} does not know {candidate} as a candidate"
    if own.flags & GONE or not own.link_up:
        return f"{view.address} does not see {candidate} in order"
    replicas = view.master.replicas if view.master else ()
    rivals = [one for one in replicas if one.address != candidate and one.priority > 0 and not one.flags & GONE]
    if rivals:
        return f"{view.address} could also take {', '.join(f'{one.address} ({one.priority})' for one in rivals)}"
    return None


def replica_seen_by(view: SentinelView, replica: Address) -> SentinelReplica | None:
    """What this Sentinel says of this replica."""
    known = view.master.replicas if view.master else ()
    return next((one for one in known if one.address == replica), None)


@dataclass(frozen=True, slots=True)
class Steer(Step):
    """Make the candidate the only one that Sentinel can choose: all others at priority 0, seen by every Sentinel.

    Without settings to change there is still something to wait for: what Sentinel knows can be ten seconds old.
    """

    candidate: Address
    settings: tuple[SettingChange, ...]
    within_s: int = SENTINEL_INFO_S + 5

    @property
    def only_looks(self) -> bool:
        """Where there is nothing to set it waits for what the Sentinels know."""
        return not self.settings

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Make {self.candidate} Sentinel's only choice"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = [f"{change.node}> CONFIG SET {change.name} {change.new}" for change in self.settings]
        return "; ".join([*sets, "SENTINEL REPLICAS on each: slave-priority"])

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed from before the step acts until it is undone or put back."""
        return self.settings

    async def holds(self, hands: Hands) -> Held:
        """Whether no Sentinel that answers can take another."""
        views = [view for view in await hands.sentinel_views() if view.master is not None]
        if not views:
            return Held(yes=False, observation="no Sentinel answers")
        doubts = [doubt for view in views if (doubt := only_choice(view, self.candidate))]
        return Held(not doubts, "; ".join(doubts) or f"{len(views)} Sentinels can take no other")

    async def act(self, hands: Hands) -> str:
        """Set the priorities and wait for the Sentinels' next INFO."""
        for change in self.settings:
            await hands.standing(change.server)
            await hands.change_settings(change.node, {change.name: change.new}, rewrite=False)
        held = await until(lambda: self.holds(hands), hands, self.within_s, every_s=0.1)
        return held.observation

    async def undo(self, hands: Hands) -> str:
        """Put the old priorities back on all nodes that let us, and in the files that Sentinel may have written."""
        problems, doubts = [], ""
        for change in self.settings:
            try:
                await hands.standing(change.server)  # One that hangs would be changed when it wakes up, unseen.
                doubts += await called_back(change.node, hands)
                await hands.change_settings(change.node, as_settings((change,), old=True), rewrite=True)
            except ActionError as error:
                problems.append(str(error))
        if problems:
            raise NotYet("; ".join(problems))
        return f"the priorities are as they were{doubts}" if self.settings else ""


@dataclass(frozen=True, slots=True)
class AwaitInfo(Step):
    """Wait for the moment when Sentinel will learn soonest of a promotion. Writes go on meanwhile."""

    sentinel: Address
    candidate: Address
    age_ms: int
    """How old the Sentinel's last INFO of the candidate should be."""
    within_s: int = SENTINEL_INFO_S + 2

    @property
    def only_looks(self) -> bool:
        """It waits."""
        return True

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Wait until Sentinel {self.sentinel} has just heard of {self.candidate}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.sentinel}> SENTINEL REPLICAS: info-refresh of {self.candidate} near {self.age_ms} ms"

    async def holds(self, hands: Hands) -> Held:
        """Whether it is the moment; it passes by itself, so it is always looked at anew."""
        views = await hands.sentinel_views()
        view = next((one for one in views if one.address == self.sentinel), None)
        seen = replica_seen_by(view, self.candidate) if view else None
        age = seen.info_age_ms if seen else None
        return Held(age is not None and self.age_ms <= age < self.age_ms + 150, f"info-refresh {age} ms")

    async def act(self, hands: Hands) -> str:
        """Wait; where the moment does not come, the failover costs up to a second more, and that is all."""
        try:
            return (await until(lambda: self.holds(hands), hands, self.within_s, every_s=0.03)).observation
        except NotYet as error:
            return f"going on without: {error}"


@dataclass(frozen=True, slots=True)
class AwaitSentinels(Step):
    """Wait until the Sentinels send clients to the new master: a majority of all, and every one that answers soon."""

    sentinels: tuple[Address, ...]
    master_name: str
    master: Address
    electorate: int
    """How many Sentinels there are in all, silent ones too."""
    config_epoch: int = -1
    """The highest that a Sentinel knew when this was planned; where it is not known none is told anything."""
    within_ms: int = 5_000
    grace_ms: int = 300

    @property
    def only_looks(self) -> bool:
        """It waits; it tells them only where they have given up."""
        return True

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Wait until the Sentinels name {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"SENTINEL GET-MASTER-ADDR-BY-NAME {self.master_name} on each of {', '.join(map(str, self.sentinels))}"

    async def holds(self, hands: Hands) -> Held:
        """Whether every Sentinel names it already."""
        answers = await asyncio.gather(*(hands.named_master(one) for one in self.sentinels), return_exceptions=True)
        naming = sum(answer == self.master for answer in answers)
        all_of_them = naming == len(self.sentinels) and naming * 2 > self.electorate
        return Held(all_of_them, f"{naming} of {self.electorate} Sentinels name {self.master}")

    async def act(self, hands: Hands) -> str:
        """Wait for them; where the failover was given up after it had promoted, tell them of it and wait again.

        Such a promotion cannot be left as it is: the Sentinels would make the new master a replica of the old one.

        Raises:
            Reverted: the new master is a replica again, or gone with nobody else there, and no Sentinel has named it.
        """
        try:
            return await self._named_by_most(hands)
        except NotYet as error:
            if (reverted := await self._reverted(hands)).yes:
                raise Reverted(reverted.observation) from error
            told = await self._tell(hands, str(error))
        return f"{told}; {await self._named_by_most(hands)}"

    async def _tell(self, hands: Hands, why: str) -> str:
        """Have each that answers name the new master, as another Sentinel would; one that took it over is enough.

        Raises:
            NotYet: none could be told. It is not told where there was a promotion since, where the new one is no
                master by its own word, or where a Sentinel names a third one.
        """
        latest = newest(await hands.sentinel_views())
        if latest.epoch > self.config_epoch:
            raise NotYet(f"{why}; the roles have moved since, they name {latest}")
        naming = {NAMING: str(self.master)}
        tellings = (hands.change_settings(sentinel, naming, rewrite=False) for sentinel in self.sentinels)
        answers = await asyncio.gather(*tellings, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, ActionError):
                raise answer
        if all(answers):
            raise NotYet(f"{why}; they could not be told: {'; '.join(sorted({str(answer) for answer in answers}))}")
        return f"{why}: told them"

    async def _named_by_most(self, hands: Hands) -> str:
        """Ask each in a task of its own: one that hangs must not hold up the demotion of the old master."""
        tasks = [asyncio.create_task(self._named(hands, sentinel)) for sentinel in self.sentinels]
        reverted = until(lambda: self._reverted(hands), hands, self.within_ms / 1000, every_s=GIVEN_UP_S)
        in_vain = [asyncio.create_task(self._given_up(hands)), asyncio.create_task(reverted)]
        try:
            return await self._majority(hands, tasks, in_vain)
        finally:
            for task in (*tasks, *in_vain):
                task.cancel()
            await asyncio.gather(*tasks, *in_vain, return_exceptions=True)

    async def _named(self, hands: Hands, sentinel: Address) -> None:
        async def look() -> Held:
            named = await hands.named_master(sentinel)
            return Held(named == self.master, f"{sentinel} names {named}")

        await until(look, hands, self.within_ms / 1000, every_s=POLL_S)

    async def _reverted(self, hands: Hands) -> Held:
        """Whether it was a master only until it was restarted, or told otherwise; by its own word.

        Or until it died: where the old master has handed over to it, nobody is master then.
        """
        try:
            standing = await hands.standing(self.master)
            lost = standing.role is Role.REPLICA
            now = f"is a {standing.role} of {standing.master} again"
        except Gone:
            lost, now = not (await hands.observe()).masters, "is gone, and no node says that it is a master"
        except ActionError as error:
            return Held(yes=False, observation=str(error))
        named = {view.master.address for view in await hands.sentinel_views() if view.master is not None}
        who = ", ".join(map(str, sorted(named)))
        seen = f"{self.master} was promoted, and {now}; the Sentinels name {who}"
        return Held(lost and bool(named) and self.master not in named, seen)

    async def _given_up(self, hands: Hands) -> None:
        """Until no Sentinel that answers is failing over any more, though none names the new master."""

        async def look() -> Held:
            votes = [view.master for view in await hands.sentinel_views() if view.master is not None]
            going_on = any("failover_in_progress" in vote.flags or vote.address == self.master for vote in votes)
            return Held(bool(votes) and not going_on, "")

        await hands.sleep(GIVEN_UP_S)
        await until(look, hands, self.within_ms / 1000, every_s=GIVEN_UP_S)

    async def _majority(
        self, hands: Hands, tasks: list[asyncio.Task[None]], in_vain: Sequence[asyncio.Task[object]]
    ) -> str:
        start = hands.now()
        since: float | None = None
        while True:
            naming = sum(task.done() and task.exception() is None for task in tasks)
            seen = f"{naming} of {self.electorate} Sentinels name {self.master}"
            enough = naming * 2 > self.electorate
            since = since or (hands.now() if enough else None)
            if since is not None and (naming == len(tasks) or hands.now() - since >= self.grace_ms / 1000):
                return seen
            if not naming and any(task.done() and task.exception() is None for task in in_vain):
                raise NotYet(f"only {seen}, and nothing more is to come of it")
            if hands.now() - start >= self.within_ms / 1000:
                raise NotYet(f"only {seen}")
            await hands.sleep(POLL_S)
