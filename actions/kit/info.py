"""Splits the text of INFO into the fields that are read. No I/O here."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from actions.kit.errors import Garbled
from actions.kit.stats import STATS_FIELDS

INFO_FIELDS = (
    *("redis_version", "valkey_version", "run_id", "uptime_in_seconds", "config_file", "role", "sentinel_tilt"),
    *("connected_clients", "blocked_clients", "maxclients", "pubsub_clients", "rejected_connections"),
    *("used_memory", "maxmemory", "maxmemory_policy", "evicted_keys", "instantaneous_ops_per_sec"),
    *("loading", "rdb_changes_since_last_save", "rdb_last_bgsave_status", "aof_enabled", "aof_last_write_status"),
    "aof_last_bgrewrite_status",
    *("master_replid", "master_replid2", "master_repl_offset", "slave_repl_offset", "second_repl_offset"),
    *("master_host", "master_port", "master_link_status", "master_sync_in_progress", "master_sync_left_bytes"),
    "master_sync_read_bytes",
    *("master_last_io_seconds_ago", "master_link_down_since_seconds", "master_failover_state"),
    *("slave_priority", "slave_read_only", "repl_backlog_size", "min_slaves_good_slaves", "cluster_enabled"),
    *("repl_backlog_active", "paused_reason", "paused_timeout_milliseconds"),
    *STATS_FIELDS,
)
"""What is read of INFO, beside the ``slaveN`` lines. A server sends six times as many fields."""

MOST_LINES = 1_000
"""So many lines of an INFO are expected at most; what follows them is searched."""


def _any_of(names: tuple[str, ...]) -> str:
    """A pattern for any of these, grouped by their first letter: so most lines are passed over after one look."""
    groups = itertools.groupby(sorted(names), key=lambda name: name[0])
    return "|".join(f"{letter}(?:{'|'.join(name[1:] for name in group)})" for letter, group in groups)


_NAMES = rf"(?:{_any_of(INFO_FIELDS)}|slave[0-9]+)"
_nothing = re.compile(r"(?!)").match
_is_read = re.compile(rf"{_NAMES}:").fullmatch
_lines = re.compile(rf"\n({_NAMES}):([^\r\n]*)").findall

Fields = dict[str, str]


def info_fields(reply: object) -> Fields:
    """The lines of INFO that are read; of a repeated one the last counts. ``INFO_FIELDS`` says which.

    Raises:
        Garbled: it is no text.
    """
    return dict(_lines(f"\n{info_text(reply)}"))


class InfoReader:
    """``info_fields`` of one server that is asked again and again, in half the time.

    It sends the same lines in the same order, with other values. From the third INFO on the lines are not searched
    for, but expected; an INFO with other lines is searched again.
    """

    def __init__(self) -> None:
        self._is_first = True
        self.layout = _NO_LAYOUT
        """The lines that are expected."""

    def fields(self, reply: object) -> Fields:
        """The same as ``info_fields``.

        Raises:
            Garbled: it is no text.
        """
        text = info_text(reply)
        fields = self.layout.fields(text)
        if fields is not None:
            return fields
        if not self._is_first:
            self.layout = _layout(_heads(text))
        self._is_first = False
        return info_fields(text)


class Layout:
    """Which lines an INFO begins with, in their order: ``role:``, but ``# Replication`` as a whole.

    Args:
        heads: the lines without their values; none of them: it fits no INFO.
    """

    def __init__(self, heads: tuple[str, ...]) -> None:
        self.names = tuple(head.removesuffix(":") for head in heads if _is_read(head))
        """The fields among them that are read."""
        self.is_simple = len(set(self.names)) == len(self.names)
        """No field comes twice."""
        self._match = re.compile("\n".join(map(_line, heads))).match if heads else _nothing

    def fields(self, text: str) -> Fields | None:
        """Its fields; ``None`` where other lines come. What follows the expected ones is searched."""
        found = self._match(text)
        if found is None:
            return None
        fields = dict(zip(self.names, found.groups(), strict=True))
        fields.update(_lines(text, found.end()))
        return fields

    def values(self, text: str) -> tuple[str, ...] | None:
        """The values of ``names``, where it has these fields and no others."""
        found = self._match(text)
        return None if found is None or _lines(text, found.end()) else found.groups()


def _heads(text: str) -> tuple[str, ...]:
    """The lines to the last that is read, without their values: ``role:``, but ``# Replication`` as a whole."""
    heads = [line[: line.find(":") + 1] or line for line in text.split("\n", MOST_LINES)]
    while heads and not _is_read(heads[-1]):
        heads.pop()
    return tuple(heads)


@lru_cache(maxsize=64)
def _layout(heads: tuple[str, ...]) -> Layout:
    """Servers of one version in one role share one."""
    return Layout(heads)


def _line(head: str) -> str:
    """The pattern of one line. Its quantifiers give nothing back, so that it never takes long."""
    value = "([^\r\n]*+).*+" if _is_read(head) else ".*+" if head.endswith(":") else ""
    return re.escape(head) + value


def info_text(reply: object) -> str:
    """INFO as text.

    Raises:
        Garbled: it is none.
    """
    if isinstance(reply, bytes):
        return reply.decode(errors="replace")
    if not isinstance(reply, str):
        raise Garbled("INFO answered with something else")
    return reply


_NO_LAYOUT = Layout(())
