"""What the menu and the help offer to whom: what is refused is not offered, and who asks for it hears why."""

import asyncio

import pytest

from actions.kit.topology import Kind, Target
from actions.registry import ACTIONS
from bot.directory import LookupFailed
from bot.fleet import Fleet, People, Rule
from bot.policy import Policy
from bot.render.blocks_menu import Offer, help_on, help_on_word, help_page, menu
from bot.slack.directory import _Cache
from bot.slack.offers import offered
from bot.vocabulary import WORDS
from tests.bot.render.slack_judges import accepted
from tests.bot.test_policy import Workplace

EVERYBODY = {"help", "runs", "show", "timeline", "audit"}
ANY_COLLEAGUE = {*EVERYBODY, "token"}
LEAD, ONCALL = People(users=("U0LEAD",)), People(users=("U0ONCALL",))


async def offer_to(person: str, directory: Workplace | None = None, **more: object) -> Offer:
    names = ("orders", "carts")
    given = {
        "targets": {name: Target(name, Kind.SENTINEL) for name in names},
        "channels": {"C0INCIDENT": names},
        "approvers": dict.fromkeys(names, LEAD),
        "requesters": dict.fromkeys(names, ONCALL),
        **more,
    }
    fleet = Fleet(**given)
    return await offered(Policy(fleet, directory or Workplace()), fleet, ACTIONS, person, "C0INCIDENT")


def word(name: str):
    return next(one for one in (*ACTIONS, *WORDS) if one.name == name)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ("U0ONCALL", {*ANY_COLLEAGUE, "freeze", "cancel", "undo", "withdraw"}),
        ("U0LEAD", {*ANY_COLLEAGUE, "thaw", "sign", "cancel", "approve", "deny"}),
        ("U0GUEST", EVERYBODY),
    ],
)
async def test_each_is_offered_the_words_that_would_not_be_refused(person: str, words: set[str]) -> None:
    offer = await offer_to(person)
    assert {one.name for one in offer.words} == words
    page = accepted(help_page(offer))
    usages = {one.name: one.usage.replace(" [--break-glass]", "").replace('"', '\\"') for one in WORDS}
    assert {name for name, usage in usages.items() if f"`/redis {usage}`" in page} == words


async def test_who_asks_how_a_word_is_typed_that_they_may_not_use_hears_why() -> None:
    offer = await offer_to("U0LEAD")
    freeze, failover = accepted(help_on_word(word("freeze"), offer)), accepted(help_on(word("failover"), offer))
    assert "`freeze` is not open to you here. You may not freeze orders; U0ONCALL may." in freeze
    assert "`failover` is not open to you here. You may not ask for changes on orders; U0ONCALL may." in failover


async def test_what_is_open_on_one_target_alone_has_a_button_there_alone() -> None:
    on_carts = Rule(targets=("carts",), requesters=LEAD)
    offer = await offer_to("U0ONCALL", rules=(on_carts,))
    assert "failover orders" in accepted(menu(offer, "orders"))
    assert "failover" not in accepted(menu(offer, "carts"))
    assert "freeze" in {one.name for one in offer.words}


async def test_an_option_is_shown_to_whom_it_is_of_use() -> None:
    breaker = {"break_glass": {"orders": ONCALL}}
    assert "--break-glass" in accepted(help_on(word("failover"), await offer_to("U0ONCALL", **breaker)))
    assert "--break-glass" not in accepted(help_on(word("failover"), await offer_to("U0ONCALL")))
    assert "--break-glass" in accepted(help_on_word(word("undo"), await offer_to("U0ONCALL", **breaker)))
    assert "--break-glass" not in accepted(help_on_word(word("undo"), await offer_to("U0ONCALL")))
    assert "--names" in accepted(help_on(word("diagnose"), await offer_to("U0LEAD")))
    assert "--names" not in accepted(help_on(word("diagnose"), await offer_to("U0ONCALL")))


async def test_while_nobody_can_be_looked_up_nothing_that_changes_is_offered() -> None:
    directory = Workplace("U0ONCALL")
    directory.down = True
    offer = await offer_to("U0ONCALL", directory)
    assert {one.name for one in offer.words} == EVERYBODY
    assert "could not be looked up" in accepted(help_on(word("failover"), offer))


async def test_a_question_that_many_ask_at_once_is_asked_once_and_its_error_is_everybody_s() -> None:
    asked = 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        raise LookupFailed("Slack is silent.")

    cache = _Cache[str](60)
    answers = await asyncio.gather(*(cache.get("U0LEAD", ask) for _ in range(100)), return_exceptions=True)
    assert asked == 1
    assert {str(one) for one in answers} == {"Slack is silent."}
    with pytest.raises(LookupFailed):
        await cache.get("U0LEAD", ask)
    assert asked == 2, "an error is not kept"
