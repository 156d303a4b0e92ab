"""`ledger upgrade` and `ledger prune`: on both databases, as an operator types them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config

from bot.ledger.schema import REVISIONS
from tests.bot.cli.test_cli_deciding import typing
from tests.bot.ledger.given import LEAD, Clock, filed, ledger_in
from tests.databases import change, connected, rows

ON_SQLITE = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
"""Where the words are what is tested, and not the database."""


@pytest.fixture
def at(terminal, ledger_url):
    """The terminal, on a ledger of either kind."""
    terminal.environment |= {"TANDEM_LEDGER_URL": ledger_url, "USER": "operator", "LOGNAME": "operator"}
    return terminal


async def with_a_past(ledger_url):
    """A request that was denied two years ago, and one that waits: three rows and one."""
    clock = Clock()
    clock.now = datetime.now(UTC) - timedelta(days=700)
    async with ledger_in(ledger_url, clock=clock) as ledger:
        old = await filed(ledger)
        await ledger.decide(old.id, LEAD, "deny", "no")
        await ledger.audit("test.row", LEAD, "orders")
        clock.now = datetime.now(UTC)
        return old, await filed(ledger)


async def test_upgrade_makes_a_ledger_and_says_from_what_to_what_it_went(terminal, empty_url):
    terminal.environment["TANDEM_LEDGER_URL"] = empty_url
    config = Config()
    config.set_main_option("script_location", "bot/ledger/migrations")
    with connected(empty_url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    change(
        empty_url,
        "INSERT INTO requests (id, target, action, options, requester_id, requester_name, reason, plan, "
        "approvals_needed, created_at, expires_at, state) VALUES ('R-OLD22', 'orders', 'tune', '{}', 'U0ONCALL', "
        "'oncall', '', '{}', 1, '2026-01-02 03:04:05+00:00', '2026-01-02 03:19:05+00:00', 'waiting')",
        "INSERT INTO messages (request_id, channel, ts) VALUES ('R-OLD22', 'C0INCIDENT', '1.1')",
    )
    older = await terminal.types("audit verify")
    assert (older.code, "is of an older schema (0001); run tandem ledger upgrade first" in older.err) == (2, True)

    for told in (
        f"was upgraded from schema 0001 to {REVISIONS[-1]}.",
        f"has schema {REVISIONS[-1]} already: nothing to do.",
    ):
        ended = await terminal.types("ledger upgrade")
        assert (ended.code, ended.out) == (0, "")
        assert told in ended.err
        assert "known-to-every-test" not in ended.err
    assert rows(empty_url, "SELECT request_id, ts FROM outbox") == [("R-OLD22", "1.1")]
    assert (await terminal.types("audit verify")).code == 0


async def test_upgrade_of_nothing_makes_a_ledger(terminal):
    ended = await terminal.types("ledger upgrade")
    assert (ended.code, ended.err) == (
        0,
        f"The ledger sqlite+aiosqlite:///tandem.db was made, with schema {REVISIONS[-1]}.\n",
    )
    assert (await terminal.types("audit verify")).code == 0


async def test_prune_writes_what_goes_to_a_file_and_what_is_left_is_in_order(at, ledger_url):
    old, young = await with_a_past(ledger_url)
    ended = await at.types("ledger prune --older-than 400d --export gone.jsonl --yes")
    assert (ended.code, ended.out) == (0, "")
    first, second, third = ended.err.splitlines()
    assert "1 request, 0 tokens, 0 messages, 3 rows of the audit." in first
    assert second.startswith("The rows that go are in 'gone.jsonl'; the last hash there is ")
    assert third == "Removed. The audit begins with row 4 now."

    gone = await at.types("audit verify gone.jsonl --json")
    assert (gone.json["ok"], gone.json["rows"], gone.json["first"]) == (True, 3, 1)
    assert gone.json["hash"] in second
    left = await at.types("audit verify")
    assert "The audit is in order: 2 rows from row 4 on, which follows the hash" in left.out
    assert (await at.types("audit export --out left.jsonl")).code == 0
    continued = await at.types(f"audit verify left.jsonl --after {gone.json['hash']} --json")
    assert (continued.json["ok"], continued.json["first"]) == (True, 4)
    assert (await at.types(f"audit verify left.jsonl --after {'0' * 64}")).code == 1

    told = await at.types(f"audit timeline {young.id}")
    assert "which is in order: 2 rows from row 4 on" in told.out
    unknown = await at.types(f"audit timeline {old.id}")
    assert (unknown.code, unknown.err) == (
        2,
        f"There is no request '{old.id}'; the first 3 rows of the audit were pruned.\n",
    )
    (told,) = rows(ledger_url, "SELECT who_id, details FROM audit WHERE kind = 'audit.pruned'")
    assert (told[0], json.loads(told[1])["by"], json.loads(told[1])["exported"]) == ("tandem", "operator", True)


@ON_SQLITE
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--older-than 400d", "Say either --export FILE"),
        ("--older-than 400d --discard --export x", "Say either --export FILE"),
        ("--older-than 400 --discard --yes", "'400' is no age: write days, such as 400d."),
        ("--older-than 7d --discard --yes", "What is younger than 30 days stays"),
        ("--older-than 400d --discard", "Here nobody can be asked whether to go on: add --yes."),
        ("--older-than 400d --export gone.jsonl --yes", "is there already, and is not overwritten"),
    ],
)
async def test_prune_says_what_is_missing_and_removes_nothing(at, ledger_url, line, sentence):
    await with_a_past(ledger_url)
    (at.directory / "gone.jsonl").write_text("mine")
    ended = await at.types(f"ledger prune {line}")
    assert (ended.code, sentence in ended.err) == (2, True)
    assert rows(ledger_url, "SELECT count(*) FROM audit") == [(4,)]


@ON_SQLITE
@pytest.mark.parametrize(("answer", "left"), [("n\n", 4), ("y\n", 2)])
async def test_prune_tells_what_would_go_and_asks(at, ledger_url, answer, left):
    await with_a_past(ledger_url)
    async with typing(at, "ledger prune --older-than 400d --discard", answer) as (process, shown):
        async with asyncio.timeout(60):
            code = await process.wait()
        said = await shown
    assert "3 rows of the audit" in said
    assert "Remove it for good? [y/N]" in said
    assert (code, rows(ledger_url, "SELECT count(*) FROM audit")) == (0 if left == 2 else 3, [(left,)])


@ON_SQLITE
async def test_there_may_be_nothing_to_prune(at, ledger_url):
    async with ledger_in(ledger_url) as ledger:
        await filed(ledger)
    ended = await at.types("ledger prune --older-than 400d --discard --yes")
    assert (ended.code, "nothing to remove" in ended.err) == (0, True)
    assert rows(ledger_url, "SELECT count(*) FROM audit") == [(1,)]
