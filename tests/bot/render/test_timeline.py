"""The time line of a request: what a post-mortem needs, and nothing in it that Markdown would obey."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.ledger.chain import START, AuditCheck, AuditRow, canonical
from bot.render.markdown import escape, table
from bot.render.timeline import as_json, markdown
from bot.render.words import plain

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NASTY = st.text(st.sampled_from("ab 1.\\`*_{}[]()<>|~#+-!&;:/@=$\n\r\t\x1b\u202e") | st.characters(), max_size=40)


def rows(*told, people=()):
    """A row for each kind and its details, a second apart, of R-7F3K9 unless `what` says otherwise."""
    made = []
    for number, (kind, details) in enumerate(told, 5):
        who = ("U0LEAD", "lead") if kind in {"request.approve", "request.deny"} else ("tandem", "Tandem")
        who = ("U0ONCALL", "oncall") if kind in {"request.filed", "request.withdrawn"} else who
        at = (BEGAN + timedelta(seconds=number - 5)).isoformat(timespec="microseconds")
        what = details.pop("what", "R-7F3K9")
        made.append(AuditRow(number, at, kind, *who, what, canonical(details), START, "h"))
    return made


FILED = {
    "target": "orders",
    "action": "failover",
    "options": {"to": "10.0.0.2:6379"},
    "reason": "slow",
    "fingerprint": "f1",
    "approvals_needed": 1,
    "expires_at": "2026-01-02T03:19:05+00:00",
}
CHANGE = ["10.0.0.1:6379", "min-replicas-to-write", "1000000", "0"]


def story():
    return rows(
        ("request.filed", dict(FILED)),
        ("request.approve", {"counts": False, "answer": "You are no approver of orders."}),
        ("request.approve", {"counts": True, "reason": "go on", "answer": "Approved."}),
        ("run.began", {"target": "orders", "owner": "host/7"}),
        ("request.refused", {"what": "orders", "action": "failover", "reasons": ["orders is busy.", "Wait."]}),
        ("step.began", {"index": 0, "title": "Fence 10.0.0.1:6379", "changes": [CHANGE]}),
        ("run.claimed", {"target": "orders", "owner": "host/8", "epoch": 2}),
        ("step.ended", {"index": 0, "state": "done", "note": "it refuses writes"}),
        ("debt.paid", {"node": CHANGE[0], "name": CHANGE[1], "value": "0", "note": ""}),
        ("run.ended", {"target": "orders", "outcome": "incomplete", "failures": ["A Sentinel did not answer."]}),
    )


def test_the_story_is_told_in_order():
    assert markdown("R-7F3K9", story(), AuditCheck(20, "ab" * 32)).splitlines() == [
        "# R-7F3K9: failover orders",
        "",
        "Outcome: The run ended: incomplete. A Sentinel did not answer.",
        "",
        "## Time line",
        "",
        "| Time (UTC) | After | Who | What |",
        "|---|---|---|---|",
        (
            "| 2026-01-02 03:04:05.000 | 0 ms | oncall (U0ONCALL) | asked for failover orders to=10.0.0.2:6379; it "
            "needs 1 approval until 03:19:05, with the reason: slow. Fingerprint f1. |"
        ),
        (
            "| 2026-01-02 03:04:06.000 | 1.0 s | lead (U0LEAD) | tried to approve it, which does not count: "
            "You are no approver of orders. |"
        ),
        "| 2026-01-02 03:04:07.000 | 2.0 s | lead (U0LEAD) | approved it, with the reason: go on. |",
        "| 2026-01-02 03:04:08.000 | 3.0 s | Tandem | The run began, in host/7. |",
        "| 2026-01-02 03:04:09.000 | 4.0 s | Tandem | asked for failover and was refused: orders is busy. Wait. |",
        (
            "| 2026-01-02 03:04:10.000 | 5.0 s | Tandem | Step 1 began: Fence 10.0.0.1:6379. It changes "
            "min-replicas-to-write on 10.0.0.1:6379 from '0' to '1000000'. |"
        ),
        "| 2026-01-02 03:04:11.000 | 6.0 s | Tandem | host/8 took the run over (epoch 2). |",
        (
            "| 2026-01-02 03:04:12.000 | 7.0 s | Tandem | Step 1 (Fence 10.0.0.1:6379): done after 2.0 s. "
            "Seen: it refuses writes |"
        ),
        (
            "| 2026-01-02 03:04:13.000 | 8.0 s | Tandem | min-replicas-to-write on 10.0.0.1:6379 is no longer owed; "
            "it was '0' before the run. |"
        ),
        "| 2026-01-02 03:04:14.000 | 9.0 s | Tandem | The run ended: incomplete. A Sentinel did not answer. |",
        "",
        "## Settings changed on the way",
        "",
        "| Node | Setting | Was | Set to | Put back (UTC) |",
        "|---|---|---|---|---|",
        "| 10.0.0.1:6379 | min-replicas-to-write | 0 | 1000000 | 2026-01-02 03:04:13.000 |",
        "",
        f"From rows 5 to 14 of the audit, which is in order: 20 rows, the last hash `{'ab' * 32}`.",
    ]


def test_what_a_run_asked_and_who_answered():
    told = rows(
        ("run.asked", {"target": "orders", "seen": ["It hangs.", "Why?"], "moved": None, "destroys": True}),
        ("run.answered", {"counts": False, "given": "roll-back", "answer": "You may not."}),
        ("run.answered", {"counts": True, "given": "roll-back", "answer": "It is rolled back."}),
        ("run.began-again", {"target": "orders", "owner": "host/8"}),
    )
    shown = markdown("R-7F3K9", told, AuditCheck(20))
    for sentence in (
        "The run asks what to do. It hangs. Why?",
        "tried to answer roll back, which does not count: You may not.",
        "answered: roll back.",
        "Everything was put back, and the run began again, in host/8.",
    ):
        assert f"| {sentence} |" in shown


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ([], "The run has not begun."),
        ([("request.deny", {"counts": False, "answer": "Late."})], "The run has not begun."),
        (
            [("request.deny", {"counts": True, "reason": "not now"})],
            "lead (U0LEAD) denied it, with the reason: not now.",
        ),
        ([("request.withdrawn", {"counts": True, "answer": "Withdrawn."})], "oncall (U0ONCALL) withdrew it."),
        ([("request.expired", {})], "It expired: its deadline passed before its run began."),
        ([("request.refused", {"why": "orders is busy."})], "It was refused: orders is busy."),
        ([("run.began", {"owner": "h"})], "The run has not ended."),
        (
            [("run.void", {"failures": ["The master changed."]})],
            "It is void, and nothing was done: The master changed.",
        ),
    ],
)
def test_the_outcome_is_what_decided_it(told, outcome):
    shown = markdown("R-7F3K9", rows(("request.filed", dict(FILED)), *told), AuditCheck(9))
    assert f"\nOutcome: {outcome}\n" in shown


def test_what_is_still_owed_is_said_to_be_and_a_problem_of_the_audit_comes_first():
    shown = markdown("R-7F3K9", story()[:8], AuditCheck(3, problem="Row 4 of the audit was changed."))
    assert "| 0 | 1000000 | never: it is still owed |" in shown
    assert shown.splitlines()[2] == "> **The audit is not in order:** Row 4 of the audit was changed."
    assert shown.endswith("of which only the first 3 rows are in order.\n")


@pytest.mark.parametrize("details", ["", "[]", "{", "{}", '{"counts":1}', '{"index":"x","changes":3}', "[" * 100_000])
def test_a_row_that_somebody_changed_or_of_another_version_is_shown_as_it_stands(details):
    for one in [*story(), *rows(("freeze.lifted", {"why": "over"}))]:
        changed = [story()[0], replace(one, details=details, at="yesterday")]
        shown = markdown("R-7F3K9", changed, AuditCheck(20))
        assert "| yesterday |" in shown
        assert as_json("R-7F3K9", changed, AuditCheck(20))["entries"][1]["at"] == "yesterday"


def test_a_setting_that_a_step_changes_again_after_a_crash_is_owed_once():
    began = ("step.began", {"index": 0, "title": "Fence", "changes": [CHANGE]})
    shown = markdown("R-7F3K9", rows(("request.filed", dict(FILED)), began, ("run.began", {}), began), AuditCheck(9))
    assert shown.count("| min-replicas-to-write |") == 1


def test_a_kind_that_is_not_known_is_shown_with_its_details():
    shown = markdown("R-7F3K9", rows(("cooldown.lifted", {"target": "orders"})), AuditCheck(20))
    assert '| Tandem | cooldown.lifted: \\{"target":"orders"\\} |' in shown


def test_programs_get_the_rows_with_their_details():
    told = as_json("R-7F3K9", story(), AuditCheck(20, "ab" * 32))
    assert told["audit"] == {"ok": True, "rows": 20, "first": 1, "hash": "ab" * 32, "problem": None}
    assert told["entries"][0]["details"] == FILED
    assert [one["number"] for one in told["entries"]] == list(range(5, 15))
    json.dumps(told)


@given(NASTY, NASTY)
def test_text_from_outside_is_text_and_nothing_else(one, other):
    rendered = MARKDOWN.parse("\n".join(table(("A", "B"), [(one, other)])))
    cells = [token.children for token in rendered if token.type == "inline"][2:]
    assert {child.type for cell in cells for child in cell} <= {"text", "text_special"}
    shown = ["".join(child.content for child in cell) for cell in cells]
    assert shown == [re.sub(r"@(?=\w)", "\uff20", plain(text, 10_000)).strip() for text in (one, other)]


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("<!channel> @here", "\\<\\!channel\\> \uff20here"),
        ("see https://x.example and www.x.example", "see https:\\//x.example and www\\.x.example"),
        ("a\n# b\x1b[2J", "a \\# b\\\\x1b\\[2J"),
        ("_a_ *b* ~c~ `d`", "\\_a\\_ \\*b\\* \\~c\\~ \\`d\\`"),
        ("10.0.0.1:6379", "10.0.0.1:6379"),
    ],
)
def test_no_mention_link_or_line_gets_through(text, harmless):
    assert escape(text) == harmless


def test_what_was_done_in_a_terminal_says_so_and_how_old_the_answer_of_slack_was():
    shown = rows(
        ("request.filed", FILED | {"origin": "terminal"}),
        (
            "request.approve",
            {"counts": True, "reason": "", "origin": "terminal", "as_slack_said_at": "2026-01-02T02:00:00+00:00"},
        ),
    )
    told = markdown("R-7F3K9", shown, AuditCheck(last=6)).replace("\\", "")
    assert "| oncall (U0ONCALL) in a terminal |" in told
    assert "| lead (U0LEAD) in a terminal, as Slack said at 2026-01-02T02:00:00+00:00 |" in told
