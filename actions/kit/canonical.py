"""Gives one digest to one value, however a server keeps, orders or words it. No I/O here.

DUMP will not do for that: its bytes depend on the version, the encoding, the order of a hash table and the compression.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence

from actions.kit.errors import Garbled

NEVER = -1
"""The key does not expire."""
EXPIRY_SLACK_MS = 1_000
"""Expiries that are no further apart were set by one command: before 7.0 a replica counts from when it hears of it."""
DIGEST_BYTES = 16
DUMP_FOOTER = 10
"""The last bytes of a DUMP: the RDB version, and a checksum over all before it."""


def same_expiry(first_ms: int, second_ms: int) -> bool:
    """Whether two keys expire at the same moment, or both never. Both in ms since 1970."""
    if NEVER in (first_ms, second_ms):
        return first_ms == second_ms
    return abs(first_ms - second_ms) <= EXPIRY_SLACK_MS


def digest(kind: bytes, reply: object) -> bytes:
    """The digest of a value.

    Args:
        kind: its TYPE.
        reply: what GET, LRANGE, HGETALL, SMEMBERS, ZRANGE WITHSCORES or XINFO STREAM FULL answered; of another kind
            what DUMP did.

    Raises:
        Garbled: that is not what the command answers.
    """
    try:
        return _digest(_READERS.get(kind, _of_dump)(reply))
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise Garbled(f"{kind.decode(errors='replace')}: the value came back as something else") from error


def is_canonical(kind: bytes) -> bool:
    """Whether two different digests prove two different values; those of a module's do not."""
    return kind in _READERS


def score(text: bytes) -> bytes:
    """A score in one wording: versions print the same number with more or fewer digits, and zero with a sign."""
    return struct.pack(">d", float(text) + 0.0)


def _of_string(reply: object) -> Iterable[bytes]:
    return (_bytes(reply),)


def _of_list(reply: object) -> Iterable[bytes]:
    return map(_bytes, _items(reply))


def _of_set(reply: object) -> Iterable[bytes]:
    return sorted(map(_bytes, _items(reply)))


def _of_hash(reply: object) -> Iterable[bytes]:
    return _flat(sorted(_pairs(reply)))


def _of_sorted_set(reply: object) -> Iterable[bytes]:
    return _flat(sorted((score(points), member) for member, points in _pairs(reply)))


def _of_stream(reply: object) -> Iterable[bytes]:
    """Entries, the last id, groups, and what is pending with whom.

    Newer versions say more of a stream than older ones: what not all of them say is left out. So are consumers that
    owe nothing: older masters do not tell their replicas of them.
    """
    stream = _fields(reply)
    yield _bytes(stream[b"last-generated-id"])
    yield from _entries(stream[b"entries"])
    for group in sorted(map(_fields, _items(stream[b"groups"])), key=lambda fields: _bytes(fields[b"name"])):
        yield from (b"group", _bytes(group[b"name"]), _bytes(group[b"last-delivered-id"]))
        yield from _pending(group[b"pel"] if b"pel" in group else group[b"pending"])


def _entries(reply: object) -> Iterable[bytes]:
    for entry in _items(reply):
        name, content = _items(entry)
        words = tuple(map(_bytes, _items(content)))
        yield from (_bytes(name), b"%d" % len(words), *words)


def _pending(reply: object) -> Iterable[bytes]:
    """Which entry is whose, and how often it was delivered."""
    for one in _items(reply):
        name, consumer, _, deliveries = _items(one)
        yield from (_bytes(name), _bytes(consumer), str(deliveries).encode())


def _of_dump(reply: object) -> Iterable[bytes]:
    """Without the footer: the same bytes of two versions mean the same value."""
    return (_bytes(reply)[:-DUMP_FOOTER],)


_READERS: dict[bytes, Callable[[object], Iterable[bytes]]] = {
    b"string": _of_string,
    b"list": _of_list,
    b"set": _of_set,
    b"hash": _of_hash,
    b"zset": _of_sorted_set,
    b"stream": _of_stream,
}


def _digest(parts: Iterable[bytes]) -> bytes:
    """Each part with its length before it, so that no two sequences of parts are one sequence of bytes."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        state.update(b"%d:" % len(part))
        state.update(part)
    return state.digest()


def _bytes(reply: object) -> bytes:
    if not isinstance(reply, bytes):
        raise TypeError
    return reply


def _items(reply: object) -> Sequence[object]:
    if not isinstance(reply, list):
        raise TypeError
    return reply


def _pairs(reply: object) -> list[tuple[bytes, bytes]]:
    words = list(map(_bytes, _items(reply)))
    return list(zip(words[::2], words[1::2], strict=True))


def _fields(reply: object) -> dict[bytes, object]:
    items = _items(reply)
    return dict(zip(map(_bytes, items[::2]), items[1::2], strict=True))


def _flat(pairs: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for pair in pairs:
        yield from pair
