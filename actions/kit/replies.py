"""Reads what servers answer: INFO, ROLE, CONFIG GET, SENTINEL. Whatever comes, it parses or is Garbled. No I/O here.

A reply is what RESP2 gives: bytes, an integer, None, or a list of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from actions.kit.errors import Garbled
from actions.kit.holding import is_held, without_hold
from actions.kit.info import info_fields
from actions.kit.ports import Standing
from actions.kit.snapshot import AttachedReplica, Link, NodeConfig, NodeInfo, Role
from actions.kit.stats import MOST_DIGITS, parse_errors, parse_stats
from actions.kit.topology import Address

_ROLES = {"master": Role.MASTER, "slave": Role.REPLICA, "replica": Role.REPLICA, "sentinel": Role.SENTINEL}

_keyspace_lines = re.compile(rb"\ndb[0-9]+:keys=([0-9]{1,19})").findall
_keyspace_databases = re.compile(rb"\ndb([0-9]{1,9}):keys=").findall
_is_host = re.compile(r"[A-Za-z0-9_.:%-]{1,255}").fullmatch
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
        priority=_optional(fields, "slave_priority"),
        read_only=_flag(fields, "slave_read_only", "1"),
        failover_state=fields.get("master_failover_state"),
        config_file=fields.get("config_file"),
        connected_clients=_optional(fields, "connected_clients"),
        blocked_clients=_optional(fields, "blocked_clients"),
        max_clients=_optional(fields, "maxclients"),
        rejected_connections=_optional(fields, "rejected_connections"),
        used_memory=_optional(fields, "used_memory"),
        max_memory=_optional(fields, "maxmemory"),
        max_memory_policy=fields.get("maxmemory_policy"),
        evicted_keys=_optional(fields, "evicted_keys"),
        changes_since_save=_optional(fields, "rdb_changes_since_last_save"),
        last_bgsave_ok=_flag(fields, "rdb_last_bgsave_status", "ok"),
        aof_enabled=_flag(fields, "aof_enabled", "1"),
        last_aof_write_ok=_flag(fields, "aof_last_write_status", "ok"),
        last_aof_rewrite_ok=_flag(fields, "aof_last_bgrewrite_status", "ok"),
        ops_per_s=_optional(fields, "instantaneous_ops_per_sec"),
        backlog_bytes=_optional(fields, "repl_backlog_size"),
        backlog_active=_flag(fields, "repl_backlog_active", "1"),
        good_replicas=_optional(fields, "min_slaves_good_slaves"),
        cluster_enabled=_flag(fields, "cluster_enabled", "1"),
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


def parse_normal_clients(fields: Mapping[str, str], info: NodeInfo) -> int | None:
    """How many clients a node has beside replicas, its master, subscribers where it counts them, and ourselves."""
    if info.connected_clients is None:
        return None
    subscribers = _number_or(0, fields, "pubsub_clients")
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


def parse_watching_sentinels(reply: object) -> int:
    """How many subscribers Sentinel's own channel has on a data node: each Sentinel that watches it is one.

    Raises:
        Garbled: it is not PUBSUB NUMSUB's answer about one channel.
    """
    match reply:
        case [bytes(), int(subscribers)]:
            return subscribers
    raise Garbled("PUBSUB NUMSUB answered with something else")


def parse_role_offset(reply: object) -> int:
    """The offset that ROLE tells.

    Raises:
        Garbled: it is not ROLE's answer of a master or a replica.
    """
    match reply:
        case [b"master", int(offset), *_] | [b"slave", _, _, _, int(offset), *_]:
            return offset
    raise Garbled("ROLE answered with something else")


def parse_config(*replies: object) -> NodeConfig:
    """Read the answers to any number of CONFIG GET.

    Raises:
        Garbled: one of them is no list of names and values.
    """
    told = parse_fields(*replies)
    fields = without_hold(told)
    return NodeConfig(
        min_replicas_to_write=_optional(fields, "min-replicas-to-write"),
        min_replicas_max_lag=_optional(fields, "min-replicas-max-lag"),
        replica_priority=_optional(fields, "replica-priority"),
        save_points=_save_points(fields.get("save")),
        stops_on_bgsave_error=_flag(fields, "stop-writes-on-bgsave-error", "yes"),
        masterauth=bool(fields["masterauth"]) if "masterauth" in fields else None,
        masteruser=fields.get("masteruser"),
        held=is_held(told),
        tls_replication=_flag(fields, "tls-replication", "yes"),
        cluster_node_timeout_ms=_optional(fields, "cluster-node-timeout"),
        cluster_full_coverage=_flag(fields, "cluster-require-full-coverage", "yes"),
    )


def parse_fields(*replies: object) -> dict[str, str]:
    """Read flat lists of names and values.

    Raises:
        Garbled: one of them is none.
    """
    flat: list[object] = []
    for reply in replies:
        if not isinstance(reply, list) or len(reply) % 2:
            raise Garbled("expected a list of names and values")
        flat += reply
    words = [word.decode(errors="replace") for word in flat if isinstance(word, bytes)]
    if len(words) != len(flat):
        raise Garbled("expected a list of names and values")
    return dict(zip(words[::2], words[1::2], strict=True))


def parse_word(reply: object) -> str:
    """Read a single string.

    Raises:
        Garbled: it is none.
    """
    if not isinstance(reply, bytes):
        raise Garbled("expected a string")
    return reply.decode(errors="replace")


@lru_cache(maxsize=4096)
def parse_address(host: str, port: str) -> Address | None:
    """An address as a server names it; ``None`` where it names none, such as ``?`` or port 0, or what is no host."""
    number = _whole(port)
    if not _is_host(host) or number is None or not 0 < number < 65536:
        return None
    return Address(host, number)


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
        if _whole(port) and parse_address(host, port) is None:
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
    reason, left_ms = fields.get("paused_reason"), _optional(fields, "paused_timeout_milliseconds")
    return left_ms if reason in (None, "client_pause") else 0


def _attached(fields: Mapping[str, str]) -> Iterator[AttachedReplica]:
    """The ``slaveN`` lines. One without an address is somebody who takes a dump."""
    for words in _slave_lines(fields):
        if (address := parse_address(words.get("ip", ""), words.get("port", ""))) is not None:
            yield AttachedReplica(address, words.get("state", ""), _number(words, "offset"), _number(words, "lag"))


@lru_cache(maxsize=64)
def _save_points(text: str | None) -> tuple[tuple[int, int], ...] | None:
    """``3600 1 300 100``: pairs of seconds and changes; ``None`` where it is not that."""
    if text is None:
        return None
    numbers = [_whole(word) for word in text.split()]
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    points = tuple((after_s, least) for after_s, least in pairs if after_s is not None and least is not None)
    return points if len(points) * 2 == len(numbers) else None


def _text(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise Garbled(f"INFO without {name}")
    return value


def _number(fields: Mapping[str, str], name: str) -> int:
    number = _optional(fields, name)
    if number is None:
        raise Garbled(f"INFO without a usable {name}")
    return number


def _optional(fields: Mapping[str, str], name: str) -> int | None:
    text = fields.get(name)
    if text is None:
        return None
    # Nearly all are this: a health check reads some fifty of each of 200 nodes.
    return int(text) if text.isdigit() and text.isascii() and len(text) <= MOST_DIGITS else _whole(text)


def _whole(text: str) -> int | None:
    """A number of at most 19 digits; ``None`` where it is none."""
    digits = text.removeprefix("-")
    return int(text) if digits.isdigit() and digits.isascii() and len(digits) <= MOST_DIGITS else None


@lru_cache(maxsize=64)
def _version(text: str) -> tuple[int, ...]:
    """The numbers that it begins with; none where there are none."""
    match = _leading_version(text)
    return tuple(map(int, match.group().split("."))) if match else ()


def _number_or(default: int, fields: Mapping[str, str], name: str) -> int:
    value = _optional(fields, name)
    return default if value is None else value


def _not_negative(fields: Mapping[str, str], name: str) -> int | None:
    """Servers say -1 for what there is not."""
    value = _optional(fields, name)
    return None if value is None or value < 0 else value


def _flag(fields: Mapping[str, str], name: str, yes: str) -> bool | None:
    value = fields.get(name)
    return None if value is None else value == yes
