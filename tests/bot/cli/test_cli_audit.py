"""`audit`: the ledger and an export of it verified, tampered with, exported, and told as a time line."""

import asyncio
import json
import sqlite3
import sys
from datetime import timedelta

import pytest

from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.plan import Cost, Plan, Risk
from actions.kit.steps import Demote, Prove
from actions.kit.topology import Address
from bot.ledger import Ask, Ledger, Person
from tests.bot.cli.conftest import TANDEM

OLD, NEW = Address("10.0.0.1", 6379), Address("10.0.0.2", 6379)
ONCALL, LEAD = Person("U0ONCALL", "on|call\x1b[2J"), Person("U0LEAD", "lead")
PLAN = Plan(
    *("orders", "failover", Risk.DESTRUCTIVE, "Sentinel is in charge.", Cost()),
    steps=(Demote(OLD, NEW), Prove(NEW, (NEW,), "t")),
    seen=("master A",),
)


@pytest.fixture
async def ledger(terminal):
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/tandem.db")
    yield ledger
    await ledger.aclose()


async def run(ledger):
    """A request that was asked for, approved and done: seven rows, the fourth after a refusal for its target."""
    request = await ledger.file(Ask(PLAN, {}, ONCALL, "C0INCIDENT", "slow <!channel>", 1, timedelta(minutes=15)))
    await ledger.decide(request.id, ONCALL, "approve")
    await ledger.decide(request.id, LEAD, "approve", "go on")
    await ledger.audit("request.refused", LEAD, "orders", action="failover", reasons=["orders is busy."])
    lease = await ledger.begin(request.id)
    journal = ledger.journal(lease)
    await journal.intends(0, PLAN.steps[0])
    await journal.ended(0, StepState.DONE, "it follows")
    await ledger.end(lease, Ending(Outcome.DONE))
    return request


def tamper(terminal, statement):
    connection = sqlite3.connect(terminal.directory / "tandem.db")
    connection.executescript(f"DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; {statement};")
    connection.close()


async def test_the_audit_in_order_tells_its_rows_and_its_last_hash_to_compare(terminal, ledger):
    await run(ledger)
    first = await terminal.types("audit verify --json")
    assert (first.code, first.err) == (0, "")
    assert (first.json["ok"], first.json["rows"], first.json["problem"]) == (True, 8, None)
    assert first.json["source"].endswith("tandem.db")

    await ledger.audit("test.row", LEAD, "orders")
    second = await terminal.types(f"audit verify --expect {first.json['hash'].upper()}")
    assert second.code == 0
    assert "The audit is in order: 9 rows." in second.out
    assert "The hash that was noted is that of row 8; 1 row was added since." in second.out
    assert "Rows cut off at the end show only where this hash is noted elsewhere and compared" in second.out


async def test_what_was_changed_is_named_in_the_ledger_and_in_its_export(terminal, ledger):
    await run(ledger)
    tamper(terminal, "UPDATE audit SET who_id = 'U0OTHER' WHERE number = 3")
    found = await terminal.types("audit verify")
    exported = await terminal.types("audit export --out audit.jsonl")
    again = await terminal.types("audit verify audit.jsonl --json")

    assert found.code == exported.code == again.code == 1
    assert found.out.startswith(
        "Row 3 of the audit was changed: its hash is not that of its text.\n2 rows are in order"
    )
    assert "exported as it is, but it is not in order. Row 3 of the audit was changed" in exported.err
    assert (again.json["ok"], again.json["rows"], again.json["problem"][:5]) == (False, 2, "Row 3")


async def test_a_cut_off_end_is_found_by_the_hash_that_was_noted(terminal, ledger):
    await run(ledger)
    noted = (await terminal.types("audit verify --json")).json["hash"]
    assert (await terminal.types("audit export --out audit.jsonl")).code == 0
    export = terminal.directory / "audit.jsonl"
    export.write_bytes(b"".join(export.read_bytes().splitlines(keepends=True)[:-1]))

    assert (await terminal.types("audit verify audit.jsonl")).code == 0
    ended = await terminal.types(f"audit verify audit.jsonl --expect {noted}")
    assert ended.code == 1
    assert f"No row of the audit has the hash that was noted, {noted}" in ended.out.replace("\n", " ")


async def test_an_export_is_json_lines_and_is_never_overwritten(terminal, ledger):
    await run(ledger)
    exported = await terminal.types("audit export")
    rows = [json.loads(line) for line in exported.out.splitlines()]
    assert [row["number"] for row in rows] == list(range(1, 9))
    assert f"8 rows exported; the last hash is {rows[-1]['hash']}." in exported.err
    assert "\x1b" not in exported.out

    assert (await terminal.types("audit export --out audit.jsonl")).out == ""
    assert (terminal.directory / "audit.jsonl").read_text() == exported.out
    (terminal.directory / "audit.jsonl").write_text("mine")
    again = await terminal.types("audit export --out audit.jsonl")
    assert (again.code, (terminal.directory / "audit.jsonl").read_text()) == (2, "mine")
    assert "'audit.jsonl' is there already, and is not overwritten" in again.err


async def test_an_export_that_cannot_be_finished_leaves_no_file(terminal, ledger):
    await run(ledger)
    tamper(terminal, "UPDATE audit SET details = x'00' WHERE number = 3")
    ended = await terminal.types("audit export --out audit.jsonl")
    assert ended.code == 2
    assert "The audit cannot be exported. Row 3 of the audit is not as Tandem writes one" in ended.err
    assert not (terminal.directory / "audit.jsonl").exists()


async def test_a_disk_that_is_full_is_said_to_be_and_no_shorter_audit_is_left(terminal, ledger):
    await run(ledger)
    limited = (
        "import resource, signal, sys; from bot.cli import main; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); main()"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", limited, "audit", "export", "--out", "audit.jsonl"),
        cwd=terminal.directory,
        env=terminal.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (1, "'audit.jsonl' cannot be written: file too large.\n")
    assert not (terminal.directory / "audit.jsonl").exists()


async def test_a_reader_that_has_seen_enough_ends_the_export_without_a_word(terminal, ledger):
    for number in range(300):
        await ledger.audit("test.row", LEAD, "orders", note="x" * 1000, number=number)
    process = await asyncio.create_subprocess_exec(
        *(*TANDEM, "audit", "export"),
        cwd=terminal.directory,
        env=terminal.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert (await process.stdout.readline()).startswith(b'{"at":')
    process._transport.get_pipe_transport(1).close()
    assert (await process.stderr.read(), await process.wait()) == (b"", 1)


async def test_the_time_line_tells_the_request_and_what_happened_to_its_target_meanwhile(terminal, ledger):
    request = await run(ledger)
    await ledger.audit("request.refused", LEAD, "orders", action="failover", reasons=["Later."])
    told = await terminal.types(f"audit timeline {request.id.removeprefix('R-').lower()}")

    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"# {request.id}: failover orders\n\nOutcome: The run ended: done.\n")
    assert "on\\|call\\\\x1b\\[2J (U0ONCALL) | asked for failover orders;" in told.out
    assert "with the reason: slow \\<\\!channel\\>." in told.out
    for part in ("a second person has to decide", "approved it, with", "orders is busy.", "Seen: it follows"):
        assert part in told.out
    assert "Later." not in told.out
    assert "From rows 1 to 8 of the audit, which is in order: 9 rows" in told.out

    for_programs = await terminal.types(f"audit timeline {request.id} --json")
    assert for_programs.json["request"] == request.id
    assert [one["number"] for one in for_programs.json["entries"]] == list(range(1, 9))


async def test_a_time_line_from_an_audit_that_was_changed_says_so(terminal, ledger):
    request = await run(ledger)
    tamper(terminal, "UPDATE audit SET details = '{' WHERE number IN (1, 7)")
    told = await terminal.types(f"audit timeline {request.id}")
    assert told.code == 1
    assert "> **The audit is not in order:** Row 1 of the audit was changed" in told.out


NO_LEDGER = "There is no ledger at tandem.db; run this where the bot runs, or set TANDEM_LEDGER_URL"


@pytest.mark.parametrize("line", ["audit verify", "audit export", "audit export --out x.jsonl", "audit timeline R-1"])
async def test_no_ledger_is_said_and_none_is_made(terminal, line):
    before = sorted(path.name for path in terminal.directory.iterdir())
    for make in (None, lambda path: path.touch()):
        if make:
            make(terminal.directory / "tandem.db")
            before = [*before, "tandem.db"]
        ended = await terminal.types(line)
        assert (ended.code, ended.out) == (2, "")
        assert NO_LEDGER in ended.err
        assert sorted(path.name for path in terminal.directory.iterdir()) == before


async def test_another_database_is_left_as_it_is(terminal):
    path = terminal.directory / "tandem.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.commit()
    ended = await terminal.types("audit verify")
    assert (ended.code, "is not a ledger: it holds something else" in ended.err) == (2, True)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("alembic_version",)]
    connection.close()

    path.write_text("not a database " * 100)
    ended = await terminal.types("audit verify")
    assert (ended.code, "is not a ledger: the file holds something else" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("audit verify none.jsonl", "'none.jsonl' cannot be read: no such file or directory."),
        ("audit verify .", "'.' cannot be read: is a directory."),
        ("audit verify tandem.db", "'tandem.db' is no export of the audit: its first line is not a row."),
        ("audit verify --expect beef", "'beef' is no hash of the audit: that is 64 hexadecimal digits."),
        ("audit export --out no/such.jsonl", "'no/such.jsonl' cannot be made: no such file or directory."),
        ("audit timeline R-NONE", "There is no request 'R-NONE'; see what there is with /redis runs, or tandem runs."),
        ("audit verfy", "No such command 'verfy'."),
    ],
)
async def test_a_mistake_is_one_sentence(terminal, ledger, line, sentence):
    ended = await terminal.types(line)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


async def test_no_words_show_what_there_is(terminal):
    ended = await terminal.types("audit")
    assert (ended.code, ended.err) == (0, "")
    for command in ("verify", "export", "timeline"):
        assert f" {command} " in ended.out
