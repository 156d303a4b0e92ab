"""Menu, help, home tab and modals."""

from dataclasses import replace

import pytest

from actions.kit.topology import Kind
from actions.registry import ACTIONS
from bot.cli.exits import Exit, exit_of_request
from bot.ledger.records import RequestState, RunState
from bot.render.blocks_menu import (
    Offer,
    answer_form,
    approval_form,
    denial_form,
    details_form,
    help_on,
    help_on_word,
    help_page,
    menu,
    request_lines,
    request_shown,
    waiting_form,
)
from bot.vocabulary import MAX_REASON, WORDS
from tests.bot.render.slack_judges import accepted, accepted_view
from tests.bot.slack_requests import NASTY, plan, request, running

READS = tuple(action for action in ACTIONS if action.risk == "read")


def test_the_menu_has_a_button_for_each_action_and_a_picker_for_several_targets() -> None:
    page = menu(Offer(ACTIONS, ("carts", "orders")), "orders")
    assert '"value": "failover orders"' in accepted(page)
    assert '"value": "status"' in accepted(page)
    assert [one["type"] for one in page.blocks[1]["elements"]] == ["static_select", *["button"] * len(ACTIONS)]
    alone = menu(Offer(READS, ("orders",)))
    assert "failover" not in accepted(alone)
    assert "static_select" not in accepted(alone)


def test_what_is_about_clusters_alone_is_offered_for_clusters_alone() -> None:
    mixed = Offer(ACTIONS, ("carts", "orders"), {"carts": Kind.CLUSTER, "orders": Kind.SENTINEL})
    assert "takeover carts" in accepted(menu(mixed, "carts"))
    assert "takeover" not in accepted(menu(mixed, "orders"))
    assert "/redis takeover" in accepted(help_page(mixed))
    assert "takeover" not in accepted(help_page(Offer(ACTIONS, ("orders",), {"orders": Kind.SENTINEL})))


@pytest.mark.parametrize("targets", [(), tuple(f"target-{number}" for number in range(300)), (NASTY,)])
def test_menu_and_help_fit_however_many_targets_there_are(targets) -> None:
    for actions in ((), ACTIONS):
        accepted(menu(Offer(actions, targets)))
        accepted(help_page(Offer(actions, targets)))


def test_help_lists_what_is_open_to_the_person_and_no_more() -> None:
    page = accepted(help_page(Offer(ACTIONS, ("orders",))))
    assert "`/redis failover [TARGET] …`: " in page
    assert "`/redis status`: " in page
    assert "--reason" not in page.split("/redis help")[0]
    assert "/redis runs [TARGET]" in page
    assert "/redis show R" in page
    assert "/redis failover" not in accepted(help_page(Offer(READS, ("orders",))))


def test_help_on_one_action_explains_its_options() -> None:
    failover = next(action for action in ACTIONS if action.name == "failover")
    page = accepted(help_on(failover, Offer(ACTIONS, ("orders",))))
    assert "/redis failover [TARGET] [--to HOST:PORT] [--shard SLOT] [--host HOST] [--application switch|" in page
    assert "The replica that shall become master." in page
    assert "the approvers read it" in page
    assert "is not open to you" in accepted(help_on(failover, Offer(READS, ("orders",))))


def test_help_on_each_word_explains_its_options() -> None:
    pages = {word.name: accepted(help_on_word(word, Offer(ACTIONS, ("orders",)))) for word in WORDS}
    assert "/redis token [revoke] [--hours N]" in pages["token"]
    assert "`--note" in pages["sign"]
    assert "[--break-glass]" in pages["undo"]
    undo = next(word for word in WORDS if word.name == "undo")
    withheld = Offer(ACTIONS, ("orders",), withheld=frozenset({"break-glass"}))
    assert "--break-glass" not in accepted(help_on_word(undo, withheld))


def test_forms() -> None:
    denial = accepted_view(denial_form("R-7F3K2"))
    assert '"private_metadata": "R-7F3K2"' in denial
    assert f'"max_length": {MAX_REASON}' in denial
    assert '"private_metadata": "R-7F3K2"' in accepted_view(approval_form("R-7F3K2"))
    accepted_view(waiting_form())
    accepted_view(answer_form("Too late", "Nobody can deny this any more."))
    assert "the approval binds to" in accepted_view(details_form(request()))
    accepted_view(details_form(request(text=NASTY, plan=plan(NASTY, steps=300, rejected=300))))


def test_runs_are_listed() -> None:
    assert "*expired*" in accepted(request_lines([request(RequestState.EXPIRED)]))
    assert "There is none." in accepted(request_lines([]))


def test_one_is_shown_with_how_it_came_to_stand_so() -> None:
    shown = accepted(request_shown(request(RequestState.VOID, why="The master moved.")))
    assert "*void*" in shown
    assert "The master moved." in shown
    assert "It was cut off." in accepted(request_shown(running(1, RunState.UNDONE, "It was cut off.")))
    accepted(request_shown(running(1, RunState.UNDONE, NASTY)))
    accepted(request_shown(request(text=NASTY)))


def test_what_was_void_before_its_first_step_is_void_and_not_undone() -> None:
    void = replace(running(0, RunState.UNDONE), state=RequestState.VOID)
    assert "*void*" in accepted(request_lines([void]))
    assert exit_of_request(void) == Exit.REFUSED
