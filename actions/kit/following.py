"""Whom the replicas follow after a promotion by us, and what the configuration files say. No I/O but through Hands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit.errors import ActionError, NotYet, TooLate, Unreachable
from actions.kit.fencing import is_fenced, keeps_fence
from actions.kit.plan import Held, Step
from actions.kit.ports import Hands
from actions.kit.roles import follows, master_to_follow
from actions.kit.snapshot import Role
from actions.kit.steps import until
from actions.kit.topology import Address

LINK_WITHIN_S = 15
"""How long a replica may take until its link to a new master is up that does not answer us."""


@dataclass(frozen=True, slots=True)
class Repoint(Step):
    """Have another replica follow the new master; it has all that it needs for a partial resync.

    A new master that is silent to us may serve others, or be dead behind a forwarder that goes on accepting. Only the
    replica can tell, by its own link: where that stays down it is sent back to whom it followed.
    """

    node: Address
    master: Address
    within_s: int = 5
    replid: str = ""
    """The history that the new master goes on with; empty where the old one is lost."""
    offset: int = 0
    """How far it had come when this was planned."""
    link_within_s: int = LINK_WITHIN_S

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Have {self.node} follow {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.node}> REPLICAOF {self.master.host} {self.master.port}"

    async def holds(self, hands: Hands) -> Held:
        """Whether it follows already, and one of us reaches the new master; one that does not answer is asked again."""
        try:
            standing = await hands.standing(self.node)
        except Unreachable as error:
            return Held(yes=False, observation=str(error))
        seen = f"{self.node} is a {standing.role} of {standing.master}"
        if standing.master != self.master or standing.link_up:
            return Held(standing.master == self.master, seen)
        try:
            answers = (await hands.standing(self.master)).role is Role.MASTER
        except Unreachable as error:
            return Held(yes=False, observation=f"{seen}, its link is down, and {error}")
        return Held(answers, f"{seen}, and its link is not up yet")

    async def act(self, hands: Hands) -> str:
        """Send it to the new master, trying again while it is silent; one that is a master itself is left alone.

        Raises:
            NotYet: it does not answer; or nobody reaches the new master, and it follows whom it followed before.
        """
        if await refuses_writes(self.master, hands):
            raise NotYet(f"{self.node} was left as it is: {self.master} refuses writes")
        before: list[Address] = []
        await until(lambda: self._sent(hands, before), hands, self.within_s, every_s=0.1)
        try:
            return (await until(lambda: self.holds(hands), hands, self.link_within_s, every_s=0.1)).observation
        except NotYet as error:
            if await self._syncs(hands):
                return f"{self.node} follows {self.master}, and its full sync goes on"
            if not before:
                raise
            await until(lambda: self._back(hands, before[0]), hands, self.within_s, every_s=0.1)
            raise NotYet(
                f"{self.node} was sent back to {before[0]}, for nobody reaches {self.master}: {error}"
            ) from error

    async def _sent(self, hands: Hands, before: list[Address]) -> Held:
        """``before``: whom it followed, once it is about to follow another."""
        standing = await hands.standing(self.node)
        if standing.role is Role.MASTER:
            raise TooLate(f"{self.node} is a master itself")
        if standing.master != self.master:
            await master_to_follow(self.node, self.master, hands, self.replid, self.offset)
            before[:] = [standing.master] if standing.master else []
            await hands.demote(self.node, self.master)
            standing = await hands.standing(self.node)
        return Held(standing.master == self.master, f"{self.node} is a {standing.role} of {standing.master}")

    async def _back(self, hands: Hands, before: Address) -> Held:
        await hands.demote(self.node, before)
        return await follows(self.node, before, hands)

    async def _syncs(self, hands: Hands) -> bool:
        node = (await hands.observe()).node(self.node)
        link = node.info.link if node is not None and node.info is not None else None
        return link is not None and link.master == self.master and (link.up or link.sync_in_progress)


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
