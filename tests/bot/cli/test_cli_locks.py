"""What looks and `plan` say of a target that the ledger holds frozen, and without a ledger that can be asked."""

from bot.ledger import Ledger, Person
from tests.bot.ledger.given import url
from tests.databases import change, rows


async def test_a_frozen_target_has_no_plan_and_a_broken_ledger_keeps_nobody_from_planning(terminal):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1"]})
    ledger = await Ledger.open(url(terminal.directory))
    await ledger.freezes.freeze("orders", Person("U0LEAD", "lead"), "release day")
    await ledger.aclose()
    refused = await terminal.types("plan failover orders --json")
    assert refused.code == 3
    assert refused.json["refusal"]["reason"].startswith("orders is frozen by lead since ")
    (terminal.directory / "tandem.db").write_text("no database")
    unknown = await terminal.types("plan failover orders --json")
    assert unknown.code == 3
    assert "frozen by" not in unknown.out
    assert "Whether orders is frozen or busy is not known: The ledger" in unknown.err


async def test_whoever_looks_is_told_below_it_what_is_frozen(terminal):
    orders, sessions = ({"kind": "replication", "nodes": [f"127.0.0.1:{port}"]} for port in (1, 2))
    terminal.targets(orders=orders, sessions=sessions)
    assert "frozen" not in (await terminal.types("status")).out
    ledger = await Ledger.open(url(terminal.directory))
    await ledger.freezes.freeze("orders", Person("U0LEAD", "lead"), "release day")
    await ledger.aclose()

    for line in ("status", "health orders", "diagnose orders"):
        *_, last = (await terminal.types(line)).out.splitlines()
        assert last.startswith("orders is frozen by lead since ")
        assert last.endswith(': release day. An approver can end that with "thaw orders".')
    other = await terminal.types("health sessions")
    assert (other.err, "frozen" in other.out) == ("", False)
    assert "frozen" not in (await terminal.types("health orders --json")).out

    change(url(terminal.directory), "UPDATE alembic_version SET version_num = '0001'")
    assert "is of an older schema (0001)" in (await terminal.types("health orders")).err
    assert rows(url(terminal.directory), "SELECT version_num FROM alembic_version") == [("0001",)]

    (terminal.directory / "tandem.db").write_text("no database")
    unknown = await terminal.types("health orders")
    assert unknown.out.startswith("orders (replication)")
    assert "What is frozen is not known: The ledger" in unknown.err
