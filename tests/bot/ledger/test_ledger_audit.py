from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from bot.ledger import AuditCheck, Auditor
from bot.ledger.chain import verify_rows
from tests.bot.ledger.given import LEAD, filed, ledger_in
from tests.databases import DATABASES, change, rows

_SWAP = """
    UPDATE audit SET number = -1 WHERE number = 2;
    UPDATE audit SET number = 2 WHERE number = 3;
    UPDATE audit SET number = 3 WHERE number = -1
"""
TAMPERING = {
    "changed": ("UPDATE audit SET details = '{\"counts\":true}' WHERE number = 3", "Row 3 of the audit was changed"),
    "attributed": ("UPDATE audit SET who_id = 'U0OTHER' WHERE number = 2", "Row 2 of the audit was changed"),
    "removed": (
        "DELETE FROM audit WHERE number = 4",
        "Row 4 of the audit is missing or was moved: row 5 comes after row 3",
    ),
    "end removed": ("DELETE FROM audit WHERE number = 6", "ends with row 5, but row 6 was the last one"),
    "beginning removed": ("DELETE FROM audit WHERE number = 1", "Row 1 of the audit is missing"),
    "reordered": (_SWAP, "Row 2 of the audit was changed"),
    "another hash": (f"UPDATE audit SET previous = '{'0' * 64}' WHERE number = 4", "Row 4 of the audit was changed"),
    "no text": ("UPDATE audit SET details = x'00' WHERE number = 3", "Row 3 of the audit is not as Tandem writes one"),
    "not UTF-8": ("UPDATE audit SET details = CAST(x'ff' AS TEXT) WHERE number = 3", "Row 3 of the audit was changed"),
    "repeated": (
        (
            "INSERT INTO audit SELECT -1, at, kind, who_id, who_name, what, details, previous, hash FROM audit "
            "WHERE number = 2"
        ),
        "Row -1 of the audit was repeated or moved: it comes after row 0",
    ),
    "added": (
        (
            "INSERT INTO audit SELECT 7, at, kind, who_id, who_name, what, details, previous, hash FROM audit "
            "WHERE number = 2"
        ),
        "Row 7 of the audit was changed",
    ),
    "end removed with the note of it": (
        (
            "DELETE FROM audit WHERE number = 6; "
            "UPDATE audit_head SET number = 5, hash = (SELECT hash FROM audit WHERE number = 5)"
        ),
        None,
    ),
    "note of the end removed": ("DELETE FROM audit_head", "ends with row 6, but nothing says any more"),
    "note of the end put back": (
        "UPDATE audit_head SET number = 5, hash = (SELECT hash FROM audit WHERE number = 5)",
        "ends with row 6, but row 5 was the last one that Tandem wrote",
    ),
    "all removed": ("DELETE FROM audit", "ends with row 0, but row 6 was the last one"),
}


_TRIGGERS = {
    "sqlite": ("DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete"),
    "postgresql": ("ALTER TABLE audit DISABLE TRIGGER ALL",),
}
ONLY_ON_SQLITE = {"no text", "not UTF-8"}
EVERY_WAY = [(kind, how) for kind in DATABASES for how in TAMPERING if kind == "sqlite" or how not in ONLY_ON_SQLITE]


def tamper(ledger_url, statements):
    change(ledger_url, *_TRIGGERS[ledger_url.partition("+")[0]], *statements.split(";"))


async def written(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger)
        for number in range(5):
            await ledger.audit("test.row", LEAD, request.id, number=number, text="é\n\"'")
        assert (await ledger.verify_audit()).rows == 6
        return await ledger.audit_trail()


@pytest.mark.parametrize("statement", ["UPDATE audit SET kind = 'x'", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_or_remove_a_row(ledger_url, statement):
    await written(ledger_url)
    with pytest.raises(DBAPIError, match="append-only"):
        change(ledger_url, statement)
    assert rows(ledger_url, "SELECT count(*) FROM audit") == [(6,)]


async def test_postgresql_refuses_to_empty_the_audit_at_once(postgresql_url):
    await written(postgresql_url)
    with pytest.raises(DBAPIError, match="append-only"):
        change(postgresql_url, "TRUNCATE audit")


@pytest.mark.parametrize(("ledger_url", "how"), EVERY_WAY, indirect=["ledger_url"])
async def test_whoever_gets_round_the_triggers_is_found_out_and_the_row_named(ledger_url, how):
    trail = await written(ledger_url)
    statement, problem = TAMPERING[how]
    tamper(ledger_url, statement)
    async with Auditor.open(ledger_url) as auditor:
        found, compared_with_note = await auditor.verify(), await auditor.verify(trail[-1].hash)
    if problem is None:
        assert (found.problem, found.rows) == (None, 5)
        assert "has the hash that was noted" in compared_with_note.problem
    else:
        assert problem in found.problem == compared_with_note.problem
    async with ledger_in(ledger_url) as ledger:
        assert await ledger.verify_audit() == found


async def test_a_row_is_found_wherever_the_pages_end(ledger_url, monkeypatch):
    monkeypatch.setattr("bot.ledger.audit._PAGE", 2)
    trail = await written(ledger_url)
    async with Auditor.open(ledger_url) as auditor:
        assert await auditor.verify(trail[2].hash) == AuditCheck(6, trail[-1].hash, None, 3)
    for number in (5, 4):
        tamper(ledger_url, f"DELETE FROM audit WHERE number = {number}")
        async with Auditor.open(ledger_url) as auditor:
            found = await auditor.verify()
        assert (found.rows, found.hash) == (number - 1, trail[number - 2].hash)
        assert f"Row {number} of the audit is missing" in found.problem


async def test_the_first_row_is_named_and_not_what_follows_it_on_later_pages(ledger_url, monkeypatch):
    monkeypatch.setattr("bot.ledger.audit._PAGE", 2)
    await written(ledger_url)
    tamper(ledger_url, "UPDATE audit SET kind = 'x' WHERE number = 3")
    async with Auditor.open(ledger_url) as auditor:
        assert "Row 3 of the audit was changed" in (await auditor.verify()).problem


async def test_a_hash_that_was_noted_before_the_first_row_is_found(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        noted = (await ledger.verify_audit()).hash
        await ledger.audit("test.row", LEAD, "orders")
    async with Auditor.open(ledger_url) as auditor:
        assert (await auditor.verify(noted)).noted_at == 0


async def test_a_row_that_was_rewritten_with_its_hash_breaks_the_chain_behind_it(ledger_url):
    trail = list(await written(ledger_url))
    assert verify_rows(trail).problem is None
    forged = replace(trail[2], details="{}")
    trail[2] = replace(forged, hash=forged.digest())
    assert "Row 4 of the audit does not follow row 3" in verify_rows(trail).problem
