"""Why a target may not be flushed now, or not so; every reason, as sentences. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.cluster.shards import Shards
from actions.kit.flushing.masters import all_masters, flushed
from actions.kit.kubernetes.refusals import not_from_here
from actions.kit.replication_refusals import others_in_charge
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Kind
from actions.kit.unsettled import unsettled

RIGHTS = "+flushdb +eval +select"
"""Beside those to move roles, and those to copy."""


def why_not(snapshot: Snapshot, database: int | None) -> tuple[str, ...]:
    """Every reason against it; nothing where there is none."""
    if snapshot.kind is Kind.ELASTICACHE:
        return (_by_aws(snapshot),)
    return tuple(not_from_here(snapshot)) or tuple(dict.fromkeys(_why_not(snapshot, database)))


def _by_aws(snapshot: Snapshot) -> str:
    name = snapshot.group.name if snapshot.group else snapshot.target
    return (
        f"Nothing is flushed without a verified copy, and ElastiCache lets nobody copy a node of {name}. Take a "
        f"snapshot (aws elasticache create-snapshot --replication-group-id {name} --snapshot-name NAME), wait until it "
        "is available, and flush by hand then."
    )


def _why_not(snapshot: Snapshot, database: int | None) -> Iterator[str]:
    yield from unsettled(snapshot)
    if not snapshot.rescues_to:
        yield (
            f"Nothing says where rescue copies of {snapshot.target} go, and nothing is flushed without one: add "
            "rescue: {folder: /path} to targets.yaml."
        )
    if snapshot.kind is Kind.REPLICATION:
        yield from others_in_charge(snapshot)
        yield from _silent(snapshot)
    if snapshot.kind is Kind.CLUSTER:
        yield from _cluster(snapshot)
    for node in snapshot.nodes:
        yield from _replica(node)
    for node in _masters(snapshot):
        yield from _master(node)
    yield from _no_room_together(snapshot, database)
    yield from _no_such_database(snapshot, database)


def _masters(snapshot: Snapshot) -> Iterator[NodeView]:
    for address, _, _ in all_masters(snapshot):
        node = snapshot.node(address)
        if node is not None and node.is_master:
            yield node


def _silent(snapshot: Snapshot) -> Iterator[str]:
    """Where nobody is in charge a silent node may be a second master, with clients of its own."""
    attached = {one.address for node in snapshot.masters if node.info for one in node.info.replicas}
    for node in snapshot.nodes:
        if node.info is None and node.address not in attached:
            why = node.unasked.why if node.unasked else "no reason known"
            yield (
                f"{node.address} does not answer ({why}): it may be a second master. Bring it back or end it, or take "
                "it out of targets.yaml where it is gone for good."
            )


def _cluster(snapshot: Snapshot) -> Iterator[str]:
    shards = Shards(snapshot)
    for shard in shards.shards:
        node = snapshot.node(shard.master)
        if node is None or not node.is_master:
            why = f" ({node.unasked.reason})" if node and node.unasked else ""
            yield f"The master {shard.master} does not answer as one{why}: all shards are flushed together."
    for node, view in shards.views:
        if view.migrating or view.importing:
            yield f"Slots are being moved at {node.address}: keys on their way would be missed. Let that end first."


def _replica(node: NodeView) -> Iterator[str]:
    link = node.info.link if node.info and node.is_replica else None
    if link is None:
        return
    if link.sync_in_progress:
        yield f"{node.address} is copying all data from {link.master}: wait until it is in sync."
    elif not link.up:
        yield (
            f"The link of {node.address} to {link.master} is down: what it holds would outlive the flush. "
            "Mend that first; diagnose says how."
        )


def _master(node: NodeView) -> Iterator[str]:
    info, config = node.info, node.config
    if node.flushable is not None and node.flushable.why_not:
        yield f"{node.address} cannot be flushed: {node.flushable.why_not.rstrip('.')}.{_mend(node.flushable.why_not)}"
    if node.flushable is not None and node.flushable.room is not None and node.flushable.room.why_not:
        yield f"{node.address} cannot be copied: {node.flushable.room.why_not}"
    if config is None or config.min_replicas_to_write is None or config.min_replicas_max_lag is None:
        why = next((f" ({gap.reason})" for gap in node.gaps if "CONFIG" in gap.source), "")
        yield f"CONFIG GET is not allowed on {node.address}{why}: the fence can be neither set nor put back."
    stops = config is None or (config.stops_on_bgsave_error is not False and config.save_points != ())
    if info is not None and ((info.last_bgsave_ok is False and stops) or info.last_aof_write_ok is False):
        yield (
            f"{node.address} cannot write its data to disk, so it refuses writes, and a flush is one: mend that first."
        )


def _mend(why_not: str) -> str:
    """What a person can do about what a server does not allow."""
    if "NOPERM" in why_not:
        return f" The ACL has to allow our user {RIGHTS}."
    if "unknown command" in why_not:
        return " It is disabled there by rename-command, as Bitnami's charts do by disableCommands."
    return ""


def _no_room_together(snapshot: Snapshot, database: int | None) -> Iterator[str]:
    """Each copy alone would have its place."""
    rooms = [one.holds.room for one in flushed(snapshot, database) if one.holds.room and not one.holds.room.why_not]
    needs = sum(one.needs_bytes or 0 for one in rooms)
    free = min((one.free_bytes for one in rooms if one.free_bytes is not None), default=needs)
    if free < needs:
        yield (
            f"{snapshot.rescues_to} has {free:,} bytes free, and the copies of {len(rooms)} masters may take {needs:,} "
            "together: free some, or set another place for rescue copies."
        )


def _no_such_database(snapshot: Snapshot, database: int | None) -> Iterator[str]:
    told = [node.flushable for node in _masters(snapshot) if node.flushable and not node.flushable.why_not]
    if not told or flushed(snapshot, database):
        return
    highest = [one.highest for one in told if one.highest is not None]
    if database is None:
        yield f"There is nothing to flush: {snapshot.target} has no keys."
    elif snapshot.in_cluster and database:
        yield f"{snapshot.target} is a cluster, whose keys are in database 0: leave --db out."
    elif highest and database > min(highest):
        yield f"There is no database {database}: {snapshot.target} has 0 to {min(highest)}."
    else:
        there = sorted({number for one in told for number, _ in one.databases})
        have = f"Keys are in {', '.join(map(str, there))}." if there else "No other one has any."
        yield f"There is nothing to flush: database {database} has no keys. {have}"
