"""Where an application comes in: at Sentinels, at one address, or at the nodes of a cluster. No I/O here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from actions.kit.kubernetes.addresses import by_name
from actions.kit.kubernetes.hosts import hosts_in
from actions.kit.topology import Kind

if TYPE_CHECKING:
    from actions.kit.snapshot import Snapshot
    from actions.kit.topology import Address, Target

ELECTION_S = 15
"""What an election, a promotion and the clients' finding out take at most, once a master is given up."""
BY_HAND_S = 10
"""Where nobody fails over by himself: a restart is waited for, not a person."""
AWS_S = 60
"""AWS moves a primary and the name of its endpoint within about so long."""
BEGIN_WITH = 9
"""Nodes of a cluster that a client is given: any one tells it of all."""


class Entry(StrEnum):
    """Who tells a client where to write."""

    SENTINEL = "sentinel"
    """The Sentinels name the master: kind sentinel."""
    DIRECT = "direct"
    """Nobody: there is one address for writes. Kind replication, and ElastiCache without cluster mode."""
    CLUSTER = "cluster"
    """Any node: kind cluster, and ElastiCache with cluster mode."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where an application comes in, as the servers call themselves; on Kubernetes by the lasting names of pods.

    ``addresses``: the Sentinels, the one address for writes, or nodes to begin with; empty where none is known.
    ``patience_s``: after so long a new master is there, where somebody sees to it; ``because`` says of what it is made.
    ``believed_from``: how many other Sentinels one has to know of to be believed; at least one knows as many.
    ``variable``: of the application's environment, which may name another host for writes.
    """

    entry: Entry
    addresses: tuple[Address, ...]
    patience_s: int
    because: str
    believed_from: int = 0
    variable: str = "REDIS_HOST"


def doors(snapshot: Snapshot, target: Target) -> Doors:
    """Where to come in, of what was seen."""
    if target.kind is Kind.SENTINEL:
        found = _sentinels(snapshot, target)
    else:
        found = _cluster(snapshot, target) if snapshot.in_cluster else _direct(snapshot, target)
    return replace(found, addresses=tuple(by_name(snapshot.kubernetes, one) for one in found.addresses))


def _sentinels(snapshot: Snapshot, target: Target) -> Doors:
    """All that there are: those in the settings, and those that another Sentinel knows and does not call down."""
    views = snapshot.sentinels
    known = {address for view in views for address in (view.address, *view.also)}
    opinions = [view.master for view in views if view.master is not None]
    named = {peer for one in opinions for peer in one.peers} - {peer for one in opinions for peer in one.peers_down}
    addresses = tuple(sorted({*(view.address for view in views), *(named - known)} or set(target.sentinels)))
    sure_s = math.ceil(max((one.down_after_ms for one in opinions), default=30_000) / 1_000)
    because = f"Sentinel is sure after {sure_s} s that a master is down, and then one is elected"
    knows_most = max((one.other_sentinels for one in opinions), default=0)
    return Doors(Entry.SENTINEL, addresses, sure_s + ELECTION_S, because, min(len(addresses) // 2, knows_most))


def _cluster(snapshot: Snapshot, target: Target) -> Doors:
    """The configuration endpoint of AWS, else nodes that answer, the masters first."""
    group = snapshot.group
    answering = sorted((node for node in snapshot.nodes if node.info), key=lambda node: (node.is_replica, node.address))
    nodes = tuple(node.address for node in answering[:BEGIN_WITH]) or target.nodes
    if group is not None and group.configuration_endpoint is not None:
        nodes = (group.configuration_endpoint,)
    told = (node.config.cluster_node_timeout_ms for node in snapshot.nodes if node.config is not None)
    sure_s = math.ceil(max((one for one in told if one is not None), default=15_000) / 1_000)
    because = f"the nodes are sure after {sure_s} s that a master is down, and then one is elected"
    return Doors(Entry.CLUSTER, nodes, 2 * sure_s + ELECTION_S, because)


def _direct(snapshot: Snapshot, target: Target) -> Doors:
    """AWS's endpoint, which follows the primary, else the one master."""
    if target.kind is Kind.ELASTICACHE:
        shards = snapshot.group.node_groups if snapshot.group is not None else ()
        endpoints = tuple(one.primary_endpoint for one in shards if one.primary_endpoint is not None)
        return Doors(Entry.DIRECT, endpoints, AWS_S, "AWS moves the endpoint within about a minute")
    master = snapshot.agreed_master
    variable = _variable(snapshot, target)
    addresses = (master,) if master is not None else ()
    return Doors(Entry.DIRECT, addresses, BY_HAND_S, "nobody fails over here by himself", variable=variable)


def _variable(snapshot: Snapshot, target: Target) -> str:
    """The one that a failover switches for the application, where it holds nothing but a host."""
    place = target.kubernetes
    if place is None or place.application is None:
        return "REDIS_HOST"
    app = snapshot.kubernetes.application if snapshot.kubernetes is not None else None
    value = app.value.value if app is not None and app.value is not None else None
    return place.application.env if value is None or hosts_in(value) == (value,) else "REDIS_HOST"
