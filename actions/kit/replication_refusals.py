"""Why a target that nobody is in charge of may not be switched now. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.sentinel_refusals import master_not_ready
from actions.kit.snapshot import NodeView, Snapshot


def not_now(snapshot: Snapshot) -> Iterator[str]:
    """Why nobody may switch this target at this moment, whoever would be the candidate; every reason, as sentences."""
    yield from others_in_charge(snapshot)
    yield from two_masters(snapshot)
    masters = snapshot.masters
    if len(masters) == 1:
        yield from master_not_ready(masters[0])
        yield from _another_master_may_hide(snapshot, masters[0])
        yield from could_not_follow(snapshot, masters[0])
    if not masters:
        target = snapshot.target
        yield (
            f"No node of {target} answers as a master ({_why_none(snapshot)}): nothing can be fenced, so writes would "
            f"be lost. Where the master is lost for good: promote {target} --to HOST:PORT."
        )


def others_in_charge(snapshot: Snapshot) -> Iterator[str]:
    """Who else moves the roles of this target, or may do so unseen, whatever targets.yaml says."""
    clustered = [str(node.address) for node in snapshot.nodes if node.info and node.info.cluster_enabled]
    if clustered:
        yield f"{', '.join(clustered)} runs in cluster mode: Redis Cluster moves the roles, and REPLICAOF is refused."
    watched = [f"{node.address} ({node.watching_sentinels})" for node in snapshot.nodes if node.watching_sentinels]
    if watched:
        yield (
            f"Sentinels watch {', '.join(watched)} and would revert what is done by hand. Put kind: sentinel, "
            "sentinels and master_name into targets.yaml, or have those Sentinels forget this master (SENTINEL REMOVE)."
        )
    unknown = [node for node in snapshot.nodes if node.info is not None and node.watching_sentinels is None]
    if unknown:
        why = next((f" ({gap.reason})" for node in unknown for gap in node.gaps if "PUBSUB" in gap.source), "")
        names = ", ".join(str(node.address) for node in unknown)
        yield f"Whether a Sentinel watches {names} cannot be asked{why}: the ACL has to allow +pubsub|numsub."


def two_masters(snapshot: Snapshot) -> Iterator[str]:
    """Which nodes are masters at once: one of them has to be given up first."""
    names = ", ".join(str(node.address) for node in snapshot.masters)
    if len(snapshot.masters) > 1:
        yield (
            f"Split brain: {names} each say that they are master. One of them has to be given up first: "
            f"repair {snapshot.target} copies what only that one has. diagnose {snapshot.target} shows what speaks for "
            "each."
        )


def _another_master_may_hide(snapshot: Snapshot, master: NodeView) -> Iterator[str]:
    """A silent node with a replica of its own, which is not attached to this master itself."""
    attached = {one.address for one in master.info.replicas} if master.info else set()
    for node in snapshot.nodes:
        link = node.info.link if node.info else None
        followed = snapshot.node(link.master) if link and link.up else None
        if followed is not None and followed.info is None and followed.address not in attached:
            yield f"{node.address} follows {followed.address}, which does not answer and may be a second master."


def could_not_follow(snapshot: Snapshot, master: NodeView) -> Iterator[str]:
    """What every replica has and this master lacks, because it never had to follow anybody."""
    replicas = [node.config for node in snapshot.nodes if node.is_replica and node.config is not None]
    lacks = []
    if master.config is not None and master.config.masterauth is False and any(one.masterauth for one in replicas):
        lacks.append("masterauth")
    if master.config is not None and master.config.tls_replication is False:
        lacks += ["tls-replication yes"] if any(one.tls_replication for one in replicas) else []
    if lacks:
        yield (
            f"The master {master.address} could not follow the new one: unlike its replicas it has no "
            f"{' and no '.join(lacks)}. CONFIG SET that on it first, and in its file."
        )


def _why_none(snapshot: Snapshot) -> str:
    silent = [f"{node.address}: {node.unasked.reason}" for node in snapshot.nodes if node.unasked]
    return "; ".join(silent) or "all that answer are replicas"
