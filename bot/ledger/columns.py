"""The types of the ledger's columns: what every database keeps, and gives back as it was. No I/O here."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import sqlalchemy
from sqlalchemy import DateTime, Dialect, TypeDecorator

_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with a replacement character for what not every database keeps: NUL, and half of a surrogate pair."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class Text(TypeDecorator[str]):
    """Any text: what people and servers write must not keep the rest from being stored."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102 -- SQLAlchemy's signature.
        return None if value is None else storable(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime; SQLite keeps no zone, so that all are stored, and compared, in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102 -- SQLAlchemy's signature.
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102 -- SQLAlchemy's signature.
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
