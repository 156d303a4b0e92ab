"""The steps that every kind of failover shares: fence, catch up, demote, put back, prove.

No I/O here but through Hands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from actions.kit.cluster.agreement import successor_of
from actions.kit.errors import DataLost, Gone, NotYet, Temporary, TooLate
from actions.kit.fencing import but_its_scripts, but_scripts, why_open
from actions.kit.holding import readable
from actions.kit.late import called_back
from actions.kit.old_master import hold_back
from actions.kit.plan import Debts, Held, SettingChange, Step
from actions.kit.ports import Hands, Standing
from actions.kit.proof import Check, prove, was_restarted
from actions.kit.roles import follows, master_to_follow
from actions.kit.snapshot import Role, Snapshot
from actions.kit.topology import Address, Kind
from actions.kit.votes import newest

POLL_S = 0.01


def as_settings(changes: tuple[SettingChange, ...], *, old: bool = False) -> Mapping[str, str]:
    """The changes as CONFIG SET wants them: the new values, or the old ones."""
    return {change.name: change.old if old else change.new for change in changes}


async def until(look: Callable[[], Awaitable[Held]], hands: Hands, within_s: float, every_s: float = POLL_S) -> Held:
    """Look again and again until it holds.

    A look that fails for a passing reason counts as not yet.

    Raises:
        NotYet: it did not hold within its time; the message is what was seen last.
        Permanent: looking again would change nothing.
    """
    deadline = hands.now() + within_s
    while True:
        try:
            held = await look()
        except Temporary as error:
            held = Held(yes=False, observation=str(error))
        if held.yes:
            return held
        if hands.now() >= deadline:
            raise NotYet(f"not within {within_s:g} s: {held.observation}")
        await hands.sleep(every_s)


@dataclass(frozen=True, slots=True)
class Fence(Step):
    """Refuse writes on the master: a bounded pause, and behind it the fence that outlives us.

    The pause lets writers wait; ``min-replicas-to-write`` refuses what comes after it, without blocking Sentinel's
    PUBLISH. What is refused is never acknowledged, so nothing can be lost.
    """

    master: Address
    pause_ms: int
    settings: tuple[SettingChange, ...]
    scripts_pass: bool = False
    """Its fence does not stop scripts that write; see ``fencing.scripts_pass``."""
    run_id: str = ""
    """The process that is fenced; empty where it is not known."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Fence writes on {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "".join(f" CONFIG SET {change.name} {change.new};" for change in self.settings)
        return f"{self.master}> MULTI; CLIENT PAUSE {self.pause_ms} WRITE;{sets} EXEC"

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed from before the step acts until it is undone or put back."""
        return self.settings

    async def act(self, hands: Hands) -> str:
        """Fence, and read the frozen offset; a master that does not answer is not sent anything.

        Raises:
            NotYet: the fence holds nothing back, for somebody has changed its settings since this was planned.
        """
        await hands.standing(self.master)
        offset = await hands.fence(self.master, self.pause_ms, as_settings(self.settings))
        if why := await why_open(self.master, hands):
            raise NotYet(f"{self.master} is paused, and not fenced: {why}")
        return f"writes are refused{but_scripts(self.scripts_pass)}, offset {offset}"

    async def undo(self, hands: Hands) -> str:
        """Put the old values back and end the pause.

        It has to answer first: what is sent to a master that hangs would still unfence it when it wakes up, and by then
        another may have been promoted. Where one has been, a master of old stays fenced until it follows; and once it
        does, its file has to be put right too, since Sentinel wrote the fence into it.

        One that was started since has a fence only if somebody had it written to the file: then it goes there too.

        Raises:
            Gone: it does not listen; what it comes back with is not known before it does.
            NotYet: another was promoted.
        """
        try:
            standing = await hands.standing(self.master)
        except Gone as error:
            raise Gone(
                f"{error}. A fence that it had in memory goes with its process; whether its file has one too is seen "
                "when it is back, and put right then"
            ) from error
        follows = standing.role is Role.REPLICA
        doubt = await called_back(self.master, hands)
        old = as_settings(self.settings, old=True)
        left = await hands.settings(self.master, tuple(old)) != old
        successor = None if follows else await self._successor(hands)
        if successor and left:
            raise NotYet(f"{successor}: {self.master} stays fenced{but_scripts(self.scripts_pass)} until it follows")
        if successor:
            return f"{self.master} has no fence any more, and {successor}{doubt}"
        await hands.unfence(self.master, old)
        restarted = await self._was_restarted(hands)
        if follows or (restarted and left):
            await hands.change_settings(self.master, old, rewrite=True)
        return f"{self._now(follows=follows, restarted=restarted, left=left)}{doubt}"

    def _now(self, *, follows: bool, restarted: bool, left: bool) -> str:
        """What it is once it is unfenced."""
        if follows:
            return f"{self.master} is a replica without a fence"
        if not restarted:
            return f"{self.master} accepts writes again"
        with_it = "with its fence, which is in its file no more" if left else "without its fence"
        return f"{self.master} was restarted since, {with_it}, and accepts writes"

    async def _was_restarted(self, hands: Hands) -> bool:
        view = (await hands.observe()).node(self.master) if self.run_id else None
        return view is not None and view.info is not None and view.info.run_id not in {"", self.run_id}

    async def _successor(self, hands: Hands) -> str | None:
        """Who has been promoted instead, in words: whom the Sentinels name, and without any whoever says so himself."""
        latest = newest(await hands.sentinel_views())
        if latest.named:
            return f"the Sentinels name {latest}" if latest.named - {self.master} else None
        snapshot = await hands.observe()
        if snapshot.kind is Kind.CLUSTER:
            return successor_of(snapshot, self.master)
        others = [str(node.address) for node in snapshot.masters if node.address != self.master]
        return f"{', '.join(others)} says that it is a master" if others else None


@dataclass(frozen=True, slots=True)
class CatchUp(Step):
    """Wait until the candidate has every byte that the fenced master ever acknowledged."""

    master: Address
    candidate: Address
    within_ms: int

    @property
    def only_looks(self) -> bool:
        """It waits."""
        return True

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Wait until {self.candidate} has every byte"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"INFO replication on both: {self.candidate} slave_repl_offset >= {self.master} master_repl_offset"

    async def holds(self, hands: Hands) -> Held:
        """Whether the candidate has applied what the master had at this moment."""
        goal = await hands.standing(self.master)
        return await self._reached(hands, goal)

    async def act(self, hands: Hands) -> str:
        """Wait, no longer than the fence may stand."""
        goal = await hands.standing(self.master)
        held = await until(lambda: self._reached(hands, goal), hands, self.within_ms / 1000, every_s=0.005)
        return held.observation

    async def _reached(self, hands: Hands, goal: Standing) -> Held:
        mine = await hands.standing(self.candidate)
        if mine.role is Role.MASTER:
            raise TooLate(f"{self.candidate} is a master already: its offset says nothing about {self.master}")
        if not mine.link_up:
            return Held(yes=False, observation=f"its link to {self.master} is down")
        if mine.replid != goal.replid:
            return Held(yes=False, observation=f"it follows {mine.master}, and another history than {self.master}")
        return Held(mine.offset >= goal.offset, f"offset {mine.offset} of {goal.offset}")


@dataclass(frozen=True, slots=True)
class Demote(Step):
    """Make the old master a replica of the new one before its pause ends, and send its clients away.

    One transaction: writes that wait in the pause would else run between its end and the REPLICAOF. A run that was cut
    off or held up may come here late: where there was a promotion since its own, nobody is demoted. Neither where the
    Sentinels still name the old one: they would find no master, and promote whom they like.
    """

    node: Address
    master: Address
    within_ms: int = 5_000
    config_epoch: int | None = None
    """The highest that a Sentinel knew when this was planned; ``None`` where none is in charge."""
    fenced: bool = False
    """An earlier step has fenced it; one that was restarted since comes back without."""
    replid: str = ""
    """Its history when this was planned, with which the new master has to go on; empty where it is not known.

    ``offset``: how far it had come.
    """
    offset: int = 0

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Demote {self.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return (
            f"{self.node}> MULTI; CLIENT UNPAUSE; REPLICAOF {self.master.host} {self.master.port}; EXEC; "
            "CLIENT KILL TYPE normal"
        )

    async def destroys(self, hands: Hands) -> str | None:
        """What only the old master has is thrown away once it follows."""
        try:
            held = await self._look(hands)
            if held.yes:
                return None
            await self._still_ours(hands)
        except Temporary as error:
            return f"{self.node} has to be demoted and cannot be now ({error})"
        return f"{self.node} has to be demoted: {held.observation}"

    async def perform(self, hands: Hands, debts: Debts) -> str:
        """As ``act``. Where it may have the last copy of the data it is made to keep it: Sentinels demote it too."""
        try:
            return await self.act(hands)
        except DataLost as error:
            await hold_back(self.node, hands, debts)
            refuses = f"it refuses writes{await but_its_scripts(self.node, hands)}"
            kept = f"{refuses}, and keeps its data when the Sentinels have it follow"
            raise TooLate(f"{error}: {kept}, until repair --keep {self.master} has copied it") from error

    async def act(self, hands: Hands) -> str:
        """Demote unless it follows already, trying again while it does not answer; then disconnect its clients.

        Raises:
            TooLate: it was demoted, and had taken writes; Sentinel would have done so too, and seconds later.
        """
        opened: str | None = None

        async def followed() -> Held:
            nonlocal opened
            before = await self._look(hands)
            if before.yes:
                return before
            await self._still_ours(hands)
            opened = opened or (await why_open(self.node, hands) if self.fenced else None)
            await hands.demote(self.node, self.master)
            return await self._look(hands)

        held = await until(followed, hands, self.within_ms / 1000, every_s=0.2)
        await hands.disconnect_clients(self.node)
        if opened:
            gone = f"until then its fence was gone ({opened})"
            raise TooLate(f"{held.observation}; {gone}, and what it took without it is lost")
        return f"{held.observation}, its clients were disconnected"

    async def _still_ours(self, hands: Hands) -> None:
        if self.config_epoch is None:
            return
        latest = newest(await hands.sentinel_views())
        if latest.epoch > self.config_epoch and latest.named != {self.master}:
            raise TooLate(f"{self.node} was not demoted: the roles have moved since, the Sentinels name {latest}")
        if latest.named - {self.master}:
            raise NotYet(f"{self.node} was not demoted: the Sentinels name {latest}")
        await master_to_follow(self.node, self.master, hands, self.replid, self.offset)

    async def _look(self, hands: Hands) -> Held:
        return await follows(self.node, self.master, hands)


@dataclass(frozen=True, slots=True)
class PutBack(Step):
    """Give one node the settings back that an earlier step changed.

    An old master that hangs still gets what was sent to it when it wakes up: its fence is lifted only once it was seen
    to be a replica, or it would take writes that nobody keeps.
    """

    node: Address
    settings: tuple[SettingChange, ...]
    only_as_replica: bool = False

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Put the settings of {self.node} back"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "; ".join(f"CONFIG SET {change.name} {change.old}" for change in self.settings)
        return f"{self.node}> {sets}; CONFIG REWRITE"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed."""
        return self.settings

    async def act(self, hands: Hands) -> str:
        """Set and rewrite, then read."""
        if self.only_as_replica and (await hands.standing(self.node)).role is not Role.REPLICA:
            raise NotYet(f"{self.node} is not a replica: it stays fenced{await but_its_scripts(self.node, hands)}")
        wanted = as_settings(self.settings, old=True)
        await hands.change_settings(self.node, wanted, rewrite=True)
        seen = await hands.settings(self.node, tuple(wanted))
        wrong = [
            f"{name} is {readable(name, seen.get(name))}" for name, value in wanted.items() if seen.get(name) != value
        ]
        if wrong:
            raise NotYet(f"{self.node}: {', '.join(wrong)}")
        return ", ".join(f"{name} {value or 'empty'}" for name, value in wanted.items())


@dataclass(frozen=True, slots=True)
class Prove(Step):
    """Look at every node and every Sentinel, now or after a while, and write to the new master."""

    master: Address
    expected: tuple[Address, ...]
    """The nodes that answered before; ``sentinels`` likewise. Whoever was silent then may be silent now."""
    token: str
    sentinels: tuple[Address, ...] = ()
    after_s: int = 0
    within_s: int = 20
    quorum: bool = True
    """The Sentinels have to be able to fail over again; not where too few of them are left."""
    run_id: str = ""
    """The process that was to be promoted; empty where it is not known."""

    @property
    def title(self) -> str:
        """What the step does."""
        return "Prove the result" + (f" again after {self.after_s} s" if self.after_s else "")

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        asked = "SENTINEL MASTER and CKQUORUM" if self.quorum else "SENTINEL MASTER"
        sentinels = f", {asked} on every Sentinel" if self.sentinels else ""
        return f"ROLE on every node{sentinels}; SET … NX EX 30, WAIT, GET, DEL"

    def looks_again_at(self, earlier: Step) -> bool:
        """Whether an earlier one looked at the same, for however long."""
        if not isinstance(earlier, Prove):
            return False
        return replace(earlier, after_s=self.after_s, within_s=self.within_s) == self

    async def act(self, hands: Hands) -> str:
        """Wait out the delay, then look until all is proven."""
        if self.after_s:
            self._still_ours(await hands.observe())
            await hands.sleep(self.after_s)
        held = await until(lambda: self._proven(hands), hands, self.within_s, every_s=0.25)
        return held.observation

    async def _proven(self, hands: Hands) -> Held:
        snapshot = await hands.observe()
        second = [str(node.address) for node in snapshot.masters if node.address != self.master]
        if second and snapshot.kind is Kind.REPLICATION:  # Nobody else demotes it: waiting would only lose time.
            raise TooLate(f"{', '.join(second)} says that it is a master too")
        checks = prove(snapshot, self.master, (*self.expected, *self.sentinels), quorum=self.quorum)
        wrong = [check for check in checks if not check.ok]
        if wrong:
            self._still_ours(snapshot)
            return Held(yes=False, observation=_sentence(wrong))
        others = tuple(node for node in self.expected if node != self.master)
        probe = await hands.write_probe(self.master, others, f"{self.token}{'-again' if self.after_s else ''}")
        if not probe.ok:
            return Held(yes=False, observation="write probe: " + "; ".join(probe.observations))
        if restarted := was_restarted(snapshot, self.master, self.run_id):
            raise TooLate(restarted)
        return Held(yes=True, observation=f"{len(checks)} checks and the write probe passed")

    def _still_ours(self, snapshot: Snapshot) -> None:
        """One that is no master, and that no Sentinel is about to name, is not waited for: a fence may stand."""
        node, latest = snapshot.node(self.master), newest(snapshot.sentinels)
        moving = any(view.master and "failover_in_progress" in view.master.flags for view in snapshot.sentinels)
        if moving or not latest.named or self.master in latest.named or (node is not None and node.is_master):
            return
        seen = "it is a replica" if node is not None and node.is_replica else "it does not answer"
        nobody = "" if snapshot.masters else ". No node says that it is a master: the Sentinels have to promote one"
        what = f"{seen}, and the Sentinels name {latest}{nobody}"
        raise TooLate(f"{self.master} is not the master any more: {what}; what it took last as a master can be lost")


def _sentence(checks: list[Check]) -> str:
    return "; ".join(f"{check.title}: {check.observation}" for check in checks)
