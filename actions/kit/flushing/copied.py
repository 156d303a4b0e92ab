"""The copy of a master that is to be flushed, taken while it refuses writes. No I/O here but through Hands."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from actions.kit.errors import NotYet, RescueFailed, TooLate
from actions.kit.note import Note
from actions.kit.plan import Step
from actions.kit.ports import Hands
from actions.kit.repair.rescue import Loser, paused, why_not_frozen, words
from actions.kit.rescue import values_of
from actions.kit.snapshot import Role
from actions.kit.topology import Address


@asynccontextmanager
async def held(nodes: tuple[Address, ...], pause_ms: int, hands: Hands) -> AsyncIterator[None]:
    """Keep these paused while the body runs; with 0 only their fences keep writes out: Sentinels watch them."""
    if not pause_ms:
        yield
        return
    async with paused(nodes, pause_ms, hands):
        yield


@dataclass(frozen=True, slots=True)
class RescueMaster(Step):
    """Copy all data of a fenced master, verified, and see that it took no write meanwhile.

    It never holds already: a copy of an earlier attempt is of before the fence came down in between.
    """

    master: Loser
    pause_ms: int
    evidence: tuple[str, ...]
    """What is flushed, as it was approved; kept beside the copy."""
    others: tuple[Address, ...] = ()
    """The other masters: their pauses go on too."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Copy all data of {self.master.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        host, port = self.master.node
        return f"redis-cli -h {host} -p {port} --rdb FILE; redis-check-rdb FILE; sha256sum FILE"

    async def act(self, hands: Hands) -> str:
        """Copy it, and look at it again.

        Raises:
            RescueFailed: no copy came about.
            TooLate: it is no master any more.
            NotYet: it may lack something.
        """
        node = self.master.node
        async with held((node, *self.others), self.pause_ms, hands):
            if (await hands.standing(node)).role is not Role.MASTER:
                raise TooLate(f"{node} is no master any more")
            copy = await hands.rescue(node, self.master.copy, {"flush": list(self.evidence)})
            why = await why_not_frozen(self.master, copy, await hands.standing(node), hands)
        if why:
            raise NotYet(f"{why}. The copy stays where it is: {copy.where}")
        return Note(words(copy), rescue_copy=values_of(copy))

    async def undo(self, hands: Hands) -> str:
        """A copy stays: it harms nobody. A store that cannot be asked now has nothing to be put back."""
        with contextlib.suppress(RescueFailed):
            if copy := await hands.rescued(self.master.copy):
                return f"the copy stays: {copy.where}"
        return ""
