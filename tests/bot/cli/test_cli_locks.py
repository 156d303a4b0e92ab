"""What `plan` says of a target that the ledger holds frozen, and without a ledger that can be asked."""

from bot.ledger import Ledger, Person
from tests.bot.ledger.given import url


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
