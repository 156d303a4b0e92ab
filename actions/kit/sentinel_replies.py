"""Reads what a Sentinel answers. Whatever comes, it parses or is Garbled. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit.errors import Garbled
from actions.kit.info import info_fields
from actions.kit.node_info import parse_version
from actions.kit.replies import parse_address, parse_fields
from actions.kit.snapshot import MonitoredMaster, SentinelReplica
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class SentinelInfo:
    """What a Sentinel says about itself. Source: INFO."""

    flavour: str
    version: tuple[int, ...]
    tilt: bool


def parse_sentinel_info(reply: object) -> SentinelInfo:
    """Read a Sentinel's INFO.

    Raises:
        Garbled: it is not a Sentinel's.
    """
    fields = info_fields(reply)
    if "sentinel_tilt" not in fields:
        what = "this is a data node, not a Sentinel" if "role" in fields else "INFO without sentinel_tilt"
        raise Garbled(what)
    return SentinelInfo(*parse_version(fields), tilt=fields["sentinel_tilt"] != "0")


def parse_named_master(reply: object) -> Address:
    """Read GET-MASTER-ADDR-BY-NAME where the name is known.

    Raises:
        Garbled: it is no address.
    """
    match reply:
        case [bytes(host), bytes(port)]:
            address = parse_address(host.decode(errors="replace"), port.decode(errors="replace"))
            if address is not None:
                return address
    raise Garbled("GET-MASTER-ADDR-BY-NAME answered with something else")


def parse_master(address: Address, reply: object) -> MonitoredMaster:
    """Read SENTINEL MASTER; ``address`` is the one that clients are told.

    Raises:
        Garbled: a field that every version sends is missing or absurd.
    """
    fields = parse_fields(reply)
    return MonitoredMaster(
        address=address,
        flags=_flags(fields),
        config_epoch=_number(fields, "config-epoch"),
        quorum=_number(fields, "quorum"),
        other_sentinels=_number(fields, "num-other-sentinels"),
        down_after_ms=_number(fields, "down-after-milliseconds"),
        failover_timeout_ms=_number(fields, "failover-timeout"),
        run_id=fields.get("runid", ""),
        known_ms=_age_ms(fields),
    )


def parse_peers(reply: object) -> tuple[tuple[Address, bool], ...]:
    """Read SENTINEL SENTINELS: each other Sentinel, and whether this one holds it to be down.

    Raises:
        Garbled: it is no list of Sentinels.
    """
    peers = [(_address(fields, "ip", "port"), "s_down" in _flags(fields)) for fields in _many(reply)]
    return tuple((address, down) for address, down in peers if address is not None)


def parse_replicas(reply: object) -> tuple[SentinelReplica, ...]:
    """Read SENTINEL REPLICAS; those without an address are left out.

    Raises:
        Garbled: a field that every version sends is missing or absurd.
    """
    both = [(fields, _address(fields, "ip", "port")) for fields in _many(reply)]
    return tuple(_replica(fields, address) for fields, address in both if address is not None)


def parse_names(reply: object) -> tuple[str, ...]:
    """Read the names out of SENTINEL MASTERS.

    Raises:
        Garbled: it is no list of masters.
    """
    return tuple(fields["name"] for fields in _many(reply) if "name" in fields)


def _replica(fields: Mapping[str, str], address: Address) -> SentinelReplica:
    master = _address(fields, "master-host", "master-port")
    age_ms = _number(fields, "info-refresh")
    return SentinelReplica(
        address=address,
        flags=_flags(fields),
        link_up=fields.get("master-link-status") == "ok",
        priority=_number(fields, "slave-priority"),
        offset=_number(fields, "slave-repl-offset"),
        master=master,
        role_reported=fields.get("role-reported", ""),
        info_age_ms=None if age_ms == 0 and master is None else age_ms,  # Sentinel says 0 where it never heard any.
        known_ms=_age_ms(fields),
    )


def _age_ms(fields: Mapping[str, str]) -> int | None:
    return _number(fields, "role-reported-time") if "role-reported-time" in fields else None


def _many(reply: object) -> list[dict[str, str]]:
    if not isinstance(reply, list):
        raise Garbled("expected a list of lists")
    return [parse_fields(one) for one in reply]


def _flags(fields: Mapping[str, str]) -> frozenset[str]:
    return frozenset(fields.get("flags", "").split(",")) - {""}


def _address(fields: Mapping[str, str], host: str, port: str) -> Address | None:
    return parse_address(fields.get(host, ""), fields.get(port, ""))


def _number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "")
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 20:
        raise Garbled(f"SENTINEL without a usable {name}")
    return int(text)
