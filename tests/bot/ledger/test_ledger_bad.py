"""A ledger that cannot be used: one clear sentence, nothing written, no password in it, and it works again after."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack

import psutil
import pytest
from sqlalchemy import event

from bot.ledger import LedgerError
from bot.ledger.database import Database
from sandbox.postgresql import PASSWORD, PORT
from tests.bot.ledger.given import LEAD, approved, filed, ledger_in, refusal, url
from tests.databases import change, rows


async def failure(asked):
    with pytest.raises(LedgerError) as caught:
        await asked
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


async def test_a_locked_ledger_is_named_and_works_once_it_is_free(ledger_url):
    holder = Database(ledger_url)
    async with ledger_in(ledger_url, busy_s=0.2) as ledger, AsyncExitStack() as stack:
        stack.push_async_callback(holder.aclose)
        request = await filed(ledger)
        async with holder.writing():
            why = await failure(ledger.decide(request.id, LEAD, "approve"))
            assert "is locked by another process" in why
            assert (await ledger.request(request.id)).decisions == ()
        assert (await ledger.decide(request.id, LEAD, "approve")).ok


async def test_a_disk_that_is_full_is_named_and_leaves_nothing_half_written(tmp_path):
    async with ledger_in(tmp_path) as ledger:
        await ledger.aclose()  # Its next connection may not make the file any longer than it is.
        event.listen(
            ledger._database._writing.sync_engine,
            "connect",
            lambda connection, _: connection.cursor().execute("PRAGMA max_page_count = 1"),
        )
        why = await failure(ledger.audit("test.row", LEAD, "orders", text="x" * 100_000))
        assert "cannot grow: the disk is full. Nothing was written" in why
        assert (await ledger.verify_audit()).problem is None
        await ledger.aclose()
    async with ledger_in(tmp_path) as ledger:
        assert (await approved(ledger)).approvals


async def test_a_read_only_file_is_named(tmp_path):
    async with ledger_in(tmp_path) as ledger:
        await filed(ledger)
    async with ledger_in(f"sqlite+aiosqlite:///file:{tmp_path}/tandem.db?mode=ro&uri=true") as ledger:
        assert "is read-only" in await failure(ledger.audit("test", LEAD, "orders"))
        assert len(await ledger.runs()) == 1


@pytest.mark.parametrize("instead", [None, "another"])
async def test_a_file_that_is_gone_is_named_and_nothing_is_written_in_its_place(tmp_path, instead):
    path, aside = tmp_path / "tandem.db", tmp_path / "aside.db"
    async with ledger_in(tmp_path) as ledger:
        request = await filed(ledger)
        path.rename(aside)
        if instead:
            path.write_bytes(b"")
        for asked in (ledger.decide(request.id, LEAD, "approve"), ledger.runs()):
            assert "was removed or replaced while Tandem had it open" in await failure(asked)
        assert path.exists() == bool(instead)
        aside.rename(path)
        assert (await ledger.decide(request.id, LEAD, "approve")).ok


async def test_what_cannot_be_a_ledger_is_refused_in_a_sentence(tmp_path):
    assert "its folder has to be there" in await refusal(url(tmp_path / "missing"))
    (tmp_path / "tandem.db").write_text("Minutes of the meeting. " * 100)
    assert "is not a ledger" in await refusal(url(tmp_path))
    assert "has to be a file" in await refusal("sqlite+aiosqlite://")
    assert "SQLite or PostgreSQL" in await refusal("mysql+aiomysql://user:secret@host/db")
    assert "driver" in await refusal("sqlite:///tandem.db")
    assert "write for example" in await refusal("tandem.db")


@pytest.mark.parametrize(
    "address",
    [
        "mysql+aiomysql://user:secret@host/db",
        "postgresql+nodriver://user:secret@host/db",
        "user:secret@host",
        "postgresql+psycopg://user:secret@host:port/db",
        "postgresql+psycopg://user:top@secret@127.0.0.1:1/db",
        "postgresql+psycopg://127.0.0.1:1/db?user=user&password=secret",
        "postgresql+psycopg://user:secret@127.0.0.1:1/db?no_such_option=secret",
    ],
)
async def test_a_password_is_never_repeated(address):
    why = await refusal(address)
    assert "secret" not in why
    assert why.startswith(("The ledger", "TANDEM_LEDGER_URL is no database's URL;"))
    assert why.endswith(".")


async def test_a_postgresql_that_lets_nobody_in_says_why(postgresql_url):
    def with_(old, new):
        assert old in postgresql_url
        return refusal(postgresql_url.replace(old, new))

    database = postgresql_url.rpartition("/")[2]
    assert "does not take this user with this password" in await with_(PASSWORD, "no-password")
    assert "does not take this user with this password" in await with_("//tandem:", "//nobody:")
    assert "asks for a password" in await with_(f":{PASSWORD}@", "@")
    assert "is not there. Create the database first" in await with_(f"/{database}", "/missing")
    assert "nothing listens there. Start PostgreSQL" in await with_(f":{PORT}/", ":1/")
    assert "the name of its host is not known" in await with_("@127", "@no-such-host.invalid/127")


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
async def test_a_user_without_rights_is_told_which_it_needs(empty_url):
    change(empty_url, "CREATE ROLE weak LOGIN PASSWORD 'weak'")
    why = await refusal(empty_url.replace(f"tandem:{PASSWORD}", "weak:weak"))
    assert "refuses this user: it has to own the tables and have CREATE on their schema" in why
    assert rows(empty_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    change(empty_url, "DROP ROLE weak")


async def test_a_read_only_postgresql_is_named_and_still_read(postgresql_url):
    async with ledger_in(postgresql_url) as ledger:
        request = await filed(ledger)
    database = postgresql_url.rpartition("/")[2]
    change(postgresql_url, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    async with ledger_in(postgresql_url) as ledger:
        assert "is read-only: it is a standby" in await failure(ledger.decide(request.id, LEAD, "approve"))
        assert (await ledger.request(request.id)).decisions == ()


@pytest.mark.parametrize(("state", "sentence"), [("53100", "cannot grow: the disk is full"), ("XX000", "failed: boom")])
async def test_what_postgresql_says_is_told_in_one_sentence(postgresql_url, state, sentence):
    async with ledger_in(postgresql_url) as ledger:
        change(
            postgresql_url,
            f"CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'boom' "
            f"USING ERRCODE = '{state}', DETAIL = 'It was {PASSWORD}'; END $$",
            "CREATE TRIGGER boom BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION boom()",
        )
        assert sentence in await failure(filed(ledger))
        assert await ledger.runs() == ()


async def test_a_connection_that_is_ended_in_a_transaction_leaves_nothing_and_the_next_one_works(postgresql_url):
    database = Database(postgresql_url)
    async with ledger_in(postgresql_url) as ledger, AsyncExitStack() as stack:
        stack.push_async_callback(database.aclose)
        with pytest.raises(LedgerError, match="stopped answering"):  # noqa: PT012 -- It is ended in the middle.
            async with database.writing() as tx:
                await tx.connection.exec_driver_sql("UPDATE audit_head SET number = 99")
                pid = (await tx.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar()
                change(postgresql_url, f"SELECT pg_terminate_backend({pid})")
                await tx.connection.exec_driver_sql("UPDATE audit_head SET number = 100")
        async with database.writing():
            assert rows(postgresql_url, "SELECT number FROM audit_head") == [(0,)]
        assert (await approved(ledger)).approvals


async def test_a_server_that_was_stopped_and_started_is_used_again(own_postgresql):
    own_postgresql.execute("CREATE DATABASE ledger")
    async with ledger_in(own_postgresql.url("ledger")) as ledger:
        request = await filed(ledger)
        await asyncio.gather(*(ledger.runs() for _ in range(4)))  # Several connections are left in the pool.
        own_postgresql.stop()
        for asked in (ledger.decide(request.id, LEAD, "approve"), ledger.runs(), ledger.verify_audit()):
            assert "cannot be reached: nothing listens there" in await failure(asked)
        own_postgresql.start()
        answers = await asyncio.gather(*(ledger.decide(request.id, LEAD, "approve") for _ in range(4)))
        assert sum(answer.ok for answer in answers) == 1
        assert (await ledger.verify_audit()).problem is None


async def test_a_server_that_hangs_keeps_nobody_waiting_for_ever(own_postgresql, monkeypatch):
    own_postgresql.execute("CREATE DATABASE ledger")
    async with ledger_in(own_postgresql.url("ledger")) as ledger:
        request = await filed(ledger)
        monkeypatch.setattr(ledger._database, "_limit_s", 1.0)
        server = psutil.Process(own_postgresql.pid)
        hung = [server, *server.children()]
        for process in hung:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(60):
                asked = (ledger.decide(request.id, LEAD, "approve"), ledger.runs())
                for why in await asyncio.gather(*map(failure, asked)):
                    assert "stopped answering" in why
        finally:
            for process in hung:
                os.kill(process.pid, signal.SIGCONT)
        monkeypatch.undo()
        assert (await ledger.decide(request.id, LEAD, "approve")).request.approvals
