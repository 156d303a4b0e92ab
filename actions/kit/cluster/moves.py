"""Which shards a failover was asked for, by the options of the command. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from actions.kit.cluster.shards import Shard, Shards
from actions.kit.cluster.view import SLOTS
from actions.kit.errors import UsageError
from actions.kit.kubernetes.addresses import by_pod
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: ``to`` a replica, ``shard`` a slot or an address, ``host`` a host; each may be left out."""

    to: Address | None = None
    slot: int | None = None
    node: Address | None = None
    host: str | None = None

    @classmethod
    def parse(cls, to: str | None, shard: str | None, host: str | None) -> Wanted:
        """Read the options.

        Raises:
            UsageError: they are none, or contradict each other.
        """
        if host and (to or shard):
            raise UsageError("--host is about all masters of a host: leave --to and --shard out.")
        slot = int(shard) if shard and shard.isascii() and shard.isdigit() and len(shard) < 9 else None
        if slot is not None and slot >= SLOTS:
            raise _no_shard(str(slot))
        if shard and slot is None and not re.search(r"[a-zA-Z.:]", shard):
            raise _no_shard(repr(shard[:40]))
        node = Address.parse(shard, 6379) if shard and slot is None else None
        return cls(Address.parse(to, 6379) if to else None, slot, node, host or None)


def _no_shard(shown: str) -> UsageError:
    return UsageError(f"--shard takes a slot from 0 to {SLOTS - 1} or the address of a master; {shown} is none.")


@dataclass(frozen=True, slots=True)
class Asked:
    """The shards that are meant, or why they cannot be told; ``to`` as the others know it."""

    shards: tuple[Shard, ...] = ()
    to: Address | None = None
    reasons: tuple[str, ...] = ()


def asked_for(snapshot: Snapshot, shards: Shards, wanted: Wanted) -> Asked:
    """Find the shards that are meant."""
    if wanted.host is not None:
        return _on_host(snapshot, shards, wanted.host)
    to, node = (_known(snapshot, address) for address in (wanted.to, wanted.node))
    found = {shard for shard in (_of(shards, wanted.slot, node), shards.shard_of(to) if to else None) if shard}
    reasons = tuple(_reasons(snapshot, shards, wanted, found))
    if not reasons and not found and len(shards.shards) == 1:
        found = set(shards.shards)
    return Asked(tuple(found), to, reasons)


def _on_host(snapshot: Snapshot, shards: Shards, host: str) -> Asked:
    masters = [shard for shard in shards.shards if shard.master is not None and shard.master.host == host]
    if masters:
        return Asked(tuple(masters))
    hosts = sorted({shard.master.host for shard in shards.shards if shard.master is not None})
    return Asked(reasons=(f"No master of {snapshot.target} is on {host}; masters are on {_few(hosts)}.",))


def _reasons(snapshot: Snapshot, shards: Shards, wanted: Wanted, found: set[Shard]) -> Iterator[str]:
    target = snapshot.target
    for address in filter(None, (wanted.to, wanted.node)):
        node = snapshot.node(address)
        if node is None:
            known = sorted(str(one.address) for one in snapshot.nodes)
            yield f"{address} is not a node of {target}; its nodes are {_few(known)}."
        elif shards.shard_of(node.address) is None:
            why = "it does not answer" if node.info is None else "it owns no slots, and follows no master that does"
            yield f"{address} is in no shard: {why}."
    if wanted.slot is not None and _of(shards, wanted.slot, None) is None:
        yield f"Nobody owns slot {wanted.slot}."
    if len(found) > 1:
        yield f"{wanted.to} is not in the shard that --shard names: leave one of them out."
    if wanted == Wanted() and len(shards.shards) > 1:
        yield (
            f"{target} has {len(shards.shards)} shards: say which, by failover {target} --to REPLICA, --shard SLOT, or "
            "--host HOST for all masters of a host."
        )


def _of(shards: Shards, slot: int | None, node: Address | None) -> Shard | None:
    if slot is not None:
        owner = shards.owners[slot]
        return next((shard for shard in shards.shards if shard.master_id == owner), None)
    return shards.shard_of(node) if node else None


def _known(snapshot: Snapshot, address: Address | None) -> Address | None:
    """The address by which the others know it."""
    node = snapshot.node(address) or snapshot.node(by_pod(snapshot.kubernetes, address))
    return node.address if node else address


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
