"""What a node's INFO counts and measures beside who it is: memory, buffers, dumps, syncs, errors. No I/O here.

Every field is ``None`` where the server did not say: older ones lack some. Sizes are bytes. Counters begin at 0 with
the process, or with CONFIG RESETSTAT: only their growth tells when.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Errors:
    """How often a node has answered with an error of this code since it started; 0: never."""

    masterdown: int = 0
    misconf: int = 0
    noauth: int = 0
    noreplicas: int = 0
    oom: int = 0
    readonly: int = 0
    wrongpass: int = 0


NO_ERRORS = Errors()


@dataclass(frozen=True, slots=True)
class NodeStats:
    """Source: INFO. The fields are in the order of ``STATS``."""

    time_us: int | None = None
    """The node's own clock, since 1970."""
    cluster_connections: int | None = None
    """They count for maxclients too."""
    longest_output_bytes: int | None = None
    """The largest output buffer of any client of late."""
    resident: int | None = None
    """What the process holds of the machine's memory."""
    system_memory: int | None = None
    """Of the machine, also where the node is in a container."""
    not_evictable: int | None = None
    """Buffers that maxmemory does not count."""
    replica_buffers: int | None = None
    client_buffers: int | None = None
    last_save_at: int | None = None
    """In seconds since 1970, by the node's own clock; at first that of its start."""
    bgsave_in_progress: int | None = None
    last_cow: int | None = None
    """What the last dump took beside the data itself, since writes went on meanwhile."""
    last_aof_cow: int | None = None
    loading_total: int | None = None
    loading_done: int | None = None
    loading_left_s: int | None = None
    full_syncs: int | None = None
    refused_partial_syncs: int | None = None
    cut_by_output_limit: int | None = None
    """Clients and replicas that were disconnected because they took too little of what was sent to them."""
    commands: int | None = None
    """How many it has carried out."""
    hits: int | None = None
    """Look-ups of keys that were there."""
    misses: int | None = None


NO_STATS = NodeStats()

STATS = (
    *("server_time_usec", "cluster_connections", "client_recent_max_output_buffer"),
    *(
        "used_memory_rss",
        "total_system_memory",
        "mem_not_counted_for_evict",
        "mem_clients_slaves",
        "mem_clients_normal",
    ),
    *("rdb_last_save_time", "rdb_bgsave_in_progress", "rdb_last_cow_size", "aof_last_cow_size"),
    *("loading_total_bytes", "loading_loaded_bytes", "loading_eta_seconds"),
    *("sync_full", "sync_partial_err", "client_output_buffer_limit_disconnections"),
    *("total_commands_processed", "keyspace_hits", "keyspace_misses"),
)
"""The numbers among the fields of INFO that are read for this. None of them is ever below 0."""

ERROR_CODES = ("MASTERDOWN", "MISCONF", "NOAUTH", "NOREPLICAS", "OOM", "READONLY", "WRONGPASS")
"""The codes of error replies that are read, in the order of ``Errors``."""

MOST_DIGITS = 19
"""A number of so many digits at most is one."""
is_whole_number = re.compile("[0-9]{1,19}").fullmatch
"""Matches one, and no sign before it."""
_ERRORS = tuple(f"errorstat_{code}" for code in ERROR_CODES)
_ERROR_FIELDS = frozenset(_ERRORS)
STATS_FIELDS = (*STATS, *_ERRORS)
"""What is read of INFO."""


def parse_stats(fields: Mapping[str, str]) -> NodeStats:
    """Read what INFO counts and measures; what is missing or absurd is ``None``."""
    get = fields.get
    numbers = [
        int(text) if (text := get(name)) and text.isdigit() and text.isascii() and len(text) <= MOST_DIGITS else None
        for name in STATS
    ]
    return NodeStats(*numbers)


def parse_errors(fields: Mapping[str, str]) -> Errors:
    """Read how often it answered with which error; most nodes never did, and share one object."""
    if _ERROR_FIELDS.isdisjoint(fields):
        return NO_ERRORS
    counts = (fields.get(name, "").removeprefix("count=") for name in _ERRORS)
    return Errors(*(int(text) if is_whole_number(text) else 0 for text in counts))
