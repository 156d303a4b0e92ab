"""Whom the replicas follow after a promotion by us, and what the configuration files say. No I/O but through Hands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit.errors import ActionError, Gone, NotYet, TooLate, Unreachable
from actions.kit.fencing import is_fenced
from actions.kit.plan import Held, Step
from actions.kit.ports import Hands
from actions.kit.snapshot import Role
from actions.kit.steps import until
from actions.kit.topology import Address


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
        if await refuses_writes(self.master, hands):
            raise NotYet(f"{self.node} was left as it is: {self.master} refuses writes")
        await master_to_follow(self.node, self.master, hands)
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


async def master_to_follow(node: Address, master: Address, hands: Hands) -> None:
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
