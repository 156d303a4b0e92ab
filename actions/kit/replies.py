"""Reads what servers answer: ROLE, CONFIG GET, PUBSUB; and the words that other answers consist of. No I/O here.

Whatever comes, it parses or is Garbled. A reply is what RESP2 gives: bytes, an integer, None, or a list of these. INFO
is read by ``node_info``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from actions.kit.errors import Garbled
from actions.kit.holding import is_held, without_hold
from actions.kit.snapshot import NodeConfig
from actions.kit.stats import MOST_DIGITS
from actions.kit.topology import Address

_is_host = re.compile(r"[A-Za-z0-9_.:%-]{1,255}").fullmatch


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
        min_replicas_to_write=optional_number(fields, "min-replicas-to-write"),
        min_replicas_max_lag=optional_number(fields, "min-replicas-max-lag"),
        replica_priority=optional_number(fields, "replica-priority"),
        save_points=_save_points(fields.get("save")),
        stops_on_bgsave_error=flag(fields, "stop-writes-on-bgsave-error", "yes"),
        masterauth=bool(fields["masterauth"]) if "masterauth" in fields else None,
        masteruser=fields.get("masteruser"),
        held=is_held(told),
        tls_replication=flag(fields, "tls-replication", "yes"),
        cluster_node_timeout_ms=optional_number(fields, "cluster-node-timeout"),
        cluster_full_coverage=flag(fields, "cluster-require-full-coverage", "yes"),
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
    number = whole_number(port)
    if not _is_host(host) or number is None or not 0 < number < 65536:
        return None
    return Address(host, number)


@lru_cache(maxsize=64)
def _save_points(text: str | None) -> tuple[tuple[int, int], ...] | None:
    """``3600 1 300 100``: pairs of seconds and changes; ``None`` where it is not that."""
    if text is None:
        return None
    numbers = [whole_number(word) for word in text.split()]
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    points = tuple((after_s, least) for after_s, least in pairs if after_s is not None and least is not None)
    return points if len(points) * 2 == len(numbers) else None


def optional_number(fields: Mapping[str, str], name: str) -> int | None:
    """The number that a field is; ``None`` where it is missing or none."""
    text = fields.get(name)
    if text is None:
        return None
    # Nearly all are this: a health check reads some fifty of each of 200 nodes.
    return int(text) if text.isdigit() and text.isascii() and len(text) <= MOST_DIGITS else whole_number(text)


def whole_number(text: str) -> int | None:
    """A number of at most 19 digits; ``None`` where it is none."""
    digits = text.removeprefix("-")
    return int(text) if digits.isdigit() and digits.isascii() and len(digits) <= MOST_DIGITS else None


def flag(fields: Mapping[str, str], name: str, yes: str) -> bool | None:
    """Whether a field is the word for yes; ``None`` where it is missing."""
    value = fields.get(name)
    return None if value is None else value == yes
