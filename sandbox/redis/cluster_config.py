"""Decides where the nodes of a cluster listen, which slots each shard has, and what nodes.conf says. No I/O here."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.redis.addresses import Block
from sandbox.redis.builds import Build
from sandbox.redis.config import Address, Settings

SLOTS = 16384
_BUS = 10_000
_LINK = 1_000


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a cluster is asked to be.

    `hosts` is how many hosts its nodes are spread over, a primary and its replicas on different ones; by default each
    node has a host of its own. `node_timeout_ms` is cluster-node-timeout.
    """

    shards: int = 3
    replicas: int = 1
    hosts: int | None = None
    node_timeout_ms: int = 5_000


@dataclass(frozen=True)
class Place:
    """One node: its number from 1, its shard from 0, and where it is bound and known; `primary` is a number."""

    number: int
    shard: int
    primary: int
    bind: Address
    announced: Address

    @property
    def is_primary(self) -> bool:
        """Whether it starts as the primary of its shard."""
        return self.number == self.primary

    @property
    def bus(self) -> int:
        """The port of the cluster bus."""
        return self.bind[1] + _BUS

    @property
    def node_id(self) -> str:
        """What it calls itself for ever."""
        return _hex(f"{self.announced}")


def places(block: Block, shape: Shape, *, links: bool) -> tuple[Place, ...]:
    """All nodes: first the primaries in the order of their slots, then the replicas, shard by shard."""
    numbers = [(shard, shard + 1) for shard in range(shape.shards)]
    numbers += [(shard, shard + 1) for shard in range(shape.shards) for _ in range(shape.replicas)]
    copies = [0] * shape.shards
    taken: dict[int, int] = {}
    found = []
    for number, (shard, primary) in enumerate(numbers, start=1):
        host = (shard + copies[shard]) % shape.hosts + 1 if shape.hosts else number
        copies[shard] += 1
        bind = block.data(host, taken.get(host, 0))
        taken[host] = taken.get(host, 0) + 1
        found.append(Place(number, shard, primary, bind, (bind[0], bind[1] + _LINK) if links else bind))
    return tuple(found)


def slots_of(shape: Shape, shard: int) -> tuple[int, int]:
    """The first and the last slot of a shard, from 0, as it is at the start."""
    return shard * SLOTS // shape.shards, (shard + 1) * SLOTS // shape.shards - 1


def node_settings(shape: Shape, place: Place, settings: Settings) -> dict[str, str]:
    """The directives that make a data node one of a cluster."""
    port = "cluster-announce-tls-port" if settings.tls else "cluster-announce-port"
    return {
        "cluster-enabled": "yes",
        "cluster-node-timeout": str(shape.node_timeout_ms),
        "cluster-announce-ip": place.announced[0],
        port: str(place.announced[1]),
        "cluster-announce-bus-port": str(place.bus),
        **({"tls-cluster": "yes"} if settings.tls else {}),
    }


def nodes_conf(shape: Shape, all_places: tuple[Place, ...], myself: Place, build: Build) -> str:
    """The file from which a node knows all others at its start.

    They would find each other by CLUSTER MEET and gossip, which takes a cluster of 150 nodes minutes; what each of
    them then writes to its file are these same lines.
    """
    lines = [_line(shape, all_places, place, myself, build) for place in all_places]
    return "\n".join([*lines, f"vars currentEpoch {shape.shards} lastVoteEpoch 0", ""])


def _line(shape: Shape, all_places: tuple[Place, ...], place: Place, myself: Place, build: Build) -> str:
    host, port = place.announced
    shard = f",,shard-id={_hex(f'shard {all_places[place.primary - 1]}')}" if build.version >= (7, 2, 0) else ""
    flags = ",".join(_flags(place, myself))
    primary = "-" if place.is_primary else all_places[place.primary - 1].node_id
    first, last = slots_of(shape, place.shard)
    slots = f" {first}-{last}" if place.is_primary else ""
    epoch = place.shard + 1
    return f"{place.node_id} {host}:{port}@{place.bus}{shard} {flags} {primary} 0 0 {epoch} connected{slots}"


def _flags(place: Place, myself: Place) -> Iterator[str]:
    if place == myself:
        yield "myself"
    yield "master" if place.is_primary else "slave"


def _hex(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
