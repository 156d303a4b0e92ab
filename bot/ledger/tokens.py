"""Tokens: who somebody is in a terminal. Only their SHA-256 is kept; they expire, and die with the account.

A token is ``tandem_``, 32 random bytes and a CRC-32 of them, in hexadecimal: one that was copied badly is told from one
that was never issued, and scanners for leaked secrets know it by its beginning.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, insert, select, update

from actions.kit.errors import Refused, SettingsError, UsageError
from bot.ledger import audit
from bot.ledger.database import Database, Transaction
from bot.ledger.ids import free_id, normal
from bot.ledger.records import TANDEM, Origin, Person
from bot.ledger.tables import tokens

MAX_LIVE = 5
"""Tokens that one person can have at a time: one for each terminal, and none to be forgotten."""

_FORM = re.compile(r"tandem_([0-9a-f]{64})([0-9a-f]{8})")
_PREFIX = "T-"
_SOMEBODY = Person("unknown", "unknown", Origin.TERMINAL)
_NEW_ONE = "Type /redis token in Slack for a new one."
_END_ALL = "End them with /redis token revoke, or tandem token revoke, and ask again."


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of one token; not the token itself. ``used_at``: when it was used first."""

    id: str
    person: Person
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. ``secret`` exists here and nowhere else; ``live``: how many the person has now, with this one."""

    token: Token
    secret: str
    live: int


class Tokens:
    """The tokens of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, person: Person, lasts: timedelta) -> Issued:
        """Make a token for this person.

        Raises:
            Refused: they have as many live ones as anybody can have.
        """
        key = secrets.token_bytes(32)
        secret = f"tandem_{key.hex()}{zlib.crc32(key):08x}"
        async with self._database.writing() as tx:
            live = len(await _rows(tx, _live(tx) & (tokens.c.person_id == person.id)))
            if live >= MAX_LIVE:
                raise Refused(f"You have {live} live tokens, and nobody can have more. {_END_ALL}")
            token = Token(await free_id(tx, tokens.c.id, _PREFIX), person, tx.now, tx.now + lasts)
            await tx.connection.execute(
                insert(tokens).values(
                    id=token.id,
                    hash=_hash(secret),
                    person_id=person.id,
                    person_name=person.name,
                    issued_at=token.issued_at,
                    expires_at=token.expires_at,
                )
            )
            await audit.append(tx, "token.issued", person, token.id, expires_at=token.expires_at.isoformat())
        return Issued(token, secret, live + 1)

    async def use(self, secret: str) -> Token:
        """Whose token this is; its first use and every vain one are written to the audit, without it.

        Raises:
            SettingsError: it is not formed like a token.
            Refused: it was not issued here, or is expired or revoked.
        """
        if not _well_formed(secret):
            why = f"TANDEM_TOKEN is not a token: it is cut off or was changed. {_NEW_ONE}"
            await self._tell_refused(_SOMEBODY, "malformed", why)
            raise SettingsError(why)
        async with self._database.reading() as tx:
            row = next(iter(await _rows(tx, tokens.c.hash == _hash(secret))), None)
            why_not = _why_not(tx, row)
        if row is None or why_not:
            who, what = (_SOMEBODY, "unknown") if row is None else (_token(row).person, row["id"])
            await self._tell_refused(who, what, why_not)
            raise Refused(why_not)
        if row["used_at"] is None:
            await self._tell_used(_token(row))
        return _token(row)

    async def refuse(self, token: Token, why: str) -> None:
        """Write down that a token that is in order was refused, since its owner may not use it."""
        await self._tell_refused(token.person, token.id, why)

    async def revoke(self, person: Person, token_id: str | None = None) -> tuple[str, ...]:
        """End all live tokens of this person, or one of theirs; returns the ids of those that were ended.

        Raises:
            UsageError: they have no live token of this id.
        """
        async with self._database.writing() as tx:
            own = _live(tx) & (tokens.c.person_id == person.id)
            if token_id is not None:
                own &= tokens.c.id == normal(token_id, _PREFIX)
            ended = await _end(tx, own, person, "by its owner")
        if token_id is not None and not ended:
            raise UsageError(f"You have no live token {normal(token_id[:20], _PREFIX)}; tandem token list shows yours.")
        return ended

    async def of(self, person_id: str) -> tuple[Token, ...]:
        """The live tokens of one person, the newest first."""
        async with self._database.reading() as tx:
            rows = await _rows(tx, _live(tx) & (tokens.c.person_id == person_id))
        return tuple(map(_token, rows))

    async def owners(self) -> tuple[str, ...]:
        """The ids of all who have a live token."""
        async with self._database.reading() as tx:
            return tuple(dict.fromkeys(row["person_id"] for row in await _rows(tx, _live(tx))))

    async def _tell_used(self, token: Token) -> None:
        async with self._database.writing() as tx:
            unused = (tokens.c.id == token.id) & tokens.c.used_at.is_(None)
            used = await tx.connection.execute(update(tokens).where(unused).values(used_at=tx.now))
            if used.rowcount:
                await audit.append(tx, "token.used", token.person, token.id)

    async def _tell_refused(self, who: Person, what: str, why: str) -> None:
        async with self._database.writing() as tx:
            await audit.append(tx, "token.refused", who, what, why=why)


async def end_all_of(tx: Transaction, person_id: str, why: str) -> None:
    """End all live tokens of a person, who is gone."""
    await _end(tx, _live(tx) & (tokens.c.person_id == person_id), TANDEM, why)


async def _end(tx: Transaction, which: ColumnElement[bool], by: Person, why: str) -> tuple[str, ...]:
    ids = tuple(row["id"] for row in await _rows(tx, which))
    await tx.connection.execute(update(tokens).where(which).values(revoked_at=tx.now, revoked_why=why))
    for token_id in ids:
        await audit.append(tx, "token.revoked", by, token_id, why=why)
    return ids


async def _rows(tx: Transaction, which: ColumnElement[bool]) -> Sequence[RowMapping]:
    query = select(tokens).where(which).order_by(tokens.c.issued_at.desc(), tokens.c.id)
    return (await tx.connection.execute(query)).mappings().all()


def _live(tx: Transaction) -> ColumnElement[bool]:
    return tokens.c.revoked_at.is_(None) & (tokens.c.expires_at > tx.now)


def _well_formed(secret: str) -> bool:
    parts = _FORM.fullmatch(secret)
    return parts is not None and zlib.crc32(bytes.fromhex(parts[1])) == int(parts[2], 16)


def _why_not(tx: Transaction, row: RowMapping | None) -> str:
    if row is None:
        return f"TANDEM_TOKEN is a token that this ledger does not know. {_NEW_ONE}"
    if row["revoked_at"] is not None:
        return f"Your token was revoked at {row['revoked_at']:%Y-%m-%d %H:%M:%S} UTC, {row['revoked_why']}. {_NEW_ONE}"
    if row["expires_at"] <= tx.now:
        return f"Your token expired at {row['expires_at']:%Y-%m-%d %H:%M:%S} UTC. {_NEW_ONE}"
    return ""


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: RowMapping) -> Token:
    return Token(
        id=row["id"],
        person=Person(row["person_id"], row["person_name"], Origin.TERMINAL),
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )
