"""The home tab."""

from actions.kit.action import Seen
from actions.kit.diagnosis import diagnose
from bot.ledger.records import ALL, Freeze, RunState
from bot.render.blocks_home import Requests, home
from bot.render.blocks_locks import frozen
from tests import builders
from tests.bot.render.slack_judges import accepted_view
from tests.bot.slack_requests import AT, NASTY, ONCALL, request, running, unapproved


def test_home_shows_verdicts_reviews_what_waits_and_what_was_done() -> None:
    seen = Seen(builders.healthy(), diagnose(builders.healthy()))
    shown = Requests(unsigned=[unapproved()], waiting=[request()], recent=[running(4, RunState.DONE)])
    page = accepted_view(home([("orders", "production", seen)], {"orders": "Frozen by <@U0LEAD>"}, shown))
    at = f"Seen <!date^{int(seen.snapshot.observed_at.timestamp())}^"
    for text in ("The target is fine", at, "Frozen by <@U0LEAD>", "Reviews to be signed", "*waiting*", "*done*"):
        assert text in page


def test_home_fits_whatever_is_in_it() -> None:
    assert "Reviews" not in accepted_view(home([], {}, Requests()))
    note = frozen(NASTY, [Freeze(ALL, ONCALL, NASTY, AT)] * 20)
    many = Requests([unapproved(text=NASTY)] * 100, [request(text=NASTY)] * 100, [request()] * 100)
    accepted_view(home([(NASTY, NASTY, NASTY)] * 500, {NASTY: note}, many))
