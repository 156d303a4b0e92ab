"""What a repair does to a loser before its data is safe, and how it is undone: nothing is given up by it.

The loser refuses writes from the fence on. Where Sentinels are in charge its data is held back as well: one that
reaches it makes it a replica within ten seconds, and the sync that follows would throw away what only it has. No I/O
here but through Hands.
"""

from __future__ import annotations

from dataclasses import dataclass

from actions.kit.errors import Gone, NotYet, TooLate
from actions.kit.fencing import but_scripts, is_fenced, why_open
from actions.kit.late import called_back
from actions.kit.plan import SettingChange, Step
from actions.kit.ports import Hands, Standing
from actions.kit.repair.sides import evidence_of
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class CaptureEvidence(Step):
    """Write down what each side shows, before anything is touched: an hour without replicas, and lineage is gone."""

    masters: tuple[Address, ...]

    @property
    def title(self) -> str:
        """What the step does."""
        return "Write down what each side shows"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"INFO on {', '.join(map(str, self.masters))}; SENTINEL MASTER on each Sentinel"

    async def act(self, hands: Hands) -> str:
        """Look once.

        Raises:
            NotYet: one of the sides does not answer: it could not be fenced.
        """
        snapshot = await hands.observe()
        for address in self.masters:
            node = snapshot.node(address)
            if node is None or node.info is None:
                raise NotYet(f"{address} does not answer")
        return "; ".join(evidence_of(snapshot))


@dataclass(frozen=True, slots=True)
class SeeRoom(Step):
    """See that a copy of the loser has its place, before anything is touched."""

    node: Address

    @property
    def title(self) -> str:
        """What the step does."""
        return f"See that a copy of {self.node} has room"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.node}> INFO memory; df where copies go"

    async def act(self, hands: Hands) -> str:
        """Ask the store; nothing is written.

        Raises:
            NotYet: there is no place for it; says what to do.
        """
        room = await hands.rescue_room(self.node)
        if room.why_not:
            raise NotYet(room.why_not)
        needs = f", which takes {room.needs_bytes:,} bytes at most" if room.needs_bytes is not None else ""
        free = f"; {room.free_bytes:,} bytes are free" if room.free_bytes is not None else ""
        return f"the copy goes to {room.where}{needs}{free}"


@dataclass(frozen=True, slots=True)
class HoldData(Step):
    """Keep a Sentinel that makes the loser a replica meanwhile from throwing its data away by that."""

    node: Address
    hold: SettingChange

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Hold the data of {self.node} back from a sync"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.node}> CONFIG SET {self.hold.name} {self.hold.new}"

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed from before the step acts until it is undone or put back."""
        return (self.hold,)

    async def act(self, hands: Hands) -> str:
        """Set it, and read it; a node that does not answer is not sent anything.

        Raises:
            TooLate: it has been made a replica: there is nothing to be held back any more.
        """
        standing = await hands.standing(self.node)
        if standing.role is Role.REPLICA and not await is_held(self.hold, hands):
            raise TooLate(_lost(self.node, standing))
        await hands.change_settings(self.node, {self.hold.name: self.hold.new}, rewrite=False)
        if not await is_held(self.hold, hands):
            raise NotYet(f"{self.node} did not keep its {self.hold.name}")
        return f"made a replica, {self.node} would keep its data"

    async def undo(self, hands: Hands) -> str:
        """Give it its login back where nobody makes it a replica then, by which its data would be lost.

        Raises:
            NotYet: a Sentinel has done so, or would: its data stays held back until it has been copied.
        """
        try:
            standing = await hands.standing(self.node)
        except Gone:
            return f"{self.node} is gone, and what was set on it"
        doubt = await called_back(self.node, hands)
        if not await is_held(self.hold, hands):
            return f"{self.node} is as it was{doubt}"
        why = await self._in_danger(standing, hands)
        if why:
            raise NotYet(
                f"{why}: its data is held back until there is a copy of it. Mend what failed, and repair again"
            )
        await hands.change_settings(self.node, as_settings((self.hold,), old=True), rewrite=False)
        return f"{self.node} is as it was{doubt}"

    async def _in_danger(self, standing: Standing, hands: Hands) -> str | None:
        """By what the Sentinels say, and by who listens on the node itself: one may be silent to us and reach it."""
        if standing.role is Role.REPLICA:
            return f"{self.node} has been made a replica meanwhile"
        snapshot = await hands.observe()
        for view in snapshot.sentinels:
            known = view.master.replicas if view.master else ()
            if any(one.address == self.node and not one.flags & {"s_down", "disconnected"} for one in known):
                return f"Sentinel {view.address} reaches {self.node}, and makes it a replica"
        node = snapshot.node(self.node)
        watching = node.watching_sentinels if node else None
        return f"{watching or 'perhaps some'} Sentinels watch {self.node}" if watching != 0 else None


@dataclass(frozen=True, slots=True)
class FenceLoser(Step):
    """Have the loser refuse writes; from here on there is one writable master.

    Where a person chose the side, the other one is paused for the moment of it: both offsets are then of one moment.
    """

    node: Address
    keeper: Address
    pause_ms: int
    settings: tuple[SettingChange, ...]
    hold: SettingChange | None = None
    both: bool = False
    was_replica: bool = False
    """An earlier repair holds its data back, and a Sentinel has made it a replica since."""
    scripts_pass: bool = False
    """Its fence does not stop scripts that write; see ``fencing.scripts_pass``."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Fence writes on {self.node}" + (f", and for a moment on {self.keeper}" if self.both else "")

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "".join(f" CONFIG SET {change.name} {change.new};" for change in self.settings)
        fence = f"{self.node}> MULTI; CLIENT PAUSE {self.pause_ms} WRITE;{sets} EXEC"
        fence += f"; {self.node}> REPLICAOF NO ONE" if self.was_replica else ""
        if not self.both:
            return fence
        return f"{self.keeper}> CLIENT PAUSE {self.pause_ms} WRITE; {fence}; {self.keeper}> CLIENT UNPAUSE"

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed from before the step acts until it is undone or put back."""
        return self.settings

    async def act(self, hands: Hands) -> str:
        """Fence, and read the offsets; a node that does not answer is not sent anything."""
        await self._still_sides(hands)
        refuses = f"{self.node} refuses writes{but_scripts(self.scripts_pass)}"
        if not self.both:
            return f"{refuses}, offset {await self._fence(hands)}"
        try:
            kept = await hands.fence(self.keeper, self.pause_ms, {})
            given_up = await self._fence(hands)
        finally:
            await hands.unfence(self.keeper, {})
        return f"{refuses}, offset {given_up}; at that moment {self.keeper} was at {kept}"

    async def _still_sides(self, hands: Hands) -> None:
        kept, given_up = await hands.standing(self.keeper), await hands.standing(self.node)
        if kept.role is not Role.MASTER:
            raise TooLate(f"{self.keeper} is a {kept.role} by now")
        if given_up.role is Role.REPLICA and not self.was_replica:
            held = self.hold is not None and await is_held(self.hold, hands)
            made = f"{self.node} has been made a replica of {given_up.master}"
            raise TooLate(f"{made}; its data is held back" if held else _lost(self.node, given_up))

    async def _fence(self, hands: Hands) -> int:
        offset = await hands.fence(self.node, self.pause_ms, as_settings(self.settings))
        if why := await why_open(self.node, hands):
            raise NotYet(f"{self.node} did not keep its fence: {why}")
        if self.was_replica:
            await as_fenced_master(self.node, self.hold, hands)
        return offset

    async def undo(self, hands: Hands) -> str:
        """Let it take writes again, as before.

        Raises:
            NotYet: it does not answer: what is sent to it would be done when it wakes up, whoever is master then.
        """
        try:
            standing = await hands.standing(self.node)
        except Gone:
            return f"{self.node} is gone, and its fence with it"
        if self.was_replica and standing.role is Role.MASTER:
            if self.hold is None or not await is_held(self.hold, hands):
                raise NotYet(
                    f"{self.node} was restarted as a master, and its data is no longer held back: it is left so"
                )
            await hands.demote(self.node, self.keeper)  # Its data is held back, as before.
        old = as_settings(self.settings, old=True)
        doubt = await called_back(self.node, hands)
        await hands.unfence(self.node, old)
        if standing.role is Role.REPLICA or self.was_replica:
            await hands.change_settings(self.node, old, rewrite=True)  # A Sentinel has written the fence into its file.
            return f"{self.node} is a replica without a fence{doubt}"
        if await is_fenced(self.node, hands):
            refuses = f"still refuses writes{but_scripts(self.scripts_pass)}"
            return f"{self.node} {refuses}, as before: an earlier run fenced it"
        return f"{self.node} takes writes again, as before: there are two masters{doubt}"


async def as_fenced_master(node: Address, hold: SettingChange | None, hands: Hands) -> Standing:
    """A node that a Sentinel made a replica meanwhile becomes a master again, which refuses writes.

    Raises:
        TooLate: its data was not held back, so it is gone, or going.
        NotYet: it is not fenced any more.
    """
    standing = await hands.standing(node)
    if standing.role is Role.MASTER:
        return standing
    if hold is None or not await is_held(hold, hands):
        raise TooLate(_lost(node, standing))
    if why := await why_open(node, hands):
        raise NotYet(f"{node} is no longer fenced: {why}")
    await hands.promote(node)
    return await hands.standing(node)


def _lost(node: Address, standing: Standing) -> str:
    made = f"{node} has been made a replica of {standing.master} before its data was safe"
    return f"{made}: its sync throws away what only it had; how much that was at most, the plan says"


async def is_held(hold: SettingChange, hands: Hands) -> bool:
    """Whether the node's data is held back."""
    return (await hands.settings(hold.server, (hold.name,))).get(hold.name) == hold.new
