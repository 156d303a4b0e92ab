"""Ledgers on each database that they can be on, and a look into them past the ledger's own code.

The fixtures are in ``tests/conftest.py``: ``ledger_url``, ``empty_url``, ``postgresql``.
"""

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, make_url

from bot.ledger.schema import upgrade
from sandbox.postgresql import PostgreSQL

DATABASES = ("sqlite", "postgresql")
_TEMPLATE = "template_ledger"


class Databases:
    """Makes new databases on one PostgreSQL, which is started when the first one is wanted."""

    def __init__(self) -> None:
        self._server: PostgreSQL | None = None
        self._numbers = itertools.count(1)

    @property
    def server(self) -> PostgreSQL:
        if self._server is None:
            self._server = PostgreSQL()
            self._server.start()
            self._server.execute(f"CREATE DATABASE {_TEMPLATE}")
            with connected(self._server.url(_TEMPLATE)) as connection:
                upgrade(connection)
        return self._server

    @contextmanager
    def new(self, kind: str, folder: Path, *, empty: bool = False) -> Iterator[str]:
        """The URL of a database of that kind; on PostgreSQL with the tables of a ledger, unless it has to be empty."""
        if kind == "sqlite":
            yield f"sqlite+aiosqlite:///{folder}/tandem.db"
            return
        name = f"test_{next(self._numbers)}"
        self.server.execute(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else _TEMPLATE}")
        try:
            yield self.server.url(name)
        finally:
            self.server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A transaction of its own, committed at the end."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername="sqlite")
    with create_engine(parsed, poolclass=NullPool).begin() as connection:
        yield connection


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in the database."""
    with connected(url) as connection, closing(connection.exec_driver_sql(query)) as found:
        return [tuple(row) for row in found]


def change(url: str, *statements: str) -> None:
    """Run these in one transaction, as somebody who goes past Tandem."""
    with connected(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
