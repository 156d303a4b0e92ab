"""What a terminal of 80 columns shows of a plan, of requests and of the fleet: nothing that is needed is cut."""

from dataclasses import replace
from datetime import timedelta

from rich.console import Console

from actions.kit.action import Seen
from actions.kit.findings import Confidence, Diagnosis, Evidence, Finding, FindingId, Severity
from actions.kit.topology import Kind, Target
from bot.directory import Human
from bot.ledger.records import Origin, Person, RunState
from bot.ledger.tokens import Token
from bot.render import json_requests, terminal, terminal_requests
from bot.render.blocks_menu import request_shown
from bot.render.blocks_run import progress, transcript
from tests import builders
from tests.bot.render.slack_judges import accepted
from tests.bot.slack_requests import AT, LEAD, asking, plan, request, running, unapproved, withdrawn


def drawn(shown) -> str:
    console = Console(width=80, highlight=False, emoji=False, markup=False)
    with console.capture() as capture:
        console.print(shown)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def test_a_list_of_runs_keeps_id_time_state_and_duration() -> None:
    named = replace(withdrawn(), requester=Person("U0ONCALL", "somebody-with-a-rather-long-name"))
    text = drawn(terminal_requests.requests([running(4, RunState.INCOMPLETE), named]))
    assert text.count("R-7F3K2") == 2
    assert "…" not in text
    for word in ("when (UTC)", "2025-01-01 12:00:00", "incomplete", "withdrawn", "9.0 s"):
        assert word in text, word


def test_what_nobody_had_approved_shows_with_its_review() -> None:
    still, signed = unapproved(), unapproved(signed_by=LEAD)
    void = replace(still, review=None)
    text = drawn(terminal_requests.requests([still, signed, void, running(4, RunState.DONE)]))
    assert text.count("nobody approved it") == 3
    for debt in ("its review is open", "reviewed", "nothing was done"):
        assert f"R-7F3K2: nobody approved it; {debt}" in text
    assert "its review is open: tandem sign R-7F3K2 --note" in drawn(terminal_requests.request(still))
    assert "reviewed by lead (U0LEAD)" in drawn(terminal_requests.request(signed))


def test_each_command_of_a_plan_stands_whole_below_its_title() -> None:
    made = plan()
    lines = drawn(terminal_requests.plan(made, 1)).splitlines()
    demote = next(number for number, line in enumerate(lines) if made.steps[2].title in line)
    assert lines[demote + 1].strip().startswith("10.0.0.1:6379> ")


def test_a_request_is_headed_by_how_it_stands() -> None:
    text = drawn(terminal_requests.request(running(4, RunState.INCOMPLETE)))
    assert "failover orders  incomplete" in text
    assert "approved by lead (U0LEAD)" in text
    assert "withdrawn by oncall" in drawn(terminal_requests.request(withdrawn()))
    assert "failover orders  waiting" in drawn(terminal_requests.request(request()))


def test_what_was_found_first_and_was_over_later_is_shown_everywhere_of_a_run_that_is_done() -> None:
    said = "Prove the result: it did not answer. This was over later: “Prove the result again after 30 s” passed."
    made = running(4, RunState.DONE)
    assert made.run is not None
    shown = replace(made, run=replace(made.run, failures=(said,)))
    text = " ".join(drawn(terminal_requests.request(shown)).split())
    assert "failover orders done" in text
    assert f"- {said}" in text
    assert json_requests.request_json(shown)["run"]["state"] == "done"
    assert json_requests.request_json(shown)["run"]["failures"] == [said]
    page = accepted(progress(shown, shown.run, "production"))
    assert "failover orders: done and proven" in page
    assert f":warning: {said}" in page
    assert said in accepted(request_shown(shown))
    assert said in "".join(accepted(one) for one in transcript(shown, shown.run).thread)


def test_what_a_step_has_seen_stands_whole_below_it_also_where_it_is_longer_than_a_line() -> None:
    path, digest = (
        "/var/lib/tandem/rescue/orders/" + "orders-repair-127.144.225.101-6379-" * 3 + "Z.rdb",
        "478bf69f" * 8,
    )
    made = running(4)
    assert made.run is not None
    steps = (replace(made.run.steps[0], note=f"all 7,955 keys are in {path}, sha256 {digest}"), *made.run.steps[1:])
    lines = drawn(terminal_requests.request(replace(made, run=replace(made.run, steps=steps)))).splitlines()
    first = next(number for number, line in enumerate(lines) if steps[0].title in line)
    assert "…" not in "".join(lines)
    assert path in "".join(line.strip() for line in lines[first + 1 : first + 6])
    assert digest in "".join(line.strip() for line in lines[first + 1 : first + 6])


def test_a_run_that_asks_says_what_was_seen_and_what_each_answer_does() -> None:
    text = drawn(terminal_requests.request(asking(moved=True)))
    assert "failover orders  asking" in text
    assert "It asks what to do. It hangs." in text
    assert "- tandem resume R-7F3K2: go on to the end with the steps that are left (an" in text
    assert "rollback" not in text
    assert "- tandem rollback R-7F3K2: " in drawn(terminal_requests.request(asking()))
    told = json_requests.request_json(asking())["run"]["question"]
    assert (told["seen"], [one["answer"] for one in told["answers"]]) == (
        ["It hangs."],
        ["resume", "roll-back", "abandon"],
    )


def test_the_fleet_breaks_no_address() -> None:
    finding = Finding(FindingId.HEALTHY, Severity.OK, Confidence.CERTAIN, "127.144.225.102:6379 is the master.")
    target = Target(name="orders", kind=Kind.SENTINEL, environment="production")
    text = drawn(terminal.fleet([(target, Seen(builders.healthy(), Diagnosis((finding,), None)))]))
    assert "127.144.225.102:6379 is the master." in text


def test_a_diagnosis_says_the_verdict_once() -> None:
    two = Finding(FindingId.SPLIT_BRAIN, Severity.CRITICAL, Confidence.LIKELY, "Two.", evidence=(Evidence("A", "x"),))
    down = replace(two, id=FindingId.REPLICA_DOWN, summary="Down.")
    text = drawn(terminal.diagnosis(Seen(builders.healthy(), Diagnosis((two, down), None))))
    assert text.count("Two.") == 1
    assert "Two. (critical, likely)" in text
    assert text.count("Down.") == 1
    assert text.count("A: x") == 2


def test_who_asks_sees_the_plan_the_id_and_who_can_approve_it() -> None:
    people = (Human("U0LEAD", "lead\x1b[2J"), Human("U0SECOND", "second"))
    text = " ".join(drawn(terminal_requests.filed(request(), people)).split())
    assert "failover orders destructive" in text
    assert "R-7F3K2 waits until 2025-01-01 12:15:00 UTC for 1 approval: by lead\\x1b[2J (U0LEAD) or second" in text
    assert "in Slack or with tandem approve R-7F3K2" in text


def test_an_approver_sees_who_asked_from_where_and_the_whole_plan() -> None:
    asked = replace(request(), requester=Person("U0ONCALL", "oncall", Origin.TERMINAL))
    text = drawn(terminal_requests.to_approve(asked))
    assert "asked for by oncall (U0ONCALL) in a terminal at 2025-01-01 12:00:00 UTC" in text
    for step in asked.plan.steps:
        assert step.title in text
    assert asked.plan.fingerprint in text


def test_a_step_that_runs_says_for_how_long() -> None:
    text = drawn(terminal_requests.request(running(2), now=AT + timedelta(seconds=72)))
    assert "1 min 10 s" in text


def test_tokens_are_listed_without_what_is_secret() -> None:
    token = Token("T-7F3K2", Person("U0ONCALL", "oncall"), AT, AT + timedelta(hours=12))
    text = drawn(terminal_requests.tokens([token]))
    for word in ("T-7F3K2", "never", "2025-01-02 00:00:00 UTC"):
        assert word in text
