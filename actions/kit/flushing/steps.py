"""The flush itself: only where a verified copy has all, and only once. No I/O here but through Hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from actions.kit.errors import NotYet, Permanent, Temporary, TooLate
from actions.kit.fencing import keeps_fence
from actions.kit.flushing.copied import held
from actions.kit.late import called_back
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Flush, Hands, Keyspace, Standing
from actions.kit.repair.demotion import NO_COPY
from actions.kit.repair.rescue import Loser, why_not_frozen
from actions.kit.rescue import RescueCopy
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings

ATTEMPTS = 3
HARMLESS = frozenset({"PING", "REPLCONF", "PUBLISH", "SPUBLISH", "SELECT", "MULTI", "EXEC", "DEL", "UNLINK"})
"""What a master sends its replicas without having more than its copy: keys that expire go as DEL or UNLINK."""


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
    scripts_pass: bool = False
    """Its fence does not stop scripts: every command since the copy is looked at."""

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
        if copy is None:
            raise TooLate(f"{node} was not flushed: {NO_COPY}")
        closing: Mapping[str, str] = {}
        proven = copy.offset if self.scripts_pass else None
        for _ in range(ATTEMPTS):
            await hands.fence(node, self.pause_ms, closing)
            standing = await self._at_rest(copy, proven, hands)
            wanted = Flush(self.databases, standing.replid, standing.offset, self.mark)
            flushed = await hands.flush(node, wanted, as_settings(self.settings, old=True))
            if flushed is not None:
                return self._said(*flushed, standing.offset)
            # Its fence is gone, and something has come: a hello of a Sentinel, several PINGs, or a write.
            closing, proven = as_settings(self.settings), standing.offset
        raise TooLate(f"{node} was not flushed: each time something came in between")

    async def _at_rest(self, copy: RescueCopy, proven: int | None, hands: Hands) -> Standing:
        """Where it is, paused and behind its fence.

        Args:
            copy: what has to hold all of it.
            proven: the offset from which on it is looked at what it took; ``None`` where its fence is proof enough.
            hands: what asks it.

        Raises:
            TooLate: the copy may lack something.
        """
        node = self.master.node
        standing = await hands.standing(node)
        why = await why_not_frozen(self.master, copy, standing, hands)
        if why is None and proven is not None:
            names = sorted(await hands.commands_since(node, copy.replid, proven) - HARMLESS)
            why = f"it took {', '.join(names)} since it was copied" if names else None
        if why or standing.role is not Role.MASTER:
            raise TooLate(f"{node} was not flushed: {why or 'it is no master any more'}")
        return standing

    def _said(self, before: Keyspace, after: Keyspace, offset: int) -> str:
        went, others = [], 0
        for number, keys in before.databases:
            if number in self.databases:
                went.append(f"{keys:,} keys of database {number}")
            elif dict(after.databases).get(number) == keys:
                others += 1
            else:
                raise NotYet(f"{self.master.node}: database {number} was not to change and has")
        still = f"; {others} other database{'s' * (others > 1)} untouched" if others else ""
        return f"{', '.join(went) or 'no key'} went at offset {offset:,}{still}"

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


def named(databases: tuple[int, ...]) -> str:
    """In words: ``database 0``, ``databases 0 and 3``."""
    *first, last = map(str, databases)
    return f"databases {', '.join(first)} and {last}" if first else f"database {last}"
