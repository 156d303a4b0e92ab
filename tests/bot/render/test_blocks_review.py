"""What went without approval, and its review, as people see them in Slack and in a terminal."""

from dataclasses import replace

from bot.ledger.records import RequestState
from bot.policy import Eligibility
from bot.render.blocks import Screen
from bot.render.blocks_menu import request_lines
from bot.render.blocks_request import decided_card, outcome
from bot.render.blocks_review import glass, reminder, review, review_form
from bot.render.blocks_run import progress
from bot.render.shown import Shown, screen
from tests.bot.render.slack_judges import accepted, accepted_view
from tests.bot.render.test_blocks_findings import assert_harmless
from tests.bot.slack_requests import LEAD, NASTY, approved, request, unapproved

PEOPLE = ("U0LEAD", "U0SECOND")


def test_the_card_says_that_nobody_approved_it_and_whether_it_was_reviewed() -> None:
    begun = request(RequestState.APPROVED, break_glass=True, approvals_needed=0)
    page = accepted(decided_card(begun, "production", Eligibility(3, PEOPLE)))
    assert "*Nobody has approved this.* <@U0ONCALL> broke the glass." in page
    assert "Told directly: <@U0LEAD> <@U0SECOND>" in page
    alone = accepted(decided_card(begun, "production", Eligibility(1, why_not=("lead (U0LEAD) is deactivated.",))))
    assert "No approver could be told. lead (U0LEAD) is deactivated." in alone
    assert "Told directly" not in accepted(decided_card(approved(), "production", Eligibility(3, PEOPLE)))
    assert "has to review it afterwards" in outcome(begun)
    assert "has to review it" not in outcome(request(RequestState.VOID, break_glass=True))
    assert "Reviewed by <@U0LEAD>" in outcome(unapproved(signed_by=LEAD))
    assert "approved by nobody: the glass was broken" in accepted(
        progress(unapproved(), unapproved().run, "production")
    )
    assert "nobody had approved it, review open" in accepted(request_lines([unapproved()]))
    assert "nobody had approved it, reviewed" in accepted(request_lines([unapproved(signed_by=LEAD)]))


def test_the_review_is_open_until_it_is_signed() -> None:
    still, signed = unapproved(), unapproved(signed_by=LEAD)
    page = accepted(review(still, still.review, "production", PEOPLE))
    assert "review to be signed: failover orders" in page
    assert "<@U0LEAD> <@U0SECOND>" in page
    assert '"action_id": "sign"' in page
    page = accepted(review(signed, signed.review, "production", PEOPLE))
    assert "Signed by <@U0LEAD>" in page
    assert '"action_id": "sign"' not in page
    assert "/redis sign R-7F3K2" in accepted(reminder(still, still.review, PEOPLE))
    assert reminder(signed, signed.review, PEOPLE) is None
    assert screen(Shown("reminder", {"people": PEOPLE}, signed)) is None
    assert screen(Shown("review", {"people": PEOPLE}, replace(signed, review=None))) is None
    assert '"private_metadata": "R-7F3K2"' in accepted_view(review_form("R-7F3K2"))


def test_every_approver_is_told_who_and_why() -> None:
    told = accepted(glass(unapproved()))
    assert "<@U0ONCALL> broke the glass" in told
    assert "with the reason: It is late." in told


def test_nothing_from_outside_is_obeyed() -> None:
    nasty = unapproved(text=NASTY, signed_by=LEAD)
    for shown in (
        glass(nasty),
        review(nasty, nasty.review, NASTY, ["U0LEAD"] * 100),
        review(unapproved(text=NASTY), unapproved().review, NASTY, ["U0LEAD"] * 100),
        reminder(unapproved(text=NASTY), unapproved().review, ["U0LEAD"] * 100),
        decided_card(nasty, NASTY),
    ):
        assert_harmless(Screen(shown))
