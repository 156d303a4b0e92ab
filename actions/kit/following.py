"""Whom the replicas follow after a promotion by us, and what the configuration files say. No I/O but through Hands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit.errors import ActionError, NotYet, TooLate, Unreachable
from actions.kit.fencing import is_fenced, keeps_fence
from actions.kit.plan import Held, Step
from actions.kit.ports import Hands
from actions.kit.roles import master_to_follow
from actions.kit.snapshot import Role
from actions.kit.steps import until
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Repoint(Step):
    """Have another replica follow the new master; it has all that it needs for a partial resync."""

    node: Address
    master: Address
    within_s: int = 5
    replid: str = ""
    """The history that the new master goes on with; empty where the old one is lost."""
    offset: int = 0
    """How far it had come when this was planned."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Have {self.node} follow {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.node}> REPLICAOF {self.master.host} {self.master.port}"

    async def holds(self, hands: Hands) -> Held:
        """Whether it follows already; one that does not answer is asked again."""
        try:
            standing = await hands.standing(self.node)
        except Unreachable as error:
            return Held(yes=False, observation=str(error))
        return Held(standing.master == self.master, f"{self.node} is a {standing.role} of {standing.master}")

    async def act(self, hands: Hands) -> str:
        """Send it to the new master, trying again while it is silent; one that is a master itself is left alone."""
        if await refuses_writes(self.master, hands):
            raise NotYet(f"{self.node} was left as it is: {self.master} refuses writes")
        return (await until(lambda: self._follows(hands), hands, self.within_s, every_s=0.1)).observation

    async def _follows(self, hands: Hands) -> Held:
        standing = await hands.standing(self.node)
        if standing.role is Role.MASTER:
            raise TooLate(f"{self.node} is a master itself")
        if standing.master != self.master:
            await master_to_follow(self.node, self.master, hands, self.replid, self.offset)
            await hands.demote(self.node, self.master)
        return await self.holds(hands)


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
        if not right or await keeps_fence(node, hands):
            raise NotYet(f"the file of {node} was left as it is: it is a {standing.role}, and not as it should be yet")
        return await hands.rewrite_config(node)


async def refuses_writes(master: Address, hands: Hands) -> bool:
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
