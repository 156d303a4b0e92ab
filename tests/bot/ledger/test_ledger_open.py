import asyncio
import sqlite3
import sys
from contextlib import AsyncExitStack

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.ledger import Auditor, Ledger, LedgerError, schema
from bot.ledger.database import Database
from bot.ledger.tables import metadata
from tests.bot.ledger.given import LEAD, filed, ledger_in, url
from tests.databases import change, rows


async def refusal(address: str, **settings: float) -> str:
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(address, **settings)
    return str(caught.value)


TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
}


async def test_the_migrations_make_the_tables_that_the_code_uses(empty_url):
    async with ledger_in(empty_url):
        pass
    database = Database(empty_url)
    async with database.reading() as tx:
        differences = await tx.connection.run_sync(
            lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
        )
    await database.aclose()
    assert differences == []
    expected = {"sqlite": [("audit_no_delete",), ("audit_no_update",)], "postgresql": [("audit_append_only",)]}
    kind = empty_url.partition("+")[0]
    assert rows(empty_url, TRIGGERS[kind]) == expected[kind]


def test_every_revision_is_known():
    config = Config()
    config.set_main_option("script_location", "bot/ledger/migrations")
    script = ScriptDirectory.from_config(config)
    assert [one.revision for one in script.walk_revisions()][::-1] == list(schema.REVISIONS)


async def test_opening_again_keeps_what_is_there_and_does_not_load_the_migrations(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger)
    code = (
        "import asyncio, sys\nfrom bot.ledger import Ledger\n"
        f"async def main():\n    await (await Ledger.open({ledger_url!r})).aclose()\n"
        "asyncio.run(main())\nassert 'alembic' not in sys.modules\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-c", code)
    assert await process.wait() == 0
    async with ledger_in(ledger_url) as ledger:
        assert (await ledger.request(request.id)).id == request.id


async def test_of_many_that_open_an_empty_database_at_once_one_makes_the_tables(empty_url):
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(ledger_in(empty_url)) for _ in range(5)))
    assert rows(empty_url, "SELECT version_num FROM alembic_version") == [(schema.REVISIONS[-1],)]


async def test_sqlite_keeps_what_it_has_confirmed(tmp_path):
    async with ledger_in(tmp_path):
        pass
    database = Database(url(tmp_path))
    async with database.writing() as tx:
        for pragma, value in {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}.items():
            assert (await tx.connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
    await database.aclose()


async def test_a_ledger_of_a_newer_version_is_left_alone(ledger_url):
    async with ledger_in(ledger_url):
        pass
    change(ledger_url, "UPDATE alembic_version SET version_num = '0999'")
    assert "was written by a newer version of Tandem (schema 0999" in await refusal(ledger_url)


async def test_a_database_that_holds_something_else_gets_no_tables(empty_url):
    change(empty_url, "CREATE TABLE alembic_version (version_num TEXT)", "CREATE TABLE users (id INTEGER)")
    assert "is not a ledger: it holds something else" in await refusal(empty_url)
    with pytest.raises(LedgerError, match="is not a ledger"):
        async with Auditor.open(empty_url):
            pass


async def test_a_locked_ledger_is_named_and_works_once_it_is_free(tmp_path):
    async with ledger_in(tmp_path, busy_s=0.2) as ledger:
        request = await filed(ledger)
        other = sqlite3.connect(tmp_path / "tandem.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="is locked by another process"):
            await ledger.decide(request.id, LEAD, "approve")
        assert (await ledger.request(request.id)).decisions == ()
        other.close()
        assert (await ledger.decide(request.id, LEAD, "approve")).ok


async def test_a_read_only_ledger_is_named(tmp_path):
    async with ledger_in(tmp_path) as ledger:
        await filed(ledger)
    ledger = await Ledger.open(f"sqlite+aiosqlite:///file:{tmp_path}/tandem.db?mode=ro&uri=true", step_types=())
    with pytest.raises(LedgerError, match="is read-only"):
        await ledger.audit("test", LEAD, "orders")
    await ledger.aclose()


async def test_what_cannot_be_a_ledger_is_refused_in_a_sentence(tmp_path):
    assert "its folder has to be there" in await refusal(url(tmp_path / "missing"))
    (tmp_path / "tandem.db").write_text("Minutes of the meeting. " * 100)
    assert "is not a ledger" in await refusal(url(tmp_path))
    assert "has to be a file" in await refusal("sqlite+aiosqlite://")
    assert "SQLite or PostgreSQL" in await refusal("mysql+aiomysql://user:secret@host/db")
    assert "driver" in await refusal("sqlite:///tandem.db")
    assert "write for example" in await refusal("tandem.db")


async def test_a_password_is_never_repeated():
    assert "secret" not in await refusal("mysql+aiomysql://user:secret@host/db")
    assert "secret" not in await refusal("postgresql+nodriver://user:secret@host/db")
    assert "secret" not in await refusal("user:secret@host")
