"""What has to be known beside a snippet, and what is wrong right now; a sentence each. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from actions.kit.connecting.doors import Doors, Entry
from actions.kit.kubernetes.place import Way

if TYPE_CHECKING:
    from actions.kit.snapshot import Snapshot
    from actions.kit.topology import Target


def remarks(snapshot: Snapshot, target: Target, ways: Doors) -> tuple[str, ...]:
    """First what is wrong now, then what always holds for this target."""
    return (*_wrong_now(snapshot, ways), *_elsewhere(target), *_users(target, ways))


def _wrong_now(snapshot: Snapshot, ways: Doors) -> Iterator[str]:
    if ways.entry is Entry.SENTINEL:
        yield from _sentinels(snapshot, ways)
    if not ways.addresses:
        yield "No address is known by now: the snippet takes it from the environment."


def _sentinels(snapshot: Snapshot, ways: Doors) -> Iterator[str]:
    views = snapshot.sentinels
    silent = [view for view in views if view.unasked is not None and not view.knows]
    if silent:
        told = listed(f"{view.address} ({view.unasked.reason})" for view in silent if view.unasked is not None)
        yield (
            f"{len(silent)} of {len(views)} Sentinels {'does' if len(silent) == 1 else 'do'} not answer us: {told}. "
            f"{'It stays' if len(silent) == 1 else 'They stay'} in the list: a client asks the next one."
        )
    strangers = [view for view in views if view.knows]
    if strangers:
        told = listed(f"{view.address} knows {listed(view.knows)}" for view in strangers)
        yield f"Not every Sentinel knows the master {snapshot.master_name!r}: {told}."
    further = set(ways.addresses) - {view.address for view in views}
    if further:
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
    if place is not None and place.release and place.reach is not Way.DIRECT:
        yield f"Tandem reaches the pods by {place.reach}; the snippet is for what runs in the Kubernetes cluster."


def _users(target: Target, ways: Doors) -> Iterator[str]:
    if target.auth.username:
        yield f"Tandem's user {target.auth.username!r} is its own: the application needs another one."
    if ways.entry is Entry.SENTINEL and target.sentinel_auth.username:
        yield "On the Sentinels the application's user needs +sentinel|masters, and +sentinel|slaves to find replicas."


def listed(names: Iterator[str] | tuple[str, ...] | map[str]) -> str:
    """With commas."""
    return ", ".join(names)
