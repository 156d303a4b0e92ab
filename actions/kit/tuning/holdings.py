"""Reads from INFO memory and INFO keyspace what a node holds. No I/O here."""

from __future__ import annotations

import re

from actions.kit.errors import Garbled
from actions.kit.ports import Holdings

_databases = re.compile(rb"(?:^|\n)db[0-9]{1,9}:keys=([0-9]{1,19}),expires=([0-9]{1,19})").findall
_memory = re.compile(
    rb"(?:^|\n)(used_memory_startup|used_memory_dataset|mem_replication_backlog):([0-9]{1,19})"
).findall


def parse_holdings(memory: object, keyspace: object) -> Holdings:
    """The keys of all databases, how many have an expiry, and their bytes.

    Raises:
        Garbled: one of them is no text, or does not tell the bytes.
    """
    sizes = {name: int(size) for name, size in _memory(memory)} if isinstance(memory, bytes) else {}
    if len(sizes) < 3 or not isinstance(keyspace, bytes):
        raise Garbled("INFO memory and INFO keyspace answered with something else")
    databases = _databases(keyspace)
    keys, expiring = (sum(int(one[which]) for one in databases) for which in (0, 1))
    dataset = sizes.pop(b"used_memory_dataset")
    return Holdings(keys, expiring, dataset, sum(sizes.values()))
