"""Reads from INFO memory and INFO keyspace what a node holds. No I/O here."""

from __future__ import annotations

import re

from actions.kit.errors import Garbled
from actions.kit.ports import Holdings

_databases = re.compile(rb"(?:^|\n)db[0-9]{1,9}:keys=([0-9]{1,19}),expires=([0-9]{1,19})").findall
_NEEDED = (b"used_memory_startup", b"used_memory_dataset", b"mem_replication_backlog")
_BUFFERS = (b"mem_clients_slaves", b"mem_not_counted_for_evict", b"mem_aof_buffer")
_memory = re.compile(rb"(?:^|\n)(" + b"|".join((*_NEEDED, *_BUFFERS)) + rb"):([0-9]{1,20})(?=\r|\n|$)").findall
_UNSIGNED = 2**64


def parse_holdings(memory: object, keyspace: object) -> Holdings:
    """The keys of all databases, how many have an expiry, and their bytes.

    Raises:
        Garbled: one of them is no text, or does not tell the bytes.
    """
    sizes = {name: int(size) for name, size in _memory(memory)} if isinstance(memory, bytes) else {}
    if not sizes.keys() >= {*_NEEDED} or not isinstance(keyspace, bytes):
        raise Garbled("INFO memory and INFO keyspace answered with something else")
    databases = _databases(keyspace)
    keys, expiring = (sum(int(one[which]) for one in databases) for which in (0, 1))
    startup, _, backlog = (sizes[name] for name in _NEEDED)
    return Holdings(keys, expiring, _dataset(sizes), startup + backlog)


def _dataset(sizes: dict[bytes, int]) -> int:
    """The bytes of the data, with what waits for replicas as it is now.

    Before 7.0 ``mem_clients_slaves``, which the server takes off for ``used_memory_dataset``, is up to a second old:
    after many writes it may be more than there is data, and the difference wraps around. What maxmemory does not
    count is measured with the answer: the same buffers, and that of the append-only file.
    """
    dataset = sizes[b"used_memory_dataset"]
    if dataset >= _UNSIGNED // 2:
        dataset -= _UNSIGNED
    taken_off, not_counted, of_file = (sizes.get(name, 0) for name in _BUFFERS)
    return max(0, dataset + taken_off - max(0, not_counted - of_file))
