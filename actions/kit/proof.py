"""Whether a target is as it should be, check by check. No I/O here but through Hands."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions.kit.errors import ActionError
from actions.kit.topology import Address, Kind

if TYPE_CHECKING:
    from actions.kit.ports import Hands
    from actions.kit.snapshot import NodeView, SentinelView, Snapshot


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was put to the proof; ``observation`` is what was seen, also where it is as it should be."""

    title: str
    ok: bool
    observation: str


def prove(
    snapshot: Snapshot, master: Address, expected: tuple[Address, ...] = (), *, quorum: bool = True
) -> tuple[Check, ...]:
    """Check that ``master`` is the only master, followed by all others, and that every Sentinel says so.

    Args:
        snapshot: taken after the change.
        master: the node that has to be master.
        expected: the nodes and Sentinels that have to answer; those that could not be reached before are not among
            them. Empty: all of them.
        quorum: the Sentinels have to be able to fail over; not where too few of them are left.
    """
    nodes = [node for node in snapshot.nodes if not expected or node.address in expected or node.info]
    checks = [_master(snapshot, master)]
    checks += [_replica(snapshot, node, master) for node in nodes if node.address != master]
    checks += [
        _sentinel(view, master, quorum=quorum)
        for view in snapshot.sentinels
        if not expected or view.address in expected or view.master is not None
    ]
    return tuple(checks) + tuple(_agreement(snapshot, master, quorum=quorum))


def was_restarted(snapshot: Snapshot, master: Address, run_id: str) -> str | None:
    """That the master was restarted since it was planned, and what that costs; ``None`` where it was not.

    All can look well then: replicas follow a master that came back without its data just as well. An append-only file
    keeps what a process took.
    """
    node = snapshot.node(master)
    if not run_id or node is None or node.info is None or node.info.run_id in {"", run_id} or node.info.aof_enabled:
        return None
    return f"{master} was restarted since this was planned: what it had not saved to its disk by then is lost"


async def prove_write(
    hands: Hands, master: Address, replicas: tuple[Address, ...], where: str = "", tag: str = ""
) -> Check:
    """Check that a write to the master is shown by each of these replicas, and take it back.

    Args:
        hands: what writes.
        master: the node that has to take it.
        replicas: the nodes that have to show it.
        where: what is written to, in words, such as a shard.
        tag: the hash tag of the key, by which it is in that shard.
    """
    title = f"{master} takes a write{where} and every replica shows it"
    token = f"verify-{secrets.token_hex(6)}" + (f"{{{tag}}}" if tag else "")
    try:
        probe = await hands.write_probe(master, replicas, token)
    except ActionError as error:
        return Check(title, ok=False, observation=str(error))
    return Check(title, ok=probe.ok, observation="; ".join(probe.observations))


def _master(snapshot: Snapshot, master: Address) -> Check:
    title = f"{master} is the master"
    node = snapshot.node(master)
    if node is None or node.info is None:
        why = node.unasked.why if node and node.unasked else "nobody knows it"
        return Check(title, ok=False, observation=f"it did not answer: {why}")
    info = node.info
    if not node.is_master:
        return Check(title, ok=False, observation=f"it says that it is a {info.role}")
    return Check(
        title, ok=True, observation=f"role master, {len(info.replicas)} replicas attached, offset {info.offset}"
    )


def _replica(snapshot: Snapshot, node: NodeView, master: Address) -> Check:
    """Where nobody is in charge a replica may follow another one, in a chain; Sentinel has it follow directly."""
    title = f"{node.address} follows {master}"
    if node.info is None:
        return Check(title, ok=False, observation=f"it did not answer: {node.unasked.why if node.unasked else '?'}")
    if node.is_master:
        return Check(title, ok=False, observation="it says that it is a master")
    link = node.info.link
    followed = snapshot.node(link.master) if link else None
    chained = snapshot.kind is Kind.REPLICATION and followed is not None and followed.is_replica
    if link is None or (link.master != master and not chained):
        return Check(title, ok=False, observation=f"it follows {link.master if link else 'nobody'}")
    if not link.up:
        return Check(title, ok=False, observation=f"its link to {link.master} is down")
    behind = f" behind {link.master}" if chained else ""
    return Check(title, ok=True, observation=f"link up{behind}, offset {node.info.offset}")


def _sentinel(view: SentinelView, master: Address, *, quorum: bool) -> Check:
    title = f"Sentinel {view.address} names {master}"
    if view.master is None:
        why = view.unasked.why if view.unasked else "it does not know this master's name"
        return Check(title, ok=False, observation=f"it did not say: {why}")
    if view.master.address != master:
        return Check(title, ok=False, observation=f"it names {view.master.address}, epoch {view.master.config_epoch}")
    trouble = sorted(view.master.flags & {"s_down", "o_down", "failover_in_progress"})
    if trouble:
        return Check(title, ok=False, observation=f"it flags the master {', '.join(trouble)}")
    if view.quorum_ok is False and quorum:
        return Check(title, ok=False, observation=f"CKQUORUM: {view.quorum_text}")
    checked = "CKQUORUM OK" if view.quorum_ok else "no CKQUORUM"
    return Check(title, ok=True, observation=f"epoch {view.master.config_epoch}, {checked}")


def _agreement(snapshot: Snapshot, master: Address, *, quorum: bool) -> Iterator[Check]:
    if snapshot.kind is Kind.REPLICATION:
        yield _nobody_in_charge(snapshot)
    if not snapshot.sentinels or not quorum:
        return
    agreed = snapshot.agreed_master
    seen = f"{agreed}, {snapshot.electorate} Sentinels" if agreed else "no majority at the highest epoch"
    tilted = ", ".join(str(view.address) for view in snapshot.sentinels if view.tilt)
    seen += f", with {tilted} in TILT, which does nothing for 30 s" if tilted else ""
    yield Check("a majority of all Sentinels agrees", ok=agreed == master, observation=seen)


def _nobody_in_charge(snapshot: Snapshot) -> Check:
    """A Sentinel that watches such a target all the same would move its roles."""
    answering = [node for node in snapshot.nodes if node.info is not None]
    watched = [str(node.address) for node in answering if node.watching_sentinels]
    unknown = [str(node.address) for node in answering if node.watching_sentinels is None]
    said = [f"Sentinels watch {', '.join(watched)}"] if watched else []
    said += [f"PUBSUB NUMSUB is not allowed on {', '.join(unknown)}"] if unknown else []
    seen = "; ".join(said) or "no Sentinel watches any node"
    return Check("nobody else moves the roles", ok=not said, observation=seen)
