"""Compares what two servers hold, key by key, in bounded time, memory and rate.

The names of one side are gone through with SCAN, and the other is asked about them, some hundred at a time: neither
side's names are ever held together. What is not the same is looked at again a moment later, before it is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from actions.adapters.redis.connection import Node
from actions.adapters.redis.key_looks import Looks
from actions.adapters.redis.reading import Identity, Reader
from actions.kit.comparison import Bounds, Comparison, Found, KeyLook, KeyName, judged
from actions.kit.errors import AccessDenied, ActionError, CommandRefused

BATCH = 250
"""So many names are asked for at a time: their answers are read within a few ms, and whoever else waits is served."""
SECOND_LOOK_S = 0.25
"""So long after the first: what expires is gone on both sides by then, though their clocks differ a little."""
RIGHTS = "+@read -@dangerous +info +select +time, and to read every key: %R~*, before Redis 7.0 ~*"
"""What the ACL user has to be allowed, beside +client|no-touch where it is known."""
_DOUBT_BYTES = 600
"""What a key in doubt takes beside its name."""


class _Enough(ActionError):  # noqa: N818 -- It ends a comparison; it is no fault.
    """A bound is reached; says which."""


class _SameProcess(CommandRefused):
    """There are not two servers."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A key that was not the same at the first look."""

    database: int
    name: bytes
    look: KeyLook
    due: float


async def compare(first: Node, second: Node, bounds: Bounds) -> Comparison:
    """Compare all keys of two servers; what ends it early is part of the result.

    Args:
        first: a connection that nobody else uses, as is ``second``; whoever made it closes it.
        second: the other server.
        bounds: what it may cost.

    Raises:
        CommandRefused: both are one and the same process.
    """
    comparing = _Comparing(Reader(first), Reader(second), bounds)
    why = ""
    try:
        await comparing.run()
    except _SameProcess:
        raise
    except AccessDenied as error:
        why = f"{error}. To compare keys the user needs {RIGHTS}."
    except ActionError as error:
        why = f"{error}."
    return comparing.result(why)


class _Comparing:
    def __init__(self, first: Reader, second: Reader, bounds: Bounds) -> None:
        self._first, self._second, self._bounds = first, second, bounds
        self._looks = Looks(first, second, bounds.memory_bytes, self._pace)
        self._started = time.monotonic()
        self._looked_at = 0
        self._found: Counter[Found] = Counter()
        self._names: list[KeyName] = []
        self._doubts: deque[_Doubt] = deque()
        self._doubts_bytes = 0

    async def run(self) -> None:
        """Go through the first side, then the second for what the first does not know: the rest has been compared."""
        who, databases = await self._identify()
        for database in databases:
            async for names in self._batches(self._first, database):
                self._note(database, names, await self._looks.look(database, names))
                await self._settle()
        for database in databases:
            async for names in self._batches(self._second, database):
                missing = await self._first.missing(database, names)
                self._note(database, missing, await self._looks.look(database, missing))
                await self._settle()
        await self._settle(all_of_them=True)
        if (await self._identify())[0] != who:
            raise _Enough("One of the two restarted, or changed its role or its data, while they were compared")

    def result(self, why: str) -> Comparison:
        """The numbers; what was looked at only once is undecided."""
        found = self._found
        return Comparison(
            first=self._first.node.address,
            second=self._second.node.address,
            only_first=found[Found.ONLY_FIRST],
            only_second=found[Found.ONLY_SECOND],
            different=found[Found.DIFFERENT],
            same=found[Found.SAME],
            undecided=found[Found.UNDECIDED] + len(self._doubts),
            complete=not why,
            why_incomplete=why,
            seconds=time.monotonic() - self._started,
            names=tuple(sorted(self._names)),
        )

    async def _identify(self) -> tuple[tuple[Identity, Identity], tuple[int, ...]]:
        (first, ours), (second, theirs) = await asyncio.gather(self._first.identify(), self._second.identify())
        if first.run_id == second.run_id:
            raise _SameProcess(
                f"{self._first.node.address} and {self._second.node.address} are the same server: "
                "there is nothing to compare."
            )
        return (first, second), tuple(sorted({*ours, *theirs}))

    async def _batches(self, side: Reader, database: int) -> AsyncIterator[list[bytes]]:
        """All names of one database, within the bounds."""
        cursor, looked_at = b"0", 0
        while True:
            cursor, names = await side.scan(database, cursor, BATCH)
            await self._pace(0)  # A table that has shrunk has pages without a name.
            for start in range(0, len(names), BATCH):
                some = names[start : start + BATCH]
                if looked_at + len(some) > self._bounds.keys:
                    raise _Enough(f"The comparison was stopped after {looked_at:,} keys of {side.node.address}")
                looked_at += len(some)
                await self._pace(len(some))
                yield some
            if cursor == b"0":
                return

    async def _pace(self, names: int) -> None:
        """Wait as long as the rate asks for.

        Raises:
            _Enough: the time would be over by then.
        """
        bounds = self._bounds
        ahead_s = self._started + self._looked_at / bounds.rate - time.monotonic()
        if time.monotonic() + max(0.0, ahead_s) - self._started > bounds.seconds:
            raise _Enough(f"The comparison was stopped after {bounds.seconds:g} s")
        self._looked_at += names
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)

    def _note(self, database: int, names: Sequence[bytes], looks: Iterable[KeyLook]) -> None:
        due = time.monotonic() + SECOND_LOOK_S
        for name, look in zip(names, looks, strict=True):
            if look.found is Found.SAME:
                self._found[Found.SAME] += 1
            elif look.found is not Found.GONE:
                self._doubts.append(_Doubt(database, name, look, due))
                self._doubts_bytes += len(name) + _DOUBT_BYTES

    async def _settle(self, *, all_of_them: bool = False) -> None:
        """Look again at a batch that is due; at everything where that is wanted, or too much is waiting."""
        while self._doubts:
            some = list(islice(self._doubts, BATCH))
            wait_s = some[-1].due - time.monotonic()
            too_many = self._doubts_bytes > self._bounds.memory_bytes // 4
            if (wait_s > 0 or len(some) < BATCH) and not (all_of_them or too_many):
                return
            await asyncio.sleep(max(0.0, wait_s))
            await self._pace(len(some))
            await self._look_again(some)

    async def _look_again(self, doubts: list[_Doubt]) -> None:
        """They stay in doubt until that has gone well."""
        for database, some in groupby(doubts, key=lambda doubt: doubt.database):
            group = list(some)
            looks = await self._looks.look(database, [doubt.name for doubt in group])
            for doubt, look in zip(group, looks, strict=True):
                self._count(database, doubt.name, judged(doubt.look, look))
                self._doubts.popleft()
                self._doubts_bytes -= len(doubt.name) + _DOUBT_BYTES

    def _count(self, database: int, name: bytes, found: Found) -> None:
        self._found[found] += 1
        if found not in {Found.SAME, Found.GONE} and len(self._names) < self._bounds.names:
            self._names.append(KeyName(database, name, found))
