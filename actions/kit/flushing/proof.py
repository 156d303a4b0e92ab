"""How a flush is proven on every node, and that its masters take writes again. No I/O here but through Hands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from actions.kit.errors import ActionError
from actions.kit.flushing.steps import named
from actions.kit.late import called_back
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class TakeWrites(Step):
    """See that a master takes writes again, whatever became of its flush."""

    node: Address
    settings: tuple[SettingChange, ...]
    within_s: int = 5

    @property
    def title(self) -> str:
        """What the step does."""
        return f"See that {self.node} takes writes"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "; ".join(f"CONFIG SET {change.name} {change.old}" for change in self.settings)
        return f"{self.node}> {sets}; CLIENT UNPAUSE"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed."""
        return self.settings

    async def act(self, hands: Hands) -> str:
        """Put the old values back where they are not, and read them.

        Raises:
            NotYet: they are not as they were.
        """
        return (await until(lambda: self._open(hands), hands, self.within_s, every_s=0.1)).observation

    async def _open(self, hands: Hands) -> Held:
        wanted = as_settings(self.settings, old=True)
        if await hands.settings(self.node, tuple(wanted)) != wanted:
            await called_back(self.node, hands)
            await hands.unfence(self.node, wanted)
        seen = await hands.settings(self.node, tuple(wanted))
        return Held(seen == wanted, ", ".join(f"{name} {value}" for name, value in seen.items()))


@dataclass(frozen=True, slots=True)
class SeeFlushed(Step):
    """See the flush on the master and on each replica, by its mark, and how many keys there are by now."""

    node: Address
    databases: tuple[int, ...]
    mark: str
    replicas: tuple[Address, ...] = ()
    last: bool = False
    """The second look, after which the mark is taken away."""
    within_s: int = 20

    @property
    def title(self) -> str:
        """What the step does."""
        again = "once more " if self.last else ""
        return f"See {again}on every node that {named(self.databases)} of {self.node} was flushed"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        nodes = ", ".join(map(str, (self.node, *self.replicas)))
        return f"INFO keyspace on {nodes}" + (f"; {self.node}> DEL the mark of the flush" if self.last else "")

    def looks_again_at(self, earlier: Step) -> bool:
        """Whether an earlier one looked at the same."""
        return isinstance(earlier, SeeFlushed) and replace(earlier, last=self.last) == self

    async def act(self, hands: Hands) -> str:
        """Look until all show it.

        Raises:
            NotYet: one of them does not.
        """
        seen = (await until(lambda: self._everywhere(hands), hands, self.within_s, every_s=0.1)).observation
        if self.last:
            await hands.flush_mark(self.node, self.mark, self.databases[0], remove=True)
        return seen

    async def _everywhere(self, hands: Hands) -> Held:
        nodes = (self.node, *self.replicas)
        told = await asyncio.gather(*(self._on(node, hands) for node in nodes), return_exceptions=True)
        for one in told:
            if isinstance(one, BaseException) and not isinstance(one, ActionError):
                raise one
        yes = all(isinstance(one, Held) and one.yes for one in told)
        return Held(yes, "; ".join(one.observation if isinstance(one, Held) else str(one) for one in told))

    async def _on(self, node: Address, hands: Hands) -> Held:
        marked = await hands.flush_mark(node, self.mark, self.databases[0])
        keys = dict((await hands.keyspace(node)).databases)
        now = {number: keys.get(number, 0) - (marked and number == self.databases[0]) for number in self.databases}
        if not marked:
            return Held(yes=False, observation=f"{node} does not show it: {_counts(now)}")
        return Held(yes=True, observation=f"{node} has what was written since: {_counts(now)}")


def _counts(keys: dict[int, int]) -> str:
    return ", ".join(f"{count:,} key{'s' * (count != 1)} in database {number}" for number, count in keys.items())
