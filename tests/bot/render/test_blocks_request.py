"""What a request and a run show in each of their states."""

from dataclasses import replace

import pytest

from actions import failover
from actions.kit.findings import Confidence, Finding, FindingId, Severity
from actions.kit.plan import Plan, Refusal
from actions.kit.promotion import Promote
from actions.kit.settlement import Answer, Question
from bot.ledger.records import Answered, Cancelled, RequestState, RunState, Verdict
from bot.policy import Eligibility
from bot.render import terminal_requests
from bot.render.blocks import Screen
from bot.render.blocks_request import card, command_line, decided_card, drifted, outcome, refused
from bot.render.blocks_run import progress, transcript
from tests import clusters
from tests.bot.render.slack_judges import accepted
from tests.bot.render.test_blocks_findings import assert_harmless
from tests.bot.render.test_terminal_requests import drawn
from tests.bot.slack_requests import LEAD, NASTY, approved, asking, decision, plan, request, running, withdrawn
from tests.builders import node_at

CROWD = Eligibility(3, ("U0LEAD", "U0SECOND"))
REPEATED = 'failover orders --to 10.0.0.3:6379 --reason "It is late."'


def test_the_card_shows_everything_that_an_approver_needs() -> None:
    page = accepted(card(request(), "production", CROWD))
    for text in (
        "failover orders: destructive",
        "production",
        "<@U0ONCALL>",
        "10.0.0.2:6379",
        "an unknown number of bytes, 2 keys",
        "1.5 s",
        "<!date^1735733700^",
        "CLIENT PAUSE 1500 WRITE",
        "*What it costs besides*\\n• It is late.",
        "*Why so:* It is late.",
        "*Not chosen* `node-0:6379`: It is late.",
        "3 people can approve, 2 are active. <@U0LEAD> <@U0SECOND>",
    ):
        assert text in page, text
    assert [element["action_id"] for element in buttons(card(request(), "production", CROWD))] == [
        "approve",
        "deny",
        "withdraw",
        "details",
    ]


def test_what_takes_no_approval_says_so() -> None:
    for state in (RequestState.APPROVED, RequestState.RUNNING, RequestState.ENDED):
        page = accepted(decided_card(request(state, approvals_needed=0), "staging", CROWD))
        assert "It takes no approval here." in page
    assert "no approval" not in accepted(decided_card(request(RequestState.VOID, approvals_needed=0), "staging"))


def test_what_has_to_be_decided_stands_above_the_steps() -> None:
    shown = [str(block) for block in card(request(), "production", CROWD).blocks]
    page = "".join(shown)
    decisive = ("New master", "Valid until", "Writes that can be lost", "Writes wait", "can approve", "'deny'")
    assert all(page.index(text) < page.index("Exactly these steps") for text in decisive)
    assert len(shown[: next(at for at, block in enumerate(shown) if "'approve'" in block)]) == 6


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (approved(), "Approved by <@U0LEAD>"),
        (request(RequestState.DENIED, decisions=(decision(Verdict.DENY, "Not now."),)), "Denied by <@U0LEAD>"),
        (request(RequestState.EXPIRED), "Expired"),
        (request(RequestState.VOID), "Void, nothing was done: It is late."),
        (request(RequestState.REFUSED), "Refused, nothing was done: It is late."),
        (withdrawn(), "Withdrawn by <@U0ONCALL> <!date^1735732860^"),
    ],
)
def test_after_a_decision_who_what_and_when_stand_where_the_buttons_were(made, told) -> None:
    shown = decided_card(made, "production")
    assert told in accepted(shown)
    assert [element["action_id"] for element in buttons(shown)] == ["details"]


def test_one_of_two_approvals_is_shown_and_the_buttons_stay() -> None:
    half = request(decisions=(decision(Verdict.APPROVE),), approvals_needed=2)
    page = card(half, "production", CROWD)
    assert "1 more approval needed" in accepted(page)
    assert len(buttons(page)) == 4
    assert "Approved by <@U0LEAD>" in outcome(half)


def test_a_refusal_names_every_reason() -> None:
    page = accepted(refused(Refusal("orders", "failover", ("No quorum.", "The lag is too large.")), "you"))
    assert "• No quorum." in page
    assert "• The lag is too large." in page


def test_a_refusal_goes_on_with_what_the_findings_suggest_and_not_with_itself() -> None:
    lines = ("failover orders", "repair orders --keep 10.0.0.2:6379", "diagnose orders")
    found = Finding(FindingId.SPLIT_BRAIN, Severity.CRITICAL, Confidence.CERTAIN, "Two masters.", suggests=lines)
    refusal = Refusal("orders", "failover", ("Split brain.",), (found,))
    page = refused(refusal, "you")
    accepted(page)
    assert [one["value"] for one in buttons(page.message)] == ["diagnose orders", "repair orders --keep 10.0.0.2:6379"]
    assert drawn(terminal_requests.refusal(refusal)).endswith(
        "To go on:\ntandem diagnose orders\ntandem request repair orders --keep 10.0.0.2:6379"
    )


def test_a_drift_shows_the_difference_and_asks_anew_with_the_same_words() -> None:
    made = approved()
    made = replace(made, options={"to": "10.0.0.3:6379"})
    page = drifted(made, ("was: a", "is now: b"))
    assert "was: a\\nis now: b" in accepted(page)
    assert buttons(page.message)[0]["value"] == command_line(made) == REPEATED


def test_a_run_shows_each_step_with_state_duration_and_what_was_seen() -> None:
    page = accepted(progress(made := running(2), made.run, "production"))
    assert ":white_check_mark: 1. Step seen (0 ms): seen" in page
    assert ":hourglass_flowing_sand: 3. Step seen _running_" in page
    assert ":white_circle: 4. Step seen" in page


@pytest.mark.parametrize("state", list(RunState))
def test_every_end_is_said_in_words_and_the_transcript_is_whole(state) -> None:
    made = running(4, state)
    assert "failover orders: " in accepted(progress(made, made.run, "production"))
    told = accepted(transcript(made, made.run))
    assert told.count("$ PING seen") == 4
    assert "<@U0ONCALL>" in told


def test_a_run_can_be_cancelled_until_it_cannot_go_back() -> None:
    made = running(1)
    assert [(one["action_id"], one["value"]) for one in buttons(progress(made, made.run, "production"))] == [
        ("cancel", "R-7F3K2")
    ]
    late = replace(made, plan=replace(made.plan, steps=(Promote(node_at(2), node_at(1)),)))
    assert buttons(progress(late, late.run, "production")) == []
    cancelled = replace(made, run=replace(made.run, cancelled=Cancelled(LEAD, made.created_at)))
    shown = progress(cancelled, cancelled.run, "production")
    assert buttons(shown) == []
    assert "cancelled by <@U0LEAD> <!date^1735732800^" in accepted(shown)


def test_nothing_from_outside_is_obeyed_however_long() -> None:
    worst = request(text=NASTY, plan=plan(NASTY, steps=200, rejected=200))
    assert_harmless(Screen(card(worst, NASTY)))
    assert_harmless(Screen(decided_card(replace(worst, state=RequestState.VOID), NASTY)))
    denied = replace(worst, state=RequestState.DENIED, decisions=(decision(Verdict.DENY, NASTY),))
    assert_harmless(Screen(decided_card(denied, NASTY)))
    assert_harmless(refused(Refusal(NASTY, NASTY, (NASTY,) * 100), "you"))
    assert_harmless(drifted(worst, (NASTY,) * 300))
    long_run = running(200, RunState.INCOMPLETE, NASTY, steps=200)
    long_run = replace(long_run, run=replace(long_run.run, failures=(NASTY,) * 50))
    assert_harmless(Screen(progress(long_run, long_run.run, NASTY)))
    assert_harmless(transcript(long_run, long_run.run))
    lost = replace(asking(text=NASTY), run=replace(asking().run, question=Question((NASTY,) * 50)))
    assert_harmless(Screen(progress(lost, lost.run, NASTY)))


@pytest.mark.parametrize(
    ("moved", "resume", "answers"),
    [
        (None, "look again: go on to the end if the roles have moved", ["resume", "roll-back", "abandon"]),
        (False, "begin again with the first step", ["resume", "roll-back", "abandon"]),
        (True, "go on to the end with the steps that are left", ["resume", "abandon"]),
    ],
)
def test_a_run_that_asks_says_what_each_button_does_and_names_its_question(moved, resume, answers) -> None:
    made = asking(moved)
    shown = progress(made, made.run, "production")
    page = accepted(shown)
    assert "*What was seen:* It hangs." in page
    assert resume in page
    assert [one["action_id"] for one in buttons(shown)] == [f"answer:{answer}" for answer in answers]
    assert {one["value"] for one in buttons(shown)} == {"R-7F3K2 2025-01-01T12:00:00+00:00"}
    answered = replace(made.run, question=None, answered=Answered(Answer.ABANDON, LEAD, made.created_at))
    assert "lead said at 12:00:00 UTC: abandon" in accepted(progress(made, answered, "production"))


def test_a_person_of_the_terminal_is_named_and_not_mentioned() -> None:
    told = decided_card(approved(), "production").text
    assert "<@U0LEAD>" in told
    other = replace(decision(Verdict.APPROVE), person=replace(LEAD, id="terminal:root", name="<!here>"))
    assert "&lt;!here&gt;" in accepted(decided_card(replace(approved(), decisions=(other,)), "production"))


def buttons(message) -> list[dict]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def test_a_plan_for_many_masters_names_the_new_ones() -> None:
    """25 shards, one after the other: more than a card holds, and still a card that Slack takes."""
    seen = clusters.cluster(50, 1).snapshot()
    plans = [failover.plan(seen, {"to": str(clusters.address(50 + number))}) for number in range(1, 26)]
    steps = [step for one in plans if isinstance(one, Plan) for step in one.steps]
    made = replace(request(), plan=replace(request().plan, candidate=None, steps=tuple(steps)))
    page = accepted(card(made, "production", CROWD))
    assert "New masters" in page
    assert "10.0.0.51:6379" in page
    assert "and 20 more" in page
    assert "Candidates 10.0.0.51:6379, 10.0.0.52:6379" in drawn(terminal_requests.plan(made.plan, 1))


def test_where_somebody_else_chooses_the_new_master_is_not_none() -> None:
    page = accepted(
        card(replace(request(), plan=replace(request().plan, candidate=None, steps=())), "production", CROWD)
    )
    assert "New master*\\nnot known beforehand" in page
