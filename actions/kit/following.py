"""Whom the other nodes follow after a promotion by us: the old master, the replicas, the configuration files.

An old master that hangs or is restarted comes back as a master: it is fenced before anything else, and made a replica
only where nothing can be lost by it. No I/O here but through Hands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit import roles
from actions.kit.diagnosis.lineage import only_on_old
from actions.kit.errors import ActionError, Gone, NotYet, Temporary, TooLate, Unreachable
from actions.kit.fencing import is_fenced
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands, Standing
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Rejoin(Step):
    """Make the old master a replica of the new one, its clients sent away and its settings as they were.

    One transaction ends its pause and demotes it: writes that wait in the pause would else run in between.
    """

    node: Address
    master: Address
    settings: tuple[SettingChange, ...]
    """Its fence; the old values are assumed where it could not be asked."""
    pause_ms: int
    replid: str = ""
    """Its history when this was planned: with it and its fence it has taken no write since it was fenced.

    Empty where it is lost: it is not fenced yet, and may stay away.
    """
    within_s: int = 5
    again: bool = False
    """The step is there for an old master that was silent when its turn came first."""

    @property
    def title(self) -> str:
        """What the step does."""
        if not self.replid:
            return f"Fence {self.node} if it {f'comes back within {self.within_s} s' if self.again else 'is back'}"
        return f"See that {self.node} follows" if self.again else f"Demote {self.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "".join(f"CONFIG SET {change.name} {change.old}; " for change in self.settings)
        return (
            f"{self.node}> MULTI; CLIENT UNPAUSE; REPLICAOF {self.master.host} {self.master.port}; EXEC; "
            f"CLIENT KILL TYPE normal; {sets}CONFIG REWRITE"
        )

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed."""
        return self.settings

    async def holds(self, hands: Hands) -> Held:
        """Whether it follows, without a fence; one that does not answer is what the step is there for."""
        try:
            follows = await self._look(hands)
            return Held(follows.yes and not await is_fenced(self.node, hands), follows.observation)
        except Unreachable as error:
            return Held(yes=False, observation=str(error))

    async def destroys(self, hands: Hands) -> str | None:
        """What only the old master has is thrown away once it follows."""
        try:
            held = await self._look(hands)
            if held.yes:
                return None
            await _master_to_follow(self.node, self.master, hands)
        except Temporary as error:
            return f"{self.node} has to be demoted and does not answer ({error})"
        return f"{self.node} has to be demoted: {held.observation}"

    async def act(self, hands: Hands) -> str:
        """Try again while it does not answer; then disconnect its clients and put its settings back."""
        back = dict(as_settings(self.settings, old=True))
        try:
            held = await until(lambda: self._follows(hands, back), hands, self.within_s, every_s=0.1)
        except NotYet as error:
            if not self.replid and not await self._answers(hands):
                return f"it has not come back ({error}); should it later, it is a master that nobody has fenced"
            raise
        await hands.disconnect_clients(self.node)
        await hands.change_settings(self.node, back, rewrite=True)
        return f"{held.observation}, its clients were disconnected and its settings put back"

    async def _follows(self, hands: Hands, back: dict[str, str]) -> Held:
        standing = await hands.standing(self.node)
        if standing.master == self.master:
            return await self._look(hands)
        await _master_to_follow(self.node, self.master, hands)
        if standing.role is Role.MASTER:
            await self._fenced(standing, hands, back)
        await hands.demote(self.node, self.master)
        return await self._look(hands)

    async def _fenced(self, standing: Standing, hands: Hands, back: dict[str, str]) -> None:
        """See that a master refuses writes, and that it has taken none that the new one lacks.

        Raises:
            TooLate: it has, or may have: whether that may be thrown away is for a person to say. Or it is the only one
                that takes any.
        """
        fenced = await is_fenced(self.node, hands)
        if not fenced:
            if await _refuses_writes(self.master, hands):
                raise TooLate(f"{self.node} was left as it is: it takes writes, and {self.master} refuses them")
            back |= await hands.settings(self.node, tuple(back))
            await hands.fence(self.node, self.pause_ms, as_settings(self.settings))
        if fenced and standing.replid == self.replid:
            return
        surplus = await self._surplus(hands)
        if surplus:
            raise TooLate(f"{self.node} came back as a master. It refuses writes now, but was not demoted: {surplus}")

    async def _surplus(self, hands: Hands) -> str | None:
        """What it has that the new master lacks, in a sentence that says what to do; ``None`` where it has nothing."""
        snapshot = await hands.observe()
        old, new = snapshot.node(self.node), snapshot.node(self.master)
        if old is None or old.info is None or old.info.loading or new is None or new.info is None:
            raise NotYet("one of the two masters does not answer")
        if old.keys == 0:
            return None
        count = only_on_old(old.info, new.info)
        restarted = old.info.replid != new.info.replid2
        if restarted and old.info.changes_since_save != 0:
            count = None  # Without replicas and backlog the offset of a master does not count what it takes.
        if count == 0:
            return None
        has = (
            "nothing proves what it has that the new master lacks" if count is None else f"{count:,} bytes only it has"
        )
        return f"{has}. Save what is needed of it, then: REPLICAOF {self.master.host} {self.master.port}"

    async def _look(self, hands: Hands) -> Held:
        return await roles.follows(self.node, self.master, hands)

    async def _answers(self, hands: Hands) -> bool:
        try:
            await hands.standing(self.node)
        except ActionError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Repoint(Step):
    """Have another replica follow the new master; it has all that it needs for a partial resync."""

    node: Address
    master: Address
    within_s: int = 5

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Have {self.node} follow {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.node}> REPLICAOF {self.master.host} {self.master.port}"

    async def holds(self, hands: Hands) -> Held:
        """Whether it follows already."""
        standing = await hands.standing(self.node)
        return Held(standing.master == self.master, f"{self.node} is a {standing.role} of {standing.master}")

    async def act(self, hands: Hands) -> str:
        """Send it to the new master; one that is a master itself is left alone."""
        if (await hands.standing(self.node)).role is Role.MASTER:
            raise TooLate(f"{self.node} is a master itself")
        if await _refuses_writes(self.master, hands):
            raise NotYet(f"{self.node} was left as it is: {self.master} refuses writes")
        await _master_to_follow(self.node, self.master, hands)
        await hands.demote(self.node, self.master)
        return (await until(lambda: self.holds(hands), hands, self.within_s)).observation


@dataclass(frozen=True, slots=True)
class KeepRoles(Step):
    """Write the new roles to the configuration files: without that a restart brings the old ones back."""

    master: Address
    replicas: tuple[Address, ...]

    @property
    def title(self) -> str:
        """What the step does."""
        return "Write the new roles to the configuration files"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"CONFIG REWRITE on {', '.join(map(str, (self.master, *self.replicas)))}"

    async def act(self, hands: Hands) -> str:
        """Rewrite on every node that has its new role and no fence; say which have no file that could be written.

        Raises:
            NotYet: some could not be seen in their new role, or not be told.
        """
        nodes = (self.master, *self.replicas)
        answers = await asyncio.gather(*(self._kept(node, hands) for node in nodes), return_exceptions=True)
        told = dict(zip(nodes, answers, strict=True))
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, ActionError):
                raise answer
        problems = [str(answer) for answer in answers if isinstance(answer, ActionError)]
        if problems:
            raise NotYet("; ".join(problems))
        return _words({node: answer for node, answer in told.items() if isinstance(answer, str)}, len(nodes))

    async def _kept(self, node: Address, hands: Hands) -> str | None:
        standing = await hands.standing(node)
        right = standing.role is Role.MASTER if node == self.master else standing.master == self.master
        if not right or await is_fenced(node, hands):
            raise NotYet(f"the file of {node} was left as it is: it is a {standing.role}, and not as it should be yet")
        return await hands.rewrite_config(node)


async def _master_to_follow(node: Address, master: Address, hands: Hands) -> None:
    """See that a node is not sent after one whose process is gone, or that is no master any more.

    A new master that is merely silent was seen to be promoted, and serves others.

    Raises:
        NotYet: it is gone.
        TooLate: it is a replica by now.
    """
    try:
        standing = await hands.standing(master)
    except Gone as error:
        raise NotYet(f"{node} was left as it is, for the new master is gone: {error}") from error
    except Unreachable:
        return
    if standing.role is not Role.MASTER:
        raise TooLate(f"{node} was left as it is: {master} is a {standing.role} by now")


async def _refuses_writes(master: Address, hands: Hands) -> bool:
    """Whether a new master was not opened; one that is silent was, or nobody knows better."""
    try:
        return await is_fenced(master, hands)
    except Unreachable:
        return False


def _words(without: Mapping[Address, str], count: int) -> str:
    if not without:
        return f"{count} files were written"
    names = ", ".join(map(str, without))
    return f"no file to write on {names}: change replicaof where they are started from, or a restart brings it back"
