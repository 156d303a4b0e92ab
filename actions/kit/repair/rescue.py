"""The copy of a loser, and what it is compared with, while it refuses writes. No I/O here but through Hands.

The pause is renewed for as long as it takes: it stops scripts, expiries and the Sentinels' PUBLISH too, so that the
loser's offset moves by nothing but the pings to its replicas. Each of those is 14 bytes, and none is data.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from actions.kit.comparison import Bounds, Comparison
from actions.kit.errors import ActionError, NotYet, RescueFailed
from actions.kit.fencing import why_open
from actions.kit.note import Note
from actions.kit.plan import SettingChange, Step
from actions.kit.ports import Hands, Standing
from actions.kit.repair.fence import as_fenced_master
from actions.kit.rescue import RescueCopy, values_of
from actions.kit.snapshot import Role
from actions.kit.topology import Address

PING_BYTES = 14
"""``*1 $4 PING`` as a master sends it to its replicas every few seconds."""
COMPARE_S = 120
"""A comparison that takes longer is told as far as it came: the copy holds everything anyway."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Loser:
    """A master that is given up, as its copy and its demotion need to know it."""

    node: Address
    replid: str
    copy: str
    """The name of its copy."""
    strict: bool = False
    """Its fence does not stop scripts (before Redis 7.0): without the pause it may take writes."""
    hold: SettingChange | None = None


async def why_not_frozen(loser: Loser, copy: RescueCopy, standing: Standing, hands: Hands) -> str | None:
    """Why the copy may not hold all that the loser has; ``None`` where it does."""
    node, moved = loser.node, standing.offset - copy.offset
    if standing.replid != copy.replid:
        return f"{node} has another history than its copy: it was restarted, or follows another"
    if why := await why_open(node, hands):
        return f"{node} is no longer fenced: it may have taken writes since it was copied ({why})"
    if moved < 0:
        return f"{node} is {-moved:,} bytes behind its copy"
    if loser.strict and moved % PING_BYTES:
        return f"{node} moved by {moved:,} bytes since it was copied, and its fence does not stop scripts"
    return None


@asynccontextmanager
async def paused(nodes: tuple[Address, ...], pause_ms: int, hands: Hands) -> AsyncIterator[None]:
    """Keep writes on these nodes paused while the body runs; each pause ends by itself when nobody renews it."""

    async def renew() -> None:
        while True:
            await hands.sleep(pause_ms / 4000)
            for node in nodes:
                with contextlib.suppress(ActionError):  # It may hang: what it took meanwhile is looked at afterwards.
                    await hands.fence(node, pause_ms, {})

    for node in nodes:
        await hands.fence(node, pause_ms, {})
    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class RescueLoser(Step):
    """Copy all data of the loser, verified, while it refuses writes; see that it took none meanwhile.

    It never holds already: a copy of an earlier attempt is of before the fence came down in between. What is there is
    not written over, so a run that begins once more goes back, and is asked for again.
    """

    loser: Loser
    pause_ms: int
    evidence: tuple[str, ...]
    """What each side showed when this was planned, kept beside the copy."""
    fork: int | None = None
    """The first offset of what only it has."""
    others: tuple[Address, ...] = ()
    """The other losers: their pauses go on too."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Copy all data of {self.loser.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        host, port = self.loser.node
        return f"redis-cli -h {host} -p {port} --rdb FILE; redis-check-rdb FILE; sha256sum FILE"

    async def act(self, hands: Hands) -> str:
        """Copy it, and look at it again. One that a Sentinel made a replica meanwhile is made a master again.

        Raises:
            RescueFailed: no copy came about.
            NotYet: it may lack something.
        """
        async with paused((self.loser.node, *self.others), self.pause_ms, hands):
            for attempt in range(1, ATTEMPTS + 1):
                await as_fenced_master(self.loser.node, self.loser.hold, hands)
                try:
                    copy = await hands.rescue(
                        self.loser.node, self.loser.copy, {"split brain": list(self.evidence)}, fork=self.fork
                    )
                    break
                except ActionError:  # Older servers cut a copy off when they are made replicas.
                    after = await hands.standing(self.loser.node)
                    if after.role is Role.MASTER or attempt == ATTEMPTS:
                        raise
            after = await hands.standing(self.loser.node)
            why = await why_not_frozen(self.loser, copy, after, hands)
        if why:
            raise NotYet(f"{why}. The copy stays where it is: {copy.where}")
        moved = after.offset - copy.offset
        still = f"{moved:,} bytes of its own upkeep" if moved else "no byte"
        said = f"{words(copy)}; it is of offset {copy.offset:,}, and {still} came since"
        return Note(said, rescue_copy=values_of(copy))

    async def undo(self, hands: Hands) -> str:
        """A copy stays: it harms nobody. A store that cannot be asked now has nothing to be put back."""
        with contextlib.suppress(RescueFailed):
            if copy := await hands.rescued(self.loser.copy):
                return f"the copy stays: {copy.where}"
        return ""


@dataclass(frozen=True, slots=True)
class CompareSides(Step):
    """Count the keys that are only on one side, or different: what the copy is worth. Nothing is decided by it."""

    loser: Address
    keeper: Address
    pause_ms: int
    others: tuple[Address, ...] = ()
    within_s: int = COMPARE_S

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Compare the keys of {self.loser} and {self.keeper}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"SCAN, TYPE, PTTL and each value on {self.loser} and {self.keeper}"

    async def act(self, hands: Hands) -> str:
        """Compare within the bound. What cannot be compared is said; it holds nothing up, since all is copied."""
        try:
            async with paused((self.loser, *self.others), self.pause_ms, hands):
                found = await hands.compare_keys(self.loser, self.keeper, Bounds(seconds=self.within_s))
        except ActionError as error:
            return f"not compared: {error}. The copy holds all of {self.loser}"
        return Note(counts(found), compared=found.values)


def counts(found: Comparison) -> str:
    """The three counts, and how far they go."""
    said = (
        f"keys only on {found.first}: {found.only_first:,}, only on {found.second}: {found.only_second:,}, "
        f"different: {found.different:,}, same: {found.same:,}"
    )
    said += f", undecided: {found.undecided:,}" if found.undecided else ""
    if not found.complete:
        said += f". Not all were compared: {found.why_incomplete.rstrip('.')}. The copy holds all of {found.first}"
    return said


def words(copy: RescueCopy) -> str:
    """Where a copy lies, and what proves it."""
    keys = f"{copy.keys:,} keys, " if copy.keys is not None else ""
    note = f". {copy.count_note.rstrip('.')}" if copy.count_note else ""
    return f"{copy.where} ({keys}{copy.size_bytes:,} bytes, sha256 {copy.sha256}, {copy.checked}){note}"
