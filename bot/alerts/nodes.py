"""Asks every node of every target each second: who falls silent, who is master now, what a cluster says of itself.

Sentinels notice no sooner than their ``down-after-milliseconds``, and plain replication has nobody else who would. The
other nodes become known by what each of them names.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from actions.adapters.redis.probing import Beat, Prober
from actions.kit.cluster.replies import parse_cluster
from actions.kit.cluster.signs import ClusterSigns, parse_signs
from actions.kit.errors import Garbled
from actions.kit.node_info import parse_named
from actions.kit.pulse import Pulse
from actions.kit.topology import Address, Kind, Target
from bot.alerts.failovers import Failovers
from bot.alerts.mapping import Places
from bot.alerts.telling import Teller, own_alert
from bot.ledger.incident_records import Alert
from bot.logs import Standing
from bot.render.words import plain

log = logging.getLogger(__name__)
_NOT_WATCHED = "the node %s of %s is not watched: it does not let Tandem in, or ask INFO: %s"

TIMEOUT_S = 1.0
FIRST_S, NAMES_S = 1.0, 10.0
"""How often a node's INFO is searched for nodes that are not known yet, and a cluster is asked for its table."""
TELLERS = 3
"""So many nodes of a cluster are asked how it is: each of them has heard of all others."""
FORGET = timedelta(hours=1)
"""A node that nobody lists and that has been silent for so long is asked no more."""


@dataclass
class _Group:
    """What is known of one target's nodes."""

    target: Target
    pulses: dict[Address, Pulse] = field(default_factory=dict)
    read_at: dict[Address, float] = field(default_factory=dict)
    signs: dict[Address, ClusterSigns] = field(default_factory=dict)
    tellers: tuple[Address, ...] = ()
    told: set[str] = field(default_factory=set)
    """Which troubles of a cluster have been told since it was last well."""


class NodeWatch:
    """One for each process.

    Args:
        targets: whose nodes are asked.
        teller: where goes what is noticed.
        failovers: is told of masters that fall silent, and of roles that have moved.
        every_s: how often a node is asked, in seconds.
        places: is told which nodes there are.
    """

    def __init__(
        self, targets: Iterable[Target], teller: Teller, failovers: Failovers, every_s: float, places: Places
    ) -> None:
        self._places = places
        self._groups = {target.name: _Group(target) for target in targets}
        self._teller, self._failovers = teller, failovers
        self._prober = Prober(every_s, TIMEOUT_S, self._told)
        self._loop: asyncio.Task[None] | None = None
        self._standing = Standing(log)

    def start(self) -> None:
        """Begin."""
        self._prober.start()
        for group in self._groups.values():
            self.know(group.target.name, group.target.nodes)
        self._loop = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await self._prober.aclose()

    def know(self, target: str, nodes: Iterable[Address]) -> None:
        """There are these nodes too."""
        group = self._groups.get(target)
        for address in nodes if group is not None else ():
            if group is not None and address not in group.pulses:
                group.pulses[address] = Pulse()
                self._prober.follow(group.target, address)
                self._places.learn(target, [address])

    def forget(self, target: str, nodes: Iterable[Address]) -> None:
        """There are no such nodes any more, and that is as it should be."""
        group = self._groups.get(target)
        for address in nodes if group is not None else ():
            if group is not None and group.pulses.pop(address, None) is not None:
                group.signs.pop(address, None)
                group.read_at.pop(address, None)
                self._prober.leave(target, address)
                if address not in group.target.nodes:
                    self._places.forget(target, [address])

    def pulse(self, target: str, address: Address) -> Pulse | None:
        """What is known of one node."""
        group = self._groups.get(target)
        return group.pulses.get(address) if group is not None else None

    def hurry(self, target: str) -> None:
        """Ask all nodes of a target at once, to see soon whose turn it is."""
        if (group := self._groups.get(target)) is not None:
            self._prober.ask_now(target, tuple(group.pulses))

    def _told(self, beat: Beat) -> None:
        group = self._groups[beat.target]
        pulse = group.pulses.get(beat.address)
        if pulse is None:
            return
        if beat.refused:
            where = (beat.target, beat.address)
            self._standing.tell(where, logging.WARNING, _NOT_WATCHED, beat.address, beat.target, plain(beat.refused))
        elif beat.why:
            self._missed(group, beat, pulse)
        elif beat.info:
            self._heard(group, beat, pulse)

    def _missed(self, group: _Group, beat: Beat, pulse: Pulse) -> None:
        was_master, last = pulse.is_master, pulse.answered_at
        if pulse.missed(datetime.now(UTC)):
            self._teller.tell(beat.target, _silent(beat, last, is_master=was_master))
            self._choose_tellers(group)
            if was_master:
                self._failovers.sign(beat.target, beat.address)
        elif pulse.sign_at is not None and not pulse.silent:
            self._prober.ask_soon(beat.target, beat.address)

    def _heard(self, group: _Group, beat: Beat, pulse: Pulse) -> None:
        was_silent = pulse.silent
        self._standing.over((beat.target, beat.address))
        before = pulse.heard(datetime.now(UTC), beat.info)
        if was_silent:
            self._teller.look_again(beat.target)
            self._choose_tellers(group)
        if before is not None:
            self._moved(group, before.master, beat.address)
        now = asyncio.get_running_loop().time()
        if before is not None or now - group.read_at.get(beat.address, -NAMES_S) >= NAMES_S:
            group.read_at[beat.address] = now
            self._read(group, beat)
        if beat.cluster:
            self._of_cluster(group, beat)

    def _moved(self, group: _Group, old: Address | None, new: Address) -> None:
        name, former = group.target.name, group.pulses.get(old) if old is not None else None
        alive = former is not None and former.is_master and former.sign_at is None
        if group.target.kind is not Kind.SENTINEL or alive:  # Else the Sentinels say so themselves.
            said = f"{new} has become a master; it had followed {old or 'nobody'}."
            self._teller.tell(name, own_alert(f"moved:{name}:{new}", "RedisMasterChanged", "warning", said))
        self._failovers.moved(name, old, new)

    def _read(self, group: _Group, beat: Beat) -> None:
        try:
            named = parse_named(beat.info)
        except Garbled:
            return
        self.know(beat.target, named)
        if group.target.kind is Kind.CLUSTER and not group.tellers:
            self._choose_tellers(group)

    def _choose_tellers(self, group: _Group) -> None:
        if group.target.kind is Kind.CLUSTER:
            answering = sorted(one for one, pulse in group.pulses.items() if pulse.answered_at and not pulse.silent)
            group.tellers = tuple(answering[:TELLERS])
            self._prober.tell_of_cluster(group.target.name, group.tellers)

    def _of_cluster(self, group: _Group, beat: Beat) -> None:
        """What a node says twice in a row counts: a moment in between two states is none."""
        signs = parse_signs(beat.cluster)
        before = group.signs.get(beat.address)
        if signs is None:
            return
        group.signs[beat.address] = signs
        if signs.well and before is not None and not before.well:
            group.told.clear()
            self._teller.look_again(beat.target)
        if before is None:
            return
        told = dict(before.sentences(str(beat.address)))
        for name, sentence in signs.sentences(str(beat.address)):
            if name in told and name not in group.told:
                group.told.add(name)
                about = f"cluster:{beat.target}:{name}"
                labels = {"heard_from": str(beat.address)}
                self._teller.tell(beat.target, own_alert(about, name, "critical", sentence, **labels))

    async def _run(self) -> None:
        wait_s = FIRST_S
        while True:
            await asyncio.sleep(wait_s)
            wait_s = NAMES_S
            for group in self._groups.values():
                try:
                    self._forget_the_lost(group)
                    await self._read_table(group)
                except Exception:
                    log.exception("who belongs to %s could not be found out", group.target.name)

    def _forget_the_lost(self, group: _Group) -> None:
        listed, now = set(group.target.nodes), datetime.now(UTC)
        lost = [
            address
            for address, pulse in group.pulses.items()
            if address not in listed and pulse.sign_at is not None and now - pulse.sign_at > FORGET
        ]
        self.forget(group.target.name, lost)

    async def _read_table(self, group: _Group) -> None:
        for address in group.tellers[:1]:
            table = await self._prober.ask(group.target.name, address, "CLUSTER", "NODES")
            info = await self._prober.ask(group.target.name, address, "CLUSTER", "INFO")
            try:
                members = parse_cluster(info, table).members
            except Garbled:
                return
            self.know(group.target.name, (one.address for one in members if one.address and not one.joining))


def _silent(beat: Beat, last: datetime | None, *, is_master: bool) -> Alert:
    role = "master" if is_master else "replica"
    since = f"since {last:%H:%M:%S} UTC" if last is not None else "any more"
    return own_alert(
        f"silent:{beat.target}:{beat.address}",
        f"Redis{role.capitalize()}Silent",
        "critical" if is_master else "warning",
        f"Tandem has had no answer from the {role} {beat.address} {since} ({plain(beat.why, 100)}).",
        instance=str(beat.address),
    )
