import asyncio
import sys
from contextlib import AsyncExitStack

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.ledger import Auditor, LedgerError, schema
from bot.ledger.database import Database
from bot.ledger.tables import metadata
from tests.bot.ledger.given import filed, ledger_in, refusal, url
from tests.databases import change, rows

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
    expected = {
        "sqlite": [("audit_no_delete",), ("audit_no_update",)],
        "postgresql": [("audit_append_only",), ("audit_no_delete",)],
    }
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
