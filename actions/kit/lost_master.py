"""Whether the master is lost, who says so, and what proves that it is dead. No I/O here.

A master that merely does not answer us may be alive, and take writes from clients that reach it. The replicas are other
vantage points on it; where none of them hears it either, it may still be cut off from all of us together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actions.kit.diagnosis.facts import EXPLAINED, Facts
from actions.kit.diagnosis.voice import Reach
from actions.kit.diagnosis.voices import voices
from actions.kit.kubernetes.addresses import is_gone
from actions.kit.replication_refusals import two_masters
from actions.kit.snapshot import NodeView, Reason, Snapshot
from actions.kit.topology import Address, Kind

_THERE = EXPLAINED | {Reason.GARBAGE, Reason.REFUSED_COMMAND}
"""Something answers at its address: it is not lost, whatever keeps us out."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The master that nobody reaches; ``node`` is ``None`` where every known node is a replica.

    ``dead``: nothing listens at its address any more, or its pod is gone, and no replica hears it.
    """

    node: NodeView | None
    dead: bool
    words: str

    @property
    def address(self) -> Address | None:
        """Where it was."""
        return self.node.address if self.node else None


def not_lost(snapshot: Snapshot) -> Iterator[str]:
    """Why nobody may be promoted in the master's place now; nothing where it is lost."""
    if len(snapshot.masters) > 1:
        yield from two_masters(snapshot)
    elif snapshot.masters:
        target, master = snapshot.target, snapshot.masters[0].address
        how = "bring its Sentinels back" if snapshot.kind is Kind.SENTINEL else f"failover {target}"
        yield f"The master {master} answers: nothing is lost yet. To move its role: {how}."
    elif not snapshot.nodes:
        yield f"No node of {snapshot.target} is known: its Sentinels are gone, and targets.yaml lists none. List them."
    elif not any(node.info for node in snapshot.nodes):
        yield "No node answers at all: nobody could be promoted, nor be asked about the master."
    else:
        yield from _silent_not_lost(snapshot)


def lost(snapshot: Snapshot) -> Lost:
    """The lost master of a snapshot against which ``not_lost`` has nothing."""
    facts = Facts(snapshot)
    node = facts.master
    if node is None or node.unasked is None:
        return Lost(None, dead=True, words="Every node that answers is a replica, and they follow one another.")
    said = voices(facts)
    nothing = node.unasked.reason is Reason.REFUSED or is_gone(snapshot.kubernetes, node.address.host)
    dead = nothing and all(voice.reach is Reach.NO for voice in said)
    replicas = sum(not voice.votes for voice in said)
    said_so = f"{replicas} replicas have lost it" if replicas > 1 else "its replica has lost it"
    return Lost(node, dead, f"The master {node.address} does not answer us ({node.unasked.reason}), and {said_so}.")


def _silent_not_lost(snapshot: Snapshot) -> Iterator[str]:
    facts = Facts(snapshot)
    followed = {node.info.link.master for node in snapshot.nodes if node.info and node.info.link}
    silent = {address for address in followed if (view := snapshot.node(address)) is None or view.info is None}
    if facts.master_address is None and len(silent) > 1:
        yield f"The replicas follow different masters, and none answers: {', '.join(map(str, sorted(silent)))}."
    yield from _another_may_be_alive(snapshot, facts.master_address)
    master = facts.master
    if master is None or master.unasked is None:
        return
    if master.unasked.reason in _THERE:
        yield (
            f"The master {master.address} is there, and does not let us ask it ({master.unasked.reason}: "
            f"{master.unasked.why}). Mend that, or wait until it is over; it is not lost."
        )
    for voice in voices(facts):
        if voice.reach is Reach.YES:
            yield f"The master {master.address} is alive: {_heard(voice.evidence.source, voice.evidence.observation)}."
        if voice.reach is Reach.UNSAID:
            heard = _heard(voice.evidence.source, voice.evidence.observation)
            yield f"The master {master.address} may be alive: {heard}. Look again in a few seconds."


def _another_may_be_alive(snapshot: Snapshot, master: Address | None) -> Iterator[str]:
    for node in snapshot.nodes:
        link = node.info.link if node.info else None
        followed = snapshot.node(link.master) if link and link.up and link.master != master else None
        if followed is not None and followed.info is None:
            yield f"{node.address} follows {followed.address}, which does not answer us and may be alive as a master."


def _heard(source: str, observation: str) -> str:
    return f"{source.removesuffix(' INFO')} says: {observation}"
