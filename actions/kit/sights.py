"""How each vantage point sees each node and each Sentinel: what was said, by whom, and whether it reaches it.

Whoever says nothing of a node has no sight of it; silence is never read as a no. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from actions.kit.cluster.facts import ClusterFacts, flags_in_table, reach_in_table
from actions.kit.diagnosis.catching_up import ACK_SILENCE_S
from actions.kit.diagnosis.facts import DOWN_FLAGS, EXPLAINED, Facts
from actions.kit.diagnosis.kubernetes import pod_trouble
from actions.kit.diagnosis.voice import Reach
from actions.kit.diagnosis.voices import HEARD_S, heard, link_text
from actions.kit.elasticache.words import AVAILABLE
from actions.kit.kubernetes.addresses import is_gone
from actions.kit.kubernetes.hosts import hosts_in
from actions.kit.snapshot import AttachedReplica, NodeView, Reason, Role, SentinelView
from actions.kit.topology import Address

if TYPE_CHECKING:
    from actions.kit.cluster.view import Member
    from actions.kit.kubernetes.view import ApplicationView, KubernetesView

ANSWERING = EXPLAINED | {Reason.GARBAGE, Reason.REFUSED_COMMAND, Reason.MASTERDOWN}
"""Reasons for no answer of use with which something is there all the same."""


class Point(StrEnum):
    """The kinds of vantage points, in the order in which they are shown."""

    US = "us"
    NODES = "nodes"
    SENTINELS = "Sentinels"
    KUBERNETES = "Kubernetes"
    AWS = "AWS"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one vantage point, or several that say the same, tell of one node or Sentinel.

    ``by``: their addresses, or their names. ``role``: as what they have it; ``None`` where they do not say.
    """

    point: Point
    by: tuple[Address | str, ...]
    reach: Reach
    words: str
    role: Role | None = None


Told = Iterator[tuple[Address, Sight]]


def all_sights(facts: Facts) -> Told:
    """Everything that anybody says of anybody, each with whom it is about."""
    yield from _ours(facts)
    yield from _of_masters(facts)
    yield from _of_followers(facts)
    if isinstance(facts, ClusterFacts):
        yield from _of_tables(facts)
    yield from _of_sentinels(facts)
    yield from _of_kubernetes(facts)
    yield from _of_aws(facts)


def _ours(facts: Facts) -> Told:
    views: tuple[NodeView | SentinelView, ...] = (*facts.snapshot.nodes, *facts.snapshot.sentinels)
    for view in views:
        if view.unasked is not None:
            there = view.unasked.reason in ANSWERING
            words = f"{'answers' if there else 'no answer'}: {view.unasked.reason}"
            yield view.address, Sight(Point.US, ("Tandem",), Reach.YES if there else Reach.NO, words)
        elif isinstance(view, SentinelView):
            yield view.address, Sight(Point.US, ("Tandem",), Reach.YES, "in TILT" if view.tilt else "answers")
        elif view.info is not None:
            yield view.address, Sight(Point.US, ("Tandem",), Reach.YES, f"says {view.info.role}", view.info.role)


def _of_masters(facts: Facts) -> Told:
    """What masters say of their replicas; that one is not attached is said of those that should be."""
    for node in facts.snapshot.nodes:
        for one in node.info.replicas if node.info else ():
            words = f"{one.state}, acknowledged {one.lag_s} s ago"
            yield one.address, Sight(Point.NODES, (node.address,), _acknowledges(one), words, Role.REPLICA)
    for part in facts.parts:
        master = part.master
        if master is None or not master.is_master:
            continue
        for node in part.others:
            if node.address not in part.attached and (node.info is None or _follows(node, master)):
                yield node.address, Sight(Point.NODES, (master.address,), Reach.NO, "not attached")


def _follows(node: NodeView, master: NodeView) -> bool:
    link = node.info.link if node.info else None
    return link is not None and link.master in (master.address, *master.also)


def _acknowledges(one: AttachedReplica) -> Reach:
    if one.state != "online" or 0 <= one.lag_s <= HEARD_S:
        return Reach.YES
    return Reach.NO if one.lag_s > ACK_SILENCE_S else Reach.UNSAID


def _of_followers(facts: Facts) -> Told:
    for master, followers in facts.followers.items():
        for node in followers:
            if node.info is not None and node.info.link is not None:
                words = link_text(node.info.link).replace(f" to {master}", "").replace(f" from {master}", "")
                yield master, Sight(Point.NODES, (node.address,), heard(node.info.link), words)


def _of_tables(facts: ClusterFacts) -> Told:
    """The cluster bus: nodes that have one and the same in their tables are one voice."""
    told: dict[int, tuple[Member, list[int]]] = {}
    for number, (members, _) in enumerate(facts.shards.tables):
        for one in members:
            told.setdefault(id(one), (one, []))[1].append(number)
    tellers = [(who, {one: at for at, one in enumerate(who)}) for _, who in facts.shards.tables]
    for member, numbers in told.values():
        address = facts.shards.addresses.get(member.id)
        others = tuple(chain.from_iterable(_without(address, *tellers[number]) for number in numbers))
        if address is not None and others:
            said = reach_in_table(member), flags_in_table(member).removeprefix("flags ")
            yield address, Sight(Point.NODES, others, *said, _role_of(member))


def _without(itself: Address | None, who: tuple[Address, ...], places: Mapping[Address, int]) -> tuple[Address, ...]:
    at = places.get(itself) if itself is not None else None
    return who if at is None else (*who[:at], *who[at + 1 :])


def _role_of(member: Member) -> Role | None:
    return Role.MASTER if member.is_master else Role.REPLICA if member.is_replica else None


def _of_sentinels(facts: Facts) -> Told:
    for view, master in facts.opinions:
        by, flags = (view.address,), master.flags
        yield master.address, Sight(Point.SENTINELS, by, _flagged(view, flags), _flags(flags), Role.MASTER)
        for one in master.replicas:
            role = Role.MASTER if one.role_reported == "master" else Role.REPLICA
            yield one.address, Sight(Point.SENTINELS, by, _flagged(view, one.flags), _flags(one.flags), role)
        for peer in master.peers:
            down = peer in master.peers_down
            reach = Reach.UNSAID if view.tilt else Reach.NO if down else Reach.YES
            yield peer, Sight(Point.SENTINELS, by, reach, "flagged down" if down else "known")


def _flagged(view: SentinelView, flags: frozenset[str]) -> Reach:
    return Reach.UNSAID if view.tilt else Reach.NO if flags & DOWN_FLAGS else Reach.YES


def _flags(flags: frozenset[str]) -> str:
    return ",".join(sorted(flags))


def _of_kubernetes(facts: Facts) -> Told:
    view = facts.snapshot.kubernetes
    if view is None or view.unasked is not None:
        return
    views: tuple[NodeView | SentinelView, ...] = (*facts.snapshot.nodes, *facts.snapshot.sentinels)
    for node in views:
        also = node.also if isinstance(node, NodeView) else ()
        pod = next(filter(None, (view.pod_of(one.host) for one in (node.address, *also))), None)
        if pod is None:
            if is_gone(view, node.address.host):
                yield node.address, Sight(Point.KUBERNETES, ("Kubernetes",), Reach.NO, "there is no such pod")
            continue
        trouble = pod_trouble(pod, None)
        words = f"{pod.name} {trouble or 'ready'}"
        yield node.address, Sight(Point.KUBERNETES, ("Kubernetes",), Reach.NO if trouble else Reach.YES, words)
        if isinstance(node, NodeView):
            for by, how in _writes_to(view, pod.name):
                yield node.address, Sight(Point.APPLICATION, (by,), Reach.UNSAID, how, Role.MASTER)


def _writes_to(view: KubernetesView, pod: str) -> Iterator[tuple[str, str]]:
    """Who has writes go to this pod: the write Service, and the application's setting; by whom, and how."""
    for service in view.services:
        if service.takes_writes and service.pods == (pod,):
            yield f"Service {service.name}", f"Service {service.name} sends writes here"
    app = view.application
    if app is not None and app.value is not None and app.value.value is not None:
        yield from ((app.deployment, how) for how in _set_to(view, app, app.value.value, pod))


def _set_to(view: KubernetesView, app: ApplicationView, value: str, name: str) -> Iterator[str]:
    for host in hosts_in(value):
        pod, service = view.pod_of(host), view.service_of(host)
        if pod is not None and pod.name == name:
            yield f"{app.deployment} is set to it"
        elif pod is None and service is not None and not service.takes_writes and service.pods == (name,):
            yield f"{app.deployment} is set to Service {service.name}"


def _of_aws(facts: Facts) -> Told:
    for member in facts.group.members if facts.group else ():
        if member.endpoint is not None:
            role = None if member.primary is None else Role.MASTER if member.primary else Role.REPLICA
            reach = Reach.YES if member.status == AVAILABLE else Reach.UNSAID
            words = f"{member.name} {member.status or 'of no status'}"
            yield member.endpoint, Sight(Point.AWS, ("AWS",), reach, words, role)
