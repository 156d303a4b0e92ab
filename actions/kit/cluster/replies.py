"""Reads CLUSTER INFO, NODES and SHARDS. Whatever comes, it parses or is Garbled. No I/O here.

150 nodes give 150 tables of 150 lines, nearly all of them equal but for the times of the last ping and pong and for
who speaks. So these are taken out first, and what is equal is parsed once and is one object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from actions.kit.cluster.view import SLOTS, ClusterView, Heard, Member, OpenSlot, SlotRange
from actions.kit.errors import Garbled
from actions.kit.replies import parse_address, parse_word
from actions.kit.topology import Address

_ID = r"[0-9a-f]{40}"
_is_id = re.compile(_ID).fullmatch
_MYSELF = " myself,"
_times = re.compile(r" [0-9]+ [0-9]+(?= [0-9]+ (?:dis)?connected)").sub
_open_slots = re.compile(rf" \[([0-9]{{1,5}})-([<>])-({_ID})\]")
_place = re.compile(r"(?P<host>.*?):(?P<port>[0-9]{1,5})(?:@(?P<bus>[0-9]{1,5}))?(?:,(?P<hostname>[^,]*)(?:,.*)?)?")
_slot_range = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?").fullmatch

Members = tuple[Member, ...]
Open = tuple[OpenSlot, ...]


def parse_cluster(info: object, nodes: object) -> ClusterView:
    """Read the answers to CLUSTER INFO and CLUSTER NODES of one node.

    Raises:
        Garbled: a field that every version sends is missing or absurd.
    """
    fields = dict(line.partition(":")[::2] for line in parse_word(info).splitlines())
    if fields.get("cluster_state") not in ("ok", "fail"):
        raise Garbled("CLUSTER INFO without a usable cluster_state")
    my_id, members, migrating, importing = _nodes(parse_word(nodes))
    return ClusterView(
        my_id=my_id,
        ok=fields["cluster_state"] == "ok",
        slots_assigned=_count(fields, "cluster_slots_assigned"),
        slots_ok=_count(fields, "cluster_slots_ok"),
        slots_pfail=_count(fields, "cluster_slots_pfail"),
        slots_fail=_count(fields, "cluster_slots_fail"),
        known_nodes=_count(fields, "cluster_known_nodes"),
        size=_count(fields, "cluster_size"),
        current_epoch=_count(fields, "cluster_current_epoch"),
        my_epoch=_count(fields, "cluster_my_epoch"),
        members=members,
        migrating=migrating,
        importing=importing,
    )


def parse_offsets(reply: object) -> tuple[Heard, ...]:
    """Read the offset of every node out of CLUSTER SHARDS.

    Raises:
        Garbled: it is no list of shards.
    """
    found = []
    for shard in _list(reply):
        fields = _pairs(shard)
        for node in map(_pairs, _list(fields.get("nodes"))):
            offset = node.get("replication-offset")
            if not isinstance(offset, int):
                raise Garbled("CLUSTER SHARDS without a usable replication-offset")
            found.append(Heard(parse_word(node.get("id")), offset))
    return tuple(found)


def _list(reply: object) -> list[object]:
    if not isinstance(reply, list):
        raise Garbled("CLUSTER SHARDS answered with something else")
    return reply


def _pairs(reply: object) -> dict[str, object]:
    flat = _list(reply)
    return dict(zip(map(parse_word, flat[::2]), flat[1::2], strict=False))


def _nodes(text: str) -> tuple[str, Members, Open, Open]:
    """The id of who speaks, its table, and its slots that leave and that arrive."""
    lines = [line for line in _times("", text).split("\n") if line]
    mine = [index for index, line in enumerate(lines) if _MYSELF in line]
    if len(mine) != 1:
        raise Garbled("CLUSTER NODES in which not one node is myself")
    own = lines[mine[0]].replace(_MYSELF, " ", 1)
    opened = _open_slots.findall(own)
    lines[mine[0]] = _open_slots.sub("", own)
    members = _table(tuple(sorted(lines)))
    return own[:40], members, _opened(opened, ">"), _opened(opened, "<")


def _opened(found: Iterable[tuple[str, str, str]], direction: str) -> Open:
    return tuple(OpenSlot(_slot(slot), peer) for slot, way, peer in found if way == direction)


@lru_cache(maxsize=64)
def _table(lines: tuple[str, ...]) -> Members:
    members = tuple(map(_member, lines))
    if len({one.id for one in members}) < len(members):
        raise Garbled("CLUSTER NODES names a node twice")
    return members


@lru_cache(maxsize=4096)
def _member(line: str) -> Member:
    """One line without its times: ``id place flags master config-epoch link-state slots…``."""
    words = line.split(" ")
    if len(words) < 6 or not _is_id(words[0]):
        raise Garbled("CLUSTER NODES with a line that is none")
    node_id, place, flags, master_id, epoch, link, *slots = words
    if (master_id != "-" and not _is_id(master_id)) or link not in ("connected", "disconnected"):
        raise Garbled("CLUSTER NODES with a line that is none")
    address, bus_port, hostname = _placed(place)
    return Member(
        id=node_id,
        address=None if "noaddr" in flags else address,
        bus_port=bus_port,
        hostname=hostname,
        flags=_flags(flags),
        master_id="" if master_id == "-" else master_id,
        config_epoch=_whole(epoch, "config-epoch"),
        link_up=link == "connected",
        slots=tuple(_range(one) for one in slots if one),
    )


@lru_cache(maxsize=64)
def _flags(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) - {"noflags", ""}


def _placed(text: str) -> tuple[Address | None, int | None, str]:
    """``host:port@bus,hostname,key=value…``; the host is empty where it is not known, the hostname mostly."""
    found = _place.fullmatch(text)
    if found is None:
        raise Garbled("CLUSTER NODES with an address that is none")
    bus = found["bus"]
    return parse_address(found["host"], found["port"]), int(bus) if bus else None, found["hostname"] or ""


def _range(text: str) -> SlotRange:
    found = _slot_range(text)
    if found is None:
        raise Garbled("CLUSTER NODES with slots that are none")
    first = _slot(found[1])
    last = _slot(found[2]) if found[2] else first
    if last < first:
        raise Garbled("CLUSTER NODES with slots that are none")
    return SlotRange(first, last)


def _slot(text: str) -> int:
    slot = int(text)
    if slot >= SLOTS:
        raise Garbled("CLUSTER NODES with a slot that is none")
    return slot


def _count(fields: Mapping[str, str], name: str) -> int:
    return _whole(fields.get(name, ""), name)


def _whole(text: str, name: str) -> int:
    """A number of at most 20 digits: epochs have 64 bits."""
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise Garbled(f"CLUSTER without a usable {name}")
    return int(text)
