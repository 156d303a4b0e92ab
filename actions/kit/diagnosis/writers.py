"""Which of several masters takes writes now: what two looks prove, where an application is led, who has clients.

It says nothing of who is right. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions.kit.diagnosis.facts import Facts, count, of_node
from actions.kit.diagnosis.growth import Growth, between_s, growth, one_look
from actions.kit.findings import Evidence
from actions.kit.kubernetes.hosts import hosts_in

if TYPE_CHECKING:
    from actions.kit.kubernetes.view import KubernetesView, PodView, ServiceView
    from actions.kit.snapshot import NodeView
    from actions.kit.topology import Address

CONNECTIONS_OF_SENTINEL = 2
"""Each Sentinel keeps so many to a node; older servers count both as clients. Fewer are no sign of an application."""
HELLO_BYTES, HELLO_EVERY_S = 600, 2
"""What a Sentinel publishes moves the offset too: at most so many bytes, names in full, about so often."""
PING_BYTES, PING_EVERY_S = 40, 1
"""And what a master sends its replicas beside its data: PING, REPLCONF GETACK."""


@dataclass(frozen=True, slots=True)
class Writers:
    """The masters by what is known of the writes that they take now."""

    took: tuple[Address, ...]
    """Two looks prove it."""
    took_none: tuple[Address, ...]
    """Two looks prove that they took none."""
    written_to: tuple[Address, ...]
    """A client of theirs sent a write a moment ago; whether they took it is not proven."""
    led: tuple[Address, ...]
    """A write Service's endpoints or the application's setting name them."""
    clients: tuple[Address, ...]
    """An application is connected; where the clients could not be asked: more than the Sentinels' connections are."""

    all_told: bool = True
    """Every master that was asked for its clients told of them."""

    @property
    def now(self) -> tuple[Address, ...]:
        """Who takes writes now: those that did, are sent some or are meant to; else those that have clients."""
        sent = (one for one in self.written_to if one not in self.took_none)
        return tuple(dict.fromkeys((*self.took, *sent, *self.led))) or self.clients

    def words(self, address: Address) -> str:
        """The strongest that is known of one, as the end of a sentence; empty where nothing is."""
        if address in self.took:
            return "takes writes"
        if address in self.written_to and address not in self.took_none:
            return "is sent writes"
        if address in self.led:
            return "is where the application is led to write"
        return "has clients that may write" if address in self.clients else ""


def writers(facts: Facts) -> Writers:
    """Who takes writes now, of the masters that answer."""
    wrote = {node.address: _wrote(facts, node) for node in facts.masters}
    return Writers(
        took=tuple(address for address, proof in wrote.items() if proof),
        took_none=tuple(address for address, proof in wrote.items() if proof is False),
        led=tuple(dict.fromkeys(address for address, _ in _led(facts))),
        written_to=tuple(node.address for node in facts.masters if node.clients and node.clients.writing),
        clients=tuple(node.address for node in facts.masters if _has_clients(facts, node)),
        all_told=not any(gap.source.endswith("CLIENT LIST") for node in facts.masters for gap in node.gaps),
    )


def evidence(facts: Facts) -> Iterator[Evidence]:
    """What is known of each master's clients and writes, and where Kubernetes leads them."""
    for node in facts.masters:
        if node.clients is not None:
            sent = f", {node.clients.writing:,} of which sent a write a moment ago" if node.clients.writing else ""
            yield Evidence(
                f"node {node.address} CLIENT LIST", f"{count(node.clients.application, 'client')} of applications{sent}"
            )
        elif node.normal_clients is not None:
            yield of_node(node, count(node.normal_clients, "client"))
        yield _written(facts, node)
    yield from (said for _, said in _led(facts))


def _has_clients(facts: Facts, node: NodeView) -> bool:
    if node.clients is not None:
        return node.clients.application > 0
    return (node.normal_clients or 0) > CONNECTIONS_OF_SENTINEL * facts.electorate


def _wrote(facts: Facts, node: NodeView) -> bool | None:
    """Whether it took writes between two looks; ``None`` where nothing tells.

    A save in between sets the count of changes back; what the offset has grown by then tells of writes, where that is
    more than what is sent without any. Where it is less, nothing is said.
    """
    counted = _changes(facts, node)
    if counted is not None and counted.change >= 0:
        return counted.change > 0
    sent = _sent(facts, node)
    return True if sent is not None and sent.change > _noise(facts) else None


def _changes(facts: Facts, node: NodeView) -> Growth | None:
    return growth(facts, node, lambda info: info.changes_since_save)


def _sent(facts: Facts, node: NodeView) -> Growth | None:
    before = facts.earlier(node)
    same = before is not None and before.info is not None and node.info and before.info.replid == node.info.replid
    return growth(facts, node, lambda info: info.offset) if same else None


def _noise(facts: Facts) -> float:
    """How many bytes an offset may have grown by between two looks without any write."""
    seconds = between_s(facts)
    if seconds is None:
        return float("inf")
    hellos = facts.electorate * (seconds / HELLO_EVERY_S + 1)
    return HELLO_BYTES * hellos + PING_BYTES * (seconds / PING_EVERY_S + 1)


def _written(facts: Facts, node: NodeView) -> Evidence:
    """What two looks say of the writes that a node takes, or that one look cannot."""
    who, counted = f"node {node.address} INFO", _changes(facts, node)
    if counted is None:
        return one_look(who, "whether it takes writes now")
    if counted.change >= 0:
        said = counted.rate("writes") if counted.change else "no write in between"
    elif _wrote(facts, node) and (sent := _sent(facts, node)):
        said = f"it was saved in between, and its offset grew by {sent.change:,} bytes, more than without writes"
    else:
        said = "it was saved in between, so this tells nothing of writes now"
    return counted.evidence(who, f"changes since the last save {counted.then:,}, then {counted.now:,}: {said}")


def _led(facts: Facts) -> Iterator[tuple[Address, Evidence]]:
    """The masters to which Kubernetes leads who writes: by the write Service's endpoints, by the application's setting.

    A Service that spreads over several nodes leads to none of them.
    """
    view = facts.snapshot.kubernetes
    if view is None:
        return
    homes = {pod.name: node.address for node in facts.masters if (pod := _home(view, node)) is not None}
    for service in view.services:
        if service.takes_writes:
            said = Evidence(
                f"Kubernetes Service {service.name}", f"endpoints {', '.join(service.pods or ()) or 'none'}"
            )
            yield from ((address, said) for address in _behind(service, homes))
    app = view.application
    if app is None or app.value is None or app.value.value is None:
        return
    said = Evidence(f"Kubernetes Deployment {app.deployment}", f"{app.env} is {app.value.words}")
    for host in hosts_in(app.value.value):
        service_of, pod = view.service_of(host), view.pod_of(host)
        if pod is not None and pod.name in homes:
            yield homes[pod.name], said
        elif service_of is not None:
            yield from ((address, said) for address in _behind(service_of, homes))
        else:
            there = [node.address for node in facts.masters if host == node.address.host]
            yield from ((address, said) for address in there if len(there) == 1)


def _home(view: KubernetesView, node: NodeView) -> PodView | None:
    return next(filter(None, (view.pod_of(one.host) for one in (node.address, *node.also))), None)


def _behind(service: ServiceView, homes: dict[str, Address]) -> Iterator[Address]:
    if service.pods and len(service.pods) == 1 and not service.headless:
        yield from (homes[name] for name in service.pods if name in homes)
