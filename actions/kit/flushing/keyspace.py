"""Which databases hold how many keys, read from INFO. No I/O here."""

from __future__ import annotations

import re

from actions.kit.errors import Garbled
from actions.kit.info import info_fields
from actions.kit.ports import Keyspace
from actions.kit.replies import optional_number

_databases = re.compile(rb"(?:^|\n)db([0-9]{1,9}):keys=([0-9]{1,19})").findall


def parse_keyspace(keyspace: object, persistence: object) -> Keyspace:
    """The keys of each database, and how many changes there were since the last dump.

    Raises:
        Garbled: INFO keyspace or INFO persistence is no text.
    """
    return Keyspace(parse_databases(keyspace), optional_number(info_fields(persistence), "rdb_changes_since_last_save"))


def parse_databases(keyspace: object) -> tuple[tuple[int, int], ...]:
    """The number of each database that has keys, and how many, in their order.

    Raises:
        Garbled: INFO keyspace is no text.
    """
    if not isinstance(keyspace, bytes):
        raise Garbled("INFO keyspace answered with something else")
    return tuple(sorted((int(number), int(keys)) for number, keys in _databases(keyspace)))
