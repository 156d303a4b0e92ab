"""Whether the Sentinels of a target are gone, what proves it, and what only suggests it. No I/O here.

A Sentinel that does not answer us may be at work all the same. The nodes are other vantage points on it: each one that
watches a node is subscribed there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actions.kit.snapshot import Reason, SentinelView, Snapshot
from actions.kit.topology import Address

_THERE = frozenset(
    {
        *(Reason.NOAUTH, Reason.WRONGPASS, Reason.NOPERM, Reason.TLS, Reason.LOADING, Reason.BUSY),
        *(Reason.UNKNOWN_MASTER, Reason.GARBAGE, Reason.REFUSED_COMMAND),
    }
)
"""Something answers at its address: it is not gone, whatever keeps us out."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The Sentinels of a target that nobody is in charge of any more.

    ``left``: those that answer, too few to fail over. ``dead``: nothing listens where they were. ``silent``: no node
    hears of them, but they are silent to us in a way that a cut network explains as well.
    """

    left: tuple[SentinelView, ...]
    dead: tuple[Address, ...]
    silent: tuple[SentinelView, ...]
    nodes: int

    @property
    def words(self) -> str:
        """What is known of them, in sentences."""
        parts = []
        if self.dead:
            who = f"Sentinels {_listed(self.dead)} were" if self.dead[1:] else f"Sentinel {self.dead[0]} was"
            parts.append(f"Nothing listens any more where {who}.")
        parts += [f"Sentinel {view.address} does not answer ({_why(view)})." for view in self.silent]
        parts += [f"Sentinel {view.address} is left and cannot fail over: {view.quorum_text}." for view in self.left]
        others = "no other" if self.left else "none"
        where = "the node that answers" if self.nodes == 1 else f"any of the {self.nodes} nodes that answer"
        return " ".join([*parts, f"Sentinels watch by a subscription, and {others} is subscribed on {where}."])


def still_in_charge(snapshot: Snapshot) -> Iterator[str]:
    """Why nobody may promote by hand beside these Sentinels, as sentences; nothing where they are gone."""
    for view in snapshot.sentinels:
        yield from _at_work(view)
    answering = [view for view in snapshot.sentinels if view.master is not None]
    if len(answering) * 2 > snapshot.electorate:
        yield f"A majority of them is there: it fails over by itself, or by: failover {snapshot.target}."
    else:
        yield from _subscribed(snapshot, len(answering))


def gone(snapshot: Snapshot) -> Gone:
    """What is known of the Sentinels against which ``still_in_charge`` has nothing."""
    dead, silent = [], []
    for view in snapshot.sentinels:
        if view.unasked is not None and view.unasked.reason is Reason.REFUSED:
            dead.append(view.address)
        elif view.master is None:
            silent.append(view)
    left = tuple(view for view in snapshot.sentinels if view.master is not None)
    return Gone(left, tuple(dead), tuple(silent), sum(node.info is not None for node in snapshot.nodes))


def _at_work(view: SentinelView) -> Iterator[str]:
    if view.unasked is not None and view.unasked.reason in _THERE:
        yield (
            f"Sentinel {view.address} is there, and does not say what it does ({view.unasked.reason}: "
            f"{view.unasked.why}). Mend that first."
        )
    if view.master is None:
        return
    if "failover_in_progress" in view.master.flags:
        yield f"Sentinel {view.address} has a failover in progress. Wait until it has ended."
    elif view.quorum_ok is not False:
        quorum = view.quorum_text or "whether it has a quorum cannot be asked (SENTINEL CKQUORUM)"
        yield f"Sentinel {view.address} answers: {quorum}."


def _subscribed(snapshot: Snapshot, answering: int) -> Iterator[str]:
    """More subscribers than Sentinels that answer: one of the others is at work, or hangs."""
    for node in snapshot.nodes:
        if node.info is None:
            continue
        if node.watching_sentinels is None:
            why = next((f" ({gap.reason})" for gap in node.gaps if "PUBSUB" in gap.source), "")
            yield f"Whether a Sentinel watches {node.address} cannot be asked{why}: allow +pubsub|numsub in the ACL."
        elif node.watching_sentinels > answering:
            yield (
                f"{node.watching_sentinels} Sentinels are subscribed on {node.address}, and {answering} answer us: the "
                "others work, or hang. Bring them back or end them; one whose machine is lost stays subscribed until "
                "the node's tcp-keepalive has found out."
            )


def _why(view: SentinelView) -> str:
    return str(view.unasked.reason) if view.unasked else "no reason known"


def _listed(addresses: tuple[Address, ...]) -> str:
    *most, last = map(str, addresses)
    return f"{', '.join(most)} and {last}" if most else last
