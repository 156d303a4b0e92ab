"""An export of the audit: JSON Lines, each line the canonical JSON of one row. Opens no file itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from actions.kit.errors import UsageError
from bot.ledger.chain import AuditRow, canonical, row_of

_BEGINS = b'{"at":"'
"""How every line of an export begins."""

_LONGEST = 16 * 1024 * 1024
"""Bytes of a line beyond which it cannot be a row: what is no export may have no line ends at all."""


class NotAnExport(UsageError):  # noqa: N818 -- Reads as what it is where it is caught.
    """What was to be verified is no export of the audit."""


def line(row: AuditRow) -> str:
    """The row as it stands in an export, with its line end. All of it is ASCII."""
    return canonical(row.columns()) + "\n"


def read(file: BinaryIO, name: str) -> Iterator[AuditRow | None]:
    """The rows of an export, one at a time; ``None`` for a line that is not exactly as ``line`` writes it.

    Args:
        file: open for reading bytes.
        name: what the sentence of an error calls it.

    Raises:
        NotAnExport: the file is empty, or its first line is nothing like a row.
    """
    lines = iter(partial(file.readline, _LONGEST), b"")
    first = next(lines, b"")
    if not first:
        raise NotAnExport(f"{name} is empty: there is nothing to verify.")
    if not first.startswith(_BEGINS):
        raise NotAnExport(f"{name} is no export of the audit: its first line is not a row.")
    yield _row(first)
    yield from map(_row, lines)


def _row(text: bytes) -> AuditRow | None:
    try:
        row = row_of(json.loads(text.decode("ascii")))
    except (ValueError, RecursionError):
        return None
    # A key that is there twice, or a line that was cut off at its end, would still be read.
    return row if row is not None and line(row).encode() == text else None
