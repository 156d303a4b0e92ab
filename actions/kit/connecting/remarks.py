"""What has to be known beside a snippet, and what is wrong right now; a sentence each. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from actions.kit.connecting.doors import Doors, Entry
from actions.kit.kubernetes.addresses import by_name

if TYPE_CHECKING:
    from actions.kit.snapshot import Snapshot
    from actions.kit.topology import Target


def remarks(snapshot: Snapshot, target: Target, ways: Doors) -> tuple[str, ...]:
    """First what is wrong now, then what always holds for this target."""
    return (*_wrong_now(snapshot, ways), *_elsewhere(target), *_moves(snapshot, target, ways), *_users(target, ways))


def _wrong_now(snapshot: Snapshot, ways: Doors) -> Iterator[str]:
    if not ways.addresses:
        yield "No address is known by now: the snippet is not complete before it has one."
    if ways.entry is Entry.SENTINEL:
        yield from _sentinels(snapshot, ways)
    else:
        silent = [node for node in snapshot.nodes if node.unasked is not None]
        if silent:
            told = listed(f"{node.address} ({node.unasked.reason})" for node in silent if node.unasked is not None)
            yield f"{len(silent)} of {len(snapshot.nodes)} nodes {_do(silent)} not answer us: {told}."
    if ways.entry is Entry.DIRECT:
        yield from _direct(snapshot)


def _direct(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.agreed_master is None:
        masters = listed(str(node.address) for node in snapshot.masters)
        yield f"Nobody is agreed on as the one master now (masters: {masters or 'none that answers'}): find out first."


def _moves(snapshot: Snapshot, target: Target, ways: Doors) -> Iterator[str]:
    """Where nobody tells the client of another master."""
    if ways.entry is not Entry.DIRECT or snapshot.group is not None:
        return
    place = target.kubernetes
    app = place.application if place is not None else None
    switched = f"; a failover by Tandem sets it in deployment {app.deployment}" if app else ""
    yield f"Nobody tells a client where the master has gone: after a failover {ways.variable} has to name it{switched}."
    view, master = snapshot.kubernetes, snapshot.agreed_master
    pod = view.pod_of(master.host) if view is not None and master is not None else None
    for one in view.services if view is not None else ():
        if one.takes_writes and pod is not None and one.pods is not None and pod.name not in one.pods:
            yield f"The Service {one.name} does not lead to the master, {pod.name}: its selector is fixed."


def _sentinels(snapshot: Snapshot, ways: Doors) -> Iterator[str]:
    views = snapshot.sentinels
    silent = [view for view in views if view.unasked is not None and not view.knows]
    if silent:
        told = listed(f"{view.address} ({view.unasked.reason})" for view in silent if view.unasked is not None)
        yield (
            f"{len(silent)} of {len(views)} Sentinels {_do(silent)} not answer us: {told}. "
            f"{'It stays' if len(silent) == 1 else 'They stay'} in the list: a client asks the next one."
        )
    strangers = [view for view in views if view.knows]
    if strangers:
        told = listed(f"{view.address} knows {listed(view.knows)}" for view in strangers)
        yield f"Not every Sentinel knows the master {snapshot.master_name!r}: {told}."
    further = set(ways.addresses) - {by_name(snapshot.kubernetes, view.address) for view in views}
    if views and further:
        yield f"Named by another Sentinel, and not in targets.yaml: {listed(map(str, sorted(further)))}."
    yield from _master(snapshot)


def _master(snapshot: Snapshot) -> Iterator[str]:
    named = snapshot.agreed_master
    if named is None:
        yield "No majority of the Sentinels names one master now: what the client finds may not take writes."
        return
    node = snapshot.node(named)
    if node is None or node.unasked is not None:
        why = f" ({node.unasked.reason})" if node is not None and node.unasked is not None else ""
        yield f"The master that the Sentinels name, {named}, does not answer us{why}: writes wait for a failover."
    elif not node.is_master:
        yield f"The Sentinels name {named}, which says that it is a replica: writes are refused until that has settled."


def _elsewhere(target: Target) -> Iterator[str]:
    mapped = target.address_map
    if mapped.places or mapped.hosts:
        yield (
            "Tandem reaches servers by address_map. In the snippet stands what they call themselves, also "
            "to clients: it has to be reached from where the application runs."
        )
    place = target.kubernetes
    if place is not None and place.release:
        yield "The snippet is for what runs in the Kubernetes cluster: pods go by names that are known there alone."


def _users(target: Target, ways: Doors) -> Iterator[str]:
    if target.auth.username:
        yield f"Tandem's user {target.auth.username!r} is its own: the application needs another one."
    if ways.entry is Entry.SENTINEL and target.sentinel_auth.username:
        yield (
            "On the Sentinels the application's user needs +sentinel|masters, and +sentinel|slaves to find replicas; "
            "for redis-cli +sentinel|get-master-addr-by-name."
        )


def listed(names: Iterable[str]) -> str:
    """With commas."""
    return ", ".join(names)


def _do(some: Sequence[object]) -> str:
    return "does" if len(some) == 1 else "do"
