"""The flush itself, how it is proven on every node, and that writes are taken again.

No I/O here but through Hands.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from actions.kit.errors import ActionError, NotYet, Permanent, Temporary, TooLate
from actions.kit.fencing import keeps_fence
from actions.kit.flushing.copied import held
from actions.kit.late import called_back
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Flush, Hands
from actions.kit.repair.demotion import NO_COPY
from actions.kit.repair.rescue import Loser, why_not_frozen
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class FlushMaster(Step):
    """Flush databases of a master, only where a verified copy holds all that it has; its fence goes in the same moment.

    The server itself looks at its offset in that moment. So it cannot happen twice: the first time moves the offset.
    """

    point_of_no_return: ClassVar[bool] = True
    master: Loser
    databases: tuple[int, ...]
    mark: str
    """The key by which it is seen that this has happened."""
    pause_ms: int
    renewed: bool
    """The pause may be renewed for as long as it takes: no Sentinel watches."""
    settings: tuple[SettingChange, ...]

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Flush {named(self.databases)} of {self.master.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "".join(f"CONFIG SET {change.name} {change.old}; " for change in self.settings)
        flushes = "; ".join(f"SELECT {number}; FLUSHDB ASYNC" for number in self.databases)
        return f"{self.master.node}> {sets}CLIENT UNPAUSE; if its offset is that of its copy: {flushes}"

    async def holds(self, hands: Hands) -> Held:
        """Whether its mark is there."""
        if await hands.flush_mark(self.master.node, self.mark, self.databases[0]):
            return Held(yes=True, observation=f"{named(self.databases)} of {self.master.node} was flushed")
        return Held(yes=False, observation=f"{self.master.node} has no mark of a flush")

    async def destroys(self, hands: Hands) -> str | None:
        """What is flushed leaves the service.

        Raises:
            TooLate: its copy may lack something.
        """
        if (await self.holds(hands)).yes:
            return None
        why = await self._why_not(hands)
        if why:
            raise TooLate(f"{self.master.node} is not flushed: {why}")
        return f"{named(self.databases)} of {self.master.node} is still to be flushed"

    async def act(self, hands: Hands) -> str:
        """Look once more, and flush.

        Raises:
            TooLate: its copy may lack something: nothing is flushed.
            NotYet: another database has changed in that moment.
        """
        node = self.master.node
        async with held((node,), self.pause_ms if self.renewed else 0, hands):
            copy = await hands.rescued(self.master.copy)  # It is read and hashed again.
        await hands.fence(node, self.pause_ms, {})
        standing = await hands.standing(node)
        why = NO_COPY if copy is None else await why_not_frozen(self.master, copy, standing, hands)
        if why or standing.role is not Role.MASTER:
            raise TooLate(f"{node} was not flushed: {why or 'it is no master any more'}")
        wanted = Flush(self.databases, standing.replid, standing.offset, self.mark)
        before, after = await hands.flush(node, wanted, as_settings(self.settings, old=True))
        went, others = [], 0
        for number, keys in before.databases:
            if number in self.databases:
                went.append(f"{keys:,} keys of database {number}")
            elif dict(after.databases).get(number) == keys:
                others += 1
            else:
                raise NotYet(f"{node}: database {number} was not to change and has")
        still = f"; {others} other database{'s' * (others > 1)} untouched" if others else ""
        return f"{', '.join(went) or 'no key'} went at offset {standing.offset:,}{still}"

    async def _why_not(self, hands: Hands) -> str | None:
        copy = await hands.rescued(self.master.copy)
        if copy is None:
            return NO_COPY
        return await why_not_frozen(self.master, copy, await hands.standing(self.master.node), hands)

    async def undo(self, hands: Hands) -> str:
        """See that it was not flushed, and that it cannot be any more.

        Raises:
            TooLate: it was, after all.
            NotYet: that cannot be seen now.
        """
        node = self.master.node
        try:
            doubt = await called_back(node, hands)
            if (await self.holds(hands)).yes:
                raise TooLate(f"{named(self.databases)} of {node} was flushed after all")
            if not await keeps_fence(node, hands):  # Its fence goes before it is flushed.
                await self._still_full(hands)
        except Permanent:
            raise
        except Temporary as error:
            raise NotYet(f"whether {node} was flushed cannot be seen: {error}") from error
        return f"{node} was not flushed{doubt}"

    async def _still_full(self, hands: Hands) -> None:
        """The mark may have been evicted, or deleted by somebody."""
        copy = await hands.rescued(self.master.copy)
        keys = sum(keys for _, keys in (await hands.keyspace(self.master.node)).databases)
        if copy is None or copy.keys is None or keys * 2 < copy.keys:
            had = f"{copy.keys:,}" if copy is not None and copy.keys is not None else "an unknown number"
            raise NotYet(f"{self.master.node} has {keys:,} keys, and its copy {had}")


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


def named(databases: tuple[int, ...]) -> str:
    """In words: ``database 0``, ``databases 0 and 3``."""
    *first, last = map(str, databases)
    return f"databases {', '.join(first)} and {last}" if first else f"database {last}"


def _counts(keys: dict[int, int]) -> str:
    return ", ".join(f"{count:,} key{'s' * (count != 1)} in database {number}" for number, count in keys.items())
