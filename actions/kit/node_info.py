"""Reads the INFO of a data node: whole, or only who it follows, or its keys. No I/O here.

Whatever comes, it parses or is Garbled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from actions.kit.errors import Garbled
from actions.kit.info import info_fields
from actions.kit.ports import Standing
from actions.kit.replies import flag, optional_number, parse_address, whole_number
from actions.kit.snapshot import AttachedReplica, Link, NodeInfo, Role
from actions.kit.stats import parse_errors, parse_stats
from actions.kit.topology import Address

_ROLES = {"master": Role.MASTER, "slave": Role.REPLICA, "replica": Role.REPLICA, "sentinel": Role.SENTINEL}

_keyspace_lines = re.compile(rb"\ndb[0-9]+:keys=([0-9]{1,19})").findall
_keyspace_databases = re.compile(rb"\ndb([0-9]{1,9}):keys=").findall
_leading_version = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}").match


def parse_info(fields: Mapping[str, str]) -> NodeInfo:
    """Read a data node's INFO, split by ``info_fields``.

    Raises:
        Garbled: a field that every version sends is missing or absurd.
    """
    if "sentinel_tilt" in fields:
        raise Garbled("this is a Sentinel, not a data node")
    role = _role(fields)
    flavour, version = parse_version(fields)
    return NodeInfo(
        role=role,
        flavour=flavour,
        version=version,
        run_id=_text(fields, "run_id"),
        uptime_s=_number(fields, "uptime_in_seconds"),
        loading=_number(fields, "loading") != 0,
        replid=_text(fields, "master_replid"),
        replid2=fields.get("master_replid2", ""),
        offset=_number(fields, "master_repl_offset" if role is Role.MASTER else "slave_repl_offset"),
        second_repl_offset=_number_or(-1, fields, "second_repl_offset"),
        replicas=tuple(_attached(fields)),
        link=_link(fields) if role is Role.REPLICA else None,
        priority=optional_number(fields, "slave_priority"),
        read_only=flag(fields, "slave_read_only", "1"),
        failover_state=fields.get("master_failover_state"),
        config_file=fields.get("config_file"),
        connected_clients=optional_number(fields, "connected_clients"),
        blocked_clients=optional_number(fields, "blocked_clients"),
        max_clients=optional_number(fields, "maxclients"),
        rejected_connections=optional_number(fields, "rejected_connections"),
        used_memory=optional_number(fields, "used_memory"),
        max_memory=optional_number(fields, "maxmemory"),
        max_memory_policy=fields.get("maxmemory_policy"),
        evicted_keys=optional_number(fields, "evicted_keys"),
        changes_since_save=optional_number(fields, "rdb_changes_since_last_save"),
        last_bgsave_ok=flag(fields, "rdb_last_bgsave_status", "ok"),
        aof_enabled=flag(fields, "aof_enabled", "1"),
        last_aof_write_ok=flag(fields, "aof_last_write_status", "ok"),
        last_aof_rewrite_ok=flag(fields, "aof_last_bgrewrite_status", "ok"),
        ops_per_s=optional_number(fields, "instantaneous_ops_per_sec"),
        backlog_bytes=optional_number(fields, "repl_backlog_size"),
        backlog_active=flag(fields, "repl_backlog_active", "1"),
        good_replicas=optional_number(fields, "min_slaves_good_slaves"),
        cluster_enabled=flag(fields, "cluster_enabled", "1"),
        paused_ms=_paused_ms(fields),
        stats=parse_stats(fields),
        errors=parse_errors(fields),
    )


def parse_standing(reply: object) -> Standing:
    """Read role, offset and link from INFO replication.

    Raises:
        Garbled: role or offset are missing or absurd.
    """
    fields = info_fields(reply)
    role = _role(fields)
    link = _link(fields) if role is Role.REPLICA else None
    return Standing(
        role,
        _number(fields, "master_repl_offset" if role is Role.MASTER else "slave_repl_offset"),
        link.master if link else None,
        link_up=link is not None and link.up,
        replid=fields.get("master_replid", ""),
        replid2=fields.get("master_replid2", ""),
        second_repl_offset=_number_or(-1, fields, "second_repl_offset"),
    )


def parse_named(reply: object) -> tuple[Address, ...]:
    """The nodes that INFO replication names: its master, or its replicas.

    Raises:
        Garbled: role or master are missing or absurd.
    """
    fields = info_fields(reply)
    link = _link(fields) if _role(fields) is Role.REPLICA else None
    return (*([link.master] if link else ()), *(one.address for one in _attached(fields)))


def parse_version(fields: Mapping[str, str]) -> tuple[str, tuple[int, ...]]:
    """The flavour and its own version; Valkey also names the Redis version that it speaks like.

    Raises:
        Garbled: there is none.
    """
    flavour = "valkey" if "valkey_version" in fields else "redis"
    numbers = _version(fields.get(f"{flavour}_version", ""))
    if not numbers:
        raise Garbled(f"INFO without a usable {flavour}_version")
    return flavour, numbers


def parse_subscribers(fields: Mapping[str, str]) -> int:
    """How many clients of a node only listen; 0 where it does not count them."""
    return _number_or(0, fields, "pubsub_clients")


def normal_clients(info: NodeInfo, subscribers: int) -> int | None:
    """How many clients a node has beside replicas, its master, subscribers where it counts them, and ourselves."""
    if info.connected_clients is None:
        return None
    master = 1 if info.link is not None and info.link.up else 0
    return max(0, info.connected_clients - subscribers - master - 1)


def parse_keys(reply: object) -> int:
    """How many keys a node holds, from the keyspace lines of its INFO.

    Raises:
        Garbled: it is no text.
    """
    if not isinstance(reply, bytes):
        raise Garbled("INFO answered with something else")
    start = reply.rfind(b"\n# Keyspace")  # Its last section: the lines before it need not be searched.
    return sum(map(int, _keyspace_lines(reply, max(0, start))))


def parse_databases(reply: object) -> tuple[int, ...]:
    """Which databases of a node hold keys, from the keyspace lines of its INFO.

    Raises:
        Garbled: it is no text.
    """
    if not isinstance(reply, bytes):
        raise Garbled("INFO answered with something else")
    return tuple(sorted(map(int, _keyspace_databases(reply, max(0, reply.rfind(b"\n# Keyspace"))))))


def _role(fields: Mapping[str, str]) -> Role:
    role = _ROLES.get(fields.get("role", ""))
    if role is None or role is Role.SENTINEL:
        said = fields.get("role", "")
        raise Garbled(f"INFO says role:{said}, neither master nor slave" if said else "INFO without a role")
    return role


def _link(fields: Mapping[str, str]) -> Link | None:
    if "master_host" not in fields or "master_port" not in fields:
        raise Garbled("INFO of a replica without master_host and master_port")
    master = parse_address(fields.get("master_host", ""), fields.get("master_port", ""))
    if master is None:
        return None
    return Link(
        master=master,
        up=_text(fields, "master_link_status") == "up",
        sync_in_progress=fields.get("master_sync_in_progress") == "1",
        last_io_s=_not_negative(fields, "master_last_io_seconds_ago"),
        down_since_s=_not_negative(fields, "master_link_down_since_seconds"),
        sync_left_bytes=_not_negative(fields, "master_sync_left_bytes"),
        sync_read_bytes=_not_negative(fields, "master_sync_read_bytes"),
    )


def check_attached(fields: Mapping[str, str]) -> None:
    """See that whoever is attached, and has a port, names a host.

    Raises:
        Garbled: one does not, so that it is left out of what ``parse_info`` reads.
    """
    for words in _slave_lines(fields):
        host, port = words.get("ip", ""), words.get("port", "")
        if whole_number(port) and parse_address(host, port) is None:
            raise Garbled(
                f"a replica names itself {host[:80]!r}, port {port[:10]}, which is no address: it is not asked"
            )


def _slave_lines(fields: Mapping[str, str]) -> Iterator[dict[str, str]]:
    number = 0
    while (line := fields.get(f"slave{number}")) is not None:
        number += 1
        yield dict([pair.partition("=")[::2] for pair in line.split(",")])


def _paused_ms(fields: Mapping[str, str]) -> int | None:
    """A failover pauses clients too, and is told elsewhere."""
    reason, left_ms = fields.get("paused_reason"), optional_number(fields, "paused_timeout_milliseconds")
    return left_ms if reason in (None, "client_pause") else 0


def _attached(fields: Mapping[str, str]) -> Iterator[AttachedReplica]:
    """The ``slaveN`` lines. One without an address is somebody who takes a dump."""
    for words in _slave_lines(fields):
        if (address := parse_address(words.get("ip", ""), words.get("port", ""))) is not None:
            yield AttachedReplica(address, words.get("state", ""), _number(words, "offset"), _number(words, "lag"))


def _text(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise Garbled(f"INFO without {name}")
    return value


def _number(fields: Mapping[str, str], name: str) -> int:
    number = optional_number(fields, name)
    if number is None:
        raise Garbled(f"INFO without a usable {name}")
    return number


@lru_cache(maxsize=64)
def _version(text: str) -> tuple[int, ...]:
    """The numbers that it begins with; none where there are none."""
    match = _leading_version(text)
    return tuple(map(int, match.group().split("."))) if match else ()


def _number_or(default: int, fields: Mapping[str, str], name: str) -> int:
    value = optional_number(fields, name)
    return default if value is None else value


def _not_negative(fields: Mapping[str, str], name: str) -> int | None:
    """Servers say -1 for what there is not."""
    value = optional_number(fields, name)
    return None if value is None or value < 0 else value
