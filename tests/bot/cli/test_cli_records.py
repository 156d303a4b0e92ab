"""`show` and `runs`: what the ledger holds, for people and for programs, and how it stands as an exit code."""

from datetime import timedelta

import pytest

from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.plan import Cost, Plan, Risk
from actions.kit.steps import Demote, Prove
from actions.kit.topology import Address
from bot.ledger import Ask, Ledger, Person

OLD, NEW = Address("10.0.0.1", 6379), Address("10.0.0.2", 6379)
ONCALL, LEAD = Person("U0ONCALL", "oncall\x1b[2J"), Person("U0LEAD", "lead")
PLAN = Plan(
    *("orders", "failover", Risk.DESTRUCTIVE, "Sentinel is in charge.", Cost()),
    steps=(Demote(OLD, NEW), Prove(NEW, (NEW,), "t")),
    seen=("master A",),
)


@pytest.fixture
async def ledger(terminal):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1"]})
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/tandem.db")
    yield ledger
    await ledger.aclose()


async def filed(ledger):
    return await ledger.file(Ask(PLAN, {}, ONCALL, "C0INCIDENT", "slow", 1, timedelta(minutes=15)))


async def run(ledger, ending):
    request = await filed(ledger)
    await ledger.decide(request.id, LEAD, "approve", "go on")
    lease = await ledger.begin(request.id)
    journal = ledger.journal(lease)
    await journal.intends(0, PLAN.steps[0])
    await journal.ended(0, StepState.DONE, "it follows")
    await ledger.end(lease, ending)
    return request


async def test_a_request_that_waits_is_exit_code_4(terminal, ledger):
    request = await filed(ledger)
    shown = await terminal.says(f"show {request.id} --json")

    assert (shown.code, shown.err) == (4, "")
    assert (shown.json["state"], shown.json["run"], shown.json["decisions"]) == ("waiting", None, [])
    assert shown.json["requester"]["id"] == "U0ONCALL"
    assert shown.json["fingerprint"] == PLAN.fingerprint
    assert [step["title"] for step in shown.json["plan"]["steps"]] == [step.title for step in PLAN.steps]

    read = (await terminal.says(f"show {request.id}")).out
    assert all(step.title in read for step in PLAN.steps)
    assert "waits for 1 approval until" in read


async def test_a_denied_request_is_exit_code_3_and_says_by_whom(terminal, ledger):
    request = await filed(ledger)
    await ledger.decide(request.id, LEAD, "deny", "not now")
    shown = await terminal.says(f"show {request.id}")

    assert shown.code == 3
    assert "denied by lead (U0LEAD) at " in shown.out
    assert "not now" in shown.out
    assert "\x1b" not in shown.out


@pytest.mark.parametrize(
    ("ending", "code"), [(Ending(Outcome.DONE), 0), (Ending(Outcome.INCOMPLETE, ("It broke.",)), 1)]
)
async def test_a_run_is_shown_with_its_steps_and_times(terminal, ledger, ending, code):
    request = await run(ledger, ending)
    shown = await terminal.says(f"show {request.id.lower()} --json")

    assert shown.code == code
    assert (shown.json["run"]["state"], shown.json["run"]["failures"]) == (ending.outcome.value, list(ending.failures))
    first = shown.json["run"]["steps"][0]
    assert (first["title"], first["state"], first["note"]) == (PLAN.steps[0].title, "done", "it follows")
    assert first["started_at"].endswith("Z")
    assert first["started_at"] <= first["ended_at"]
    assert PLAN.steps[0].title in (await terminal.says(f"show {request.id}")).out


async def test_the_latest_runs_come_first(terminal, ledger):
    first, second = await run(ledger, Ending(Outcome.DONE)), await filed(ledger)
    listed = await terminal.says("runs --json")

    assert listed.code == 0
    assert [(one["id"], one["state"], one["run_state"]) for one in listed.json["runs"]] == [
        (second.id, "waiting", None),
        (first.id, "ended", "done"),
    ]
    assert len((await terminal.says("runs orders --limit 1 --json")).json["runs"]) == 1
    assert second.id in (await terminal.says("runs")).out


async def test_a_request_that_nobody_made_is_said_to_be_unknown(terminal, ledger):
    await filed(ledger)
    shown = await terminal.says("show R-NONE")

    assert (shown.code, shown.out) == (2, "")
    assert "R-NONE" in shown.err


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)  # A file that is not there is another sentence.
async def test_a_terminal_neither_makes_nor_upgrades_a_ledger(terminal, empty_url):
    """The bot beside it may be older, and would no longer start."""
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1"]})
    terminal.environment["TANDEM_LEDGER_URL"] = empty_url
    ended = await terminal.says("runs")
    assert ended.code == 2
    assert "no ledger" in ended.err
