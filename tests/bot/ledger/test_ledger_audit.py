import sqlite3
from dataclasses import replace

import pytest

from bot.ledger.audit import verify_rows
from tests.bot.ledger.given import LEAD, filed, ledger_in

_SWAP = """
    UPDATE audit SET number = -1 WHERE number = 2;
    UPDATE audit SET number = 2 WHERE number = 3;
    UPDATE audit SET number = 3 WHERE number = -1
"""
TAMPERING = {
    "changed": ("UPDATE audit SET details = '{\"counts\":true}' WHERE number = 3", "Row 3 of the audit was changed"),
    "attributed": ("UPDATE audit SET who_id = 'U0OTHER' WHERE number = 2", "Row 2 of the audit was changed"),
    "removed": ("DELETE FROM audit WHERE number = 4", "Row 4 of the audit is missing: row 5 comes after row 3"),
    "end removed": ("DELETE FROM audit WHERE number = 6", "ends with row 5, but row 6 was the last one"),
    "beginning removed": ("DELETE FROM audit WHERE number = 1", "Row 1 of the audit is missing"),
    "reordered": (_SWAP, "Row 2 of the audit was changed"),
    "all removed": ("DELETE FROM audit", "ends with row 0, but row 6 was the last one"),
}


async def written(folder):
    async with ledger_in(folder) as ledger:
        request = await filed(ledger)
        for number in range(5):
            await ledger.audit("test.row", LEAD, request.id, number=number, text="é\n\"'")
        assert (await ledger.verify_audit()).rows == 6
        return await ledger.audit_trail()


@pytest.mark.parametrize("statement", ["UPDATE audit SET kind = 'x'", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_or_remove_a_row(tmp_path, statement):
    await written(tmp_path)
    connection = sqlite3.connect(tmp_path / "tandem.db")
    try:
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            connection.execute(statement)
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (6,)
    finally:
        connection.close()


@pytest.mark.parametrize("how", TAMPERING)
async def test_whoever_gets_round_the_triggers_is_found_out_and_the_row_named(tmp_path, how):
    await written(tmp_path)
    statement, problem = TAMPERING[how]
    connection = sqlite3.connect(tmp_path / "tandem.db")
    connection.executescript(f"DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; {statement};")
    connection.close()
    async with ledger_in(tmp_path) as ledger:
        assert problem in (await ledger.verify_audit()).problem


async def test_a_row_that_was_rewritten_with_its_hash_breaks_the_chain_behind_it(tmp_path):
    rows = list(await written(tmp_path))
    assert verify_rows(rows).problem is None
    forged = replace(rows[2], details="{}")
    rows[2] = replace(forged, hash=forged.digest())
    assert "Row 4 of the audit does not follow row 3" in verify_rows(rows).problem
