"""Sizes as people write them and as Redis reads them: ``128mb``, ``4gb``, ``1048576``. No I/O here."""

from __future__ import annotations

import re

from actions.kit.errors import UsageError

MOST = 2**63 - 1
_UNITS = {
    "": 1,
    "b": 1,
    "k": 10**3,
    "kb": 2**10,
    "m": 10**6,
    "mb": 2**20,
    "g": 10**9,
    "gb": 2**30,
}
"""Redis' own: those with a b are powers of 1,024, those without of 1,000."""
_read = re.compile(r"([0-9]{1,19})([a-z]{0,2})").fullmatch


def parse_size(name: str, text: str) -> int:
    """A size in bytes.

    Args:
        name: the setting, for the sentence.
        text: as somebody wrote it.

    Raises:
        UsageError: it is none; says how one is written.
    """
    found = _read(text.strip().lower())
    unit = _UNITS.get(found.group(2)) if found else None
    if found is None or unit is None:
        raise UsageError(
            f"{name}: {text.strip()[:40]!r} is no size. Write a whole number with kb, mb or gb, or of bytes, such as "
            "128mb; 1kb is 1,024 bytes and 1k is 1,000."
        )
    size = int(found.group(1)) * unit
    if size > MOST:
        raise UsageError(f"{name}: {text.strip()[:40]} is more than any server has.")
    return size


def spelled_size(size: int) -> str:
    """As Redis' own files have it: ``4gb``, ``128mb``; bytes where it is no round number."""
    for unit in ("gb", "mb", "kb"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def rough_size(size: int) -> str:
    """For a person, where the bytes do not matter: ``1.5 GiB``."""
    amount, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
