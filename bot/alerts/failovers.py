"""Follows the failovers that others do: what one has cost, once it is done, and that one is due and does not come.

What is told was seen by Tandem itself: the old master before, by its own questions, and the target afterwards. The new
master's replication id says which failover it was, so that several replicas of the bot tell of it once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from actions.kit.action import Progress, Seen
from actions.kit.aftermath import Aftermath, Before, aftermath, patience_s, somebody_else
from actions.kit.errors import TandemError
from actions.kit.pulse import Pulse
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Kind
from bot.alerts.telling import Teller, own_alert
from bot.ledger.incident_records import Alert

log = logging.getLogger(__name__)

Look = Callable[[str, str, Mapping[str, str], Progress], Awaitable[Seen]]

STEP_S, LONGEST_S = 1.0, 60.0
"""How often it is seen whether all has settled, and for how long; then it is told as it stands."""
LATE = timedelta(seconds=2 * LONGEST_S)
"""Who has been seen as the master for so long was told already; a Sentinel that was away says it late."""
ALIVE = timedelta(seconds=1.5)
"""Who has answered so lately is there: nodes are asked each second."""
HURRY_S, SOON_S, CLOSELY = 0.2, 10.0, 10
"""While a master is silent its nodes are asked so often for so long, to know how long writes failed as well; but not
where more than so many masters are silent at once."""


@dataclass(frozen=True, slots=True)
class Led:
    """The Sentinel that leads a failover. ``ordered``: by a command, since it did not hold the master to be down."""

    sentinel: Address
    ordered: bool
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Pulses(Protocol):
    """``bot.alerts.nodes.NodeWatch``."""

    def pulse(self, target: str, address: Address) -> Pulse | None:
        """What is known of one node."""

    def hurry(self, target: str) -> None:
        """Ask all nodes of a target at once."""


class Failovers:
    """One for each process. Close with ``aclose``.

    Args:
        look: looks at a target, as a person's command does.
        teller: where goes what was found.
    """

    def __init__(self, look: Look, teller: Teller) -> None:
        self._look, self._teller = look, teller
        self._pulses: Pulses | None = None
        self._signs: dict[tuple[str, Address], asyncio.Task[None]] = {}
        self._moves: dict[tuple[str, Address], asyncio.Task[None]] = {}
        self._held: set[tuple[str, Address]] = set()
        self._named: set[tuple[str, Address]] = set()
        self._led: dict[tuple[str, Address], Led] = {}

    def ask(self, pulses: Pulses) -> None:
        """This is who knows the nodes; without it nothing is known of what was before."""
        self._pulses = pulses

    async def aclose(self) -> None:
        """Stop; what was not told yet is left to the other replicas."""
        tasks = (*self._signs.values(), *self._moves.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def sign(self, target: str, master: Address) -> None:
        """A master does not answer us: somebody may take over now."""
        self._begin(self._signs, (target, master), self._expected(target, master))

    def held(self, target: str, master: Address) -> None:
        """Enough Sentinels hold a master to be down, whatever it answers us."""
        self._held.add((target, master))
        self.sign(target, master)

    def over(self, target: str, master: Address) -> None:
        """They do no longer."""
        self._held.discard((target, master))

    def led(self, target: str, master: Address, led: Led) -> None:
        """A Sentinel leads a failover away from this master."""
        self._led[target, master] = led

    def given_up(self, target: str, master: Address, sentinel: Address) -> None:
        """A Sentinel has given its failover up."""
        led = self._led.get((target, master))
        if led is not None and led.sentinel == sentinel:
            del self._led[target, master]

    def named(self, target: str, old: Address, new: Address) -> None:
        """A Sentinel says that its master has moved."""
        self._named = {one for one in self._named if one != (target, old)} | {(target, new)}
        self.moved(target, old, new)

    def moved(self, target: str, old: Address | None, new: Address) -> None:
        """A replica has become the master."""
        for (name, master), waiting in self._signs.items():
            if name == target and old in {None, master}:
                waiting.cancel()
        self._held = {(name, held) for name, held in self._held if name != target or old not in {None, held}}
        self._begin(self._moves, (target, new), self._told(target, self._before(target, old), new))

    def _begin(
        self,
        tasks: dict[tuple[str, Address], asyncio.Task[None]],
        key: tuple[str, Address],
        doing: Coroutine[None, None, None],
    ) -> None:
        if key in tasks:
            doing.close()
            return
        tasks[key] = task = asyncio.create_task(doing)
        task.add_done_callback(lambda _: tasks.pop(key, None))

    async def _expected(self, target: str, master: Address) -> None:
        """Watch closely for who takes over; say so where nobody does in time."""
        loop = asyncio.get_running_loop()
        began, limit_s = loop.time(), None
        while limit_s is None or loop.time() - began < limit_s:
            soon = loop.time() - began < SOON_S and len(self._signs) <= CLOSELY
            if soon and self._pulses is not None:
                self._pulses.hurry(target)
            await asyncio.sleep(HURRY_S if soon else STEP_S)
            if (target, master) not in self._held and not self._is_silent(target, master):
                return
            if limit_s is None and loop.time() - began >= SOON_S:
                snapshot = await self._seen(target)
                limit_s = patience_s(snapshot) if snapshot is not None else None
                if snapshot is not None and limit_s is None:
                    return  # Nobody would take over by himself.
        self._teller.tell(target, _overdue(target, master, limit_s))

    def _is_silent(self, target: str, master: Address) -> bool:
        pulse = self._pulses.pulse(target, master) if self._pulses is not None else None
        return pulse is not None and pulse.sign_at is not None

    async def _told(self, target: str, before: Before, new: Address) -> None:
        if self._is_known_already(target, new) or await self._is_ours(target):
            return
        loop, found = asyncio.get_running_loop(), None
        began = loop.time()
        while loop.time() - began < LONGEST_S and not (found is not None and found[0].settled):
            await asyncio.sleep(0 if found is None else STEP_S)
            snapshot = await self._seen(target)
            if snapshot is not None:
                found = self._found(snapshot, before, new), snapshot
        if found is None:
            log.warning("what the failover of %s has cost could not be seen", target)
            return
        by_others = somebody_else(new, found[1], named=(target, new) in self._named)
        about = f"failover:{target}:{self._history(target, new, found[1])}"
        self._teller.tell(target, _done(about, found[0], by_others or self._who(target, before, found[1].kind)))

    def _is_known_already(self, target: str, new: Address) -> bool:
        pulse = self._pulses.pulse(target, new) if self._pulses is not None else None
        since = pulse.only_master_since if pulse is not None else None
        return since is not None and datetime.now(UTC) - since > LATE

    def _before(self, target: str, old: Address | None) -> Before:
        """The old master as it was: one that comes back answers as a master again, for a while."""
        former = self._pulses.pulse(target, old) if self._pulses is not None and old is not None else None
        if former is None:
            return Before(old)
        at = former.master_at
        alive = at is not None and former.sign_at is None and datetime.now(UTC) - at < ALIVE
        return Before(old, former.standing_as_master, at, alive and former.is_master)

    def _found(self, snapshot: Snapshot, before: Before, new: Address) -> Aftermath:
        promoted = self._pulses.pulse(snapshot.target, new) if self._pulses is not None else None
        return aftermath(before, new, promoted.master_since if promoted is not None else None, snapshot)

    def _history(self, target: str, new: Address, snapshot: Snapshot) -> str:
        """Which promotion it was."""
        pulse = self._pulses.pulse(target, new) if self._pulses is not None else None
        standing = pulse.standing_as_master if pulse is not None else None
        node = snapshot.node(new)
        seen = node.info.replid if node is not None and node.info is not None else str(new)
        return standing.replid if standing is not None else seen

    def _who(self, target: str, before: Before, kind: Kind) -> _Who:
        """Who has begun what was done by those in charge; who leads is heard of Sentinels alone."""
        led = self._led.get((target, before.address)) if before.address is not None else None
        if led is None or datetime.now(UTC) - led.at > LATE:
            return _Who("AutomaticFailover") if kind is not Kind.SENTINEL and not before.alive else _NOT_SEEN
        if not led.ordered:
            return _Who("AutomaticFailover")
        did_not = f"the Sentinel {led.sentinel} did not hold {before.address} to be down (no +odown)."
        return _Who("FailoverByCommand", f"A SENTINEL FAILOVER command began it: {did_not}")

    async def _is_ours(self, target: str) -> bool:
        try:
            return await self._teller.is_ours(target)
        except TandemError:
            return False  # Whoever writes it down asks again.

    async def _seen(self, target: str) -> Snapshot | None:
        try:
            return (await self._look("health", target, {}, _quiet)).snapshot
        except TandemError as error:
            log.info("%s could not be looked at: %s", target, error)
            return None


class _Who(NamedTuple):
    """Who has begun a failover: the alert's name, and how that is known."""

    alert: str
    sentence: str = ""


_NOT_SEEN = _Who("FailoverByOthers", "Whether it came by itself or by a command was not seen.")


def _done(about: str, found: Aftermath, who: _Who | str) -> Alert:
    """``who``: who has begun it; a sentence where those in charge have not promoted anybody."""
    told = " ".join(found.sentences)
    if isinstance(who, str):
        return own_alert(about, "PromotedByOthers", "critical" if found.rivals else "warning", f"{who} {told}")
    severity = "info" if found.settled and not found.lost else "warning"
    return own_alert(about, who.alert, severity, f"{told} {who.sentence}".rstrip())


def _overdue(target: str, master: Address, limit_s: float) -> Alert:
    return own_alert(
        f"overdue:{target}:{master}",
        "FailoverOverdue",
        "critical",
        f"Nobody has taken over from the master {master} within the {limit_s:g} s that a failover may take.",
        instance=str(master),
    )


async def _quiet(_sentence: str) -> None:
    """Nobody waits."""
