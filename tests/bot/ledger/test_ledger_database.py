"""What both databases have to do alike: time, turns, one state for who reads, and any text."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from actions.kit.loop import Ending, Outcome
from bot.ledger import LedgerError, Person, RequestState, UnknownRequest
from bot.ledger.database import Database
from sandbox.postgresql import ADMIN, PASSWORD
from tests.bot.ledger.given import LEAD, Set, approved, filed, ledger_in
from tests.bot.ledger.given import change as setting
from tests.databases import change


async def test_times_are_in_utc_whatever_zone_the_server_is_in(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger, minutes=15)
        decided = (await ledger.decide(request.id, LEAD, "approve")).request.approvals[0]
        (first, *_) = await ledger.audit_trail()
    for at in (request.created_at, decided.at, datetime.fromisoformat(first.at)):
        assert at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    assert request.expires_at - request.created_at == timedelta(minutes=15)


async def test_what_waited_for_its_turn_beyond_the_deadline_does_not_count(ledger_url):
    holder = Database(ledger_url)
    async with ledger_in(ledger_url, busy_s=30) as ledger, AsyncExitStack() as stack:
        stack.push_async_callback(holder.aclose)
        request = await filed(ledger, minutes=1 / 60)
        async with holder.writing():
            decision = asyncio.create_task(ledger.decide(request.id, LEAD, "approve"))
            await asyncio.sleep((request.expires_at - datetime.now(UTC)).total_seconds() + 0.2)
            assert not decision.done()
        assert f"{request.id} expired at" in (await decision).why
        assert (await ledger.request(request.id)).decisions == ()


async def test_who_reads_sees_one_state_whatever_is_written_meanwhile(ledger_url):
    database = Database(ledger_url)
    async with ledger_in(ledger_url) as ledger, AsyncExitStack() as stack:
        stack.push_async_callback(database.aclose)
        await filed(ledger)
        async with database.reading() as tx:
            query = "SELECT count(*) FROM requests"
            before = (await tx.connection.exec_driver_sql(query)).scalar()
            await filed(ledger)
            assert (await tx.connection.exec_driver_sql(query)).scalar() == before == 1
        async with database.reading() as tx:
            assert (await tx.connection.exec_driver_sql(query)).scalar() == 2


async def test_what_fails_half_way_leaves_nothing(ledger_url):
    database = Database(ledger_url)
    async with ledger_in(ledger_url) as ledger, AsyncExitStack() as stack:
        stack.push_async_callback(database.aclose)
        request = await filed(ledger)
        with pytest.raises(LedgerError):  # noqa: PT012 -- What is left of the first statement is the point.
            async with database.writing() as tx:
                await tx.connection.exec_driver_sql("UPDATE requests SET state = 'denied'")
                await tx.connection.exec_driver_sql("UPDATE no_such_table SET state = 'denied'")
        assert (await ledger.request(request.id)).state is RequestState.WAITING


async def test_text_that_a_database_does_not_keep_is_replaced_and_stops_nothing(ledger_url):
    odd, kept = "a\0b\ud800c", "a\ufffdb\ufffdc"
    person = Person("U0LEAD\0", odd)
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger)
        decided = await ledger.decide(request.id, person, "deny", odd)
        assert (decided.ok, decided.request.denial.reason, decided.request.denial.person.name) == (True, kept, kept)
        with pytest.raises(UnknownRequest):
            await ledger.request(f"R-{odd}")
        await ledger.audit("test.row", person, odd, text=odd)
        (row,) = await ledger.audit_trail(after=2)
        assert (row.who_name, row.what, json.loads(row.details)["text"]) == (kept, "a\ufffdb\ufffdc", odd)
        assert (await ledger.verify_audit()).problem is None


async def test_a_user_who_may_not_change_tables_is_enough_once_the_owner_has_made_them(postgresql_url):
    change(
        postgresql_url,
        "CREATE ROLE bot LOGIN PASSWORD 'known'",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO bot",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO bot",
        "REVOKE UPDATE, DELETE ON audit FROM bot",
    )
    url = postgresql_url.replace(f"{ADMIN}:{PASSWORD}", "bot:known")
    try:
        async with ledger_in(url) as ledger:
            lease = await ledger.begin((await approved(ledger)).id)
            await ledger.journal(lease).intends(0, Set(setting()))
            await ledger.end(lease, Ending(Outcome.INCOMPLETE))
            await ledger.tokens.issue(LEAD, timedelta(hours=1))
            assert (await ledger.verify_audit()).problem is None
        with pytest.raises(DBAPIError, match="must be owner of table audit"):
            change(url, "ALTER TABLE audit DISABLE TRIGGER ALL")
        with pytest.raises(DBAPIError, match="permission denied for table audit"):
            change(url, "DELETE FROM audit")
    finally:
        change(postgresql_url, "DROP OWNED BY bot", "DROP ROLE bot")
