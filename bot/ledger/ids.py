"""Ids that people read aloud and type at three in the morning."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Column, select

from bot.ledger.database import Transaction

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0, O, 1 or I."""


async def free_id(tx: Transaction, column: Column[Any], prefix: str) -> str:
    """An id such as ``R-7F3K9`` that this column does not hold.

    Writers take turns: an id that is free now stays free until this transaction has ended.
    """
    return (await free_ids(tx, column, prefix, 1))[0]


async def free_ids(tx: Transaction, column: Column[Any], prefix: str, count: int) -> list[str]:
    """So many of them, 500 at most."""
    found: set[str] = set()
    while len(found) < count:
        made = {prefix + "".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(count - len(found))}
        found |= made - set((await tx.connection.execute(select(column).where(column.in_(made)))).scalars())
    return list(found)


def normal(text: str, prefix: str) -> str:
    """The id as it is stored, however a person typed it: ``r-7f3k9`` and ``7F3K9`` are ``R-7F3K9``."""
    return prefix + text.strip().upper().removeprefix(prefix)
