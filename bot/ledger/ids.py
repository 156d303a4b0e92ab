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
    while True:
        made = prefix + "".join(secrets.choice(ALPHABET) for _ in range(5))
        if (await tx.connection.execute(select(column).where(column == made))).first() is None:
            return made


def normal(text: str, prefix: str) -> str:
    """The id as it is stored, however a person typed it: ``r-7f3k9`` and ``7F3K9`` are ``R-7F3K9``."""
    return prefix + text.strip().upper().removeprefix(prefix)
