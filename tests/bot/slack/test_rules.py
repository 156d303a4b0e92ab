"""A rule that takes two approvals, as people meet it."""

import pytest

from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered

pytestmark = pytest.mark.usefixtures("harmless_actions")
TWO = {"rules": [{"environments": ["production"], "risks": ["destructive"], "approvals": 2}]}


async def test_two_approvals_take_two_people_and_the_requester_is_none_of_them(slack: LocalSlack, house: House) -> None:
    house.keep(targets(None) | TWO)
    oncall, lead, second = (slack.person(user) for user in ("U0ONCALL", "U0LEAD", "U0SECOND"))
    async with house.bot():
        await oncall.types(INCIDENT, "/redis restart")
        card = await slack.waits_for(lambda: saying(slack, "restart orders: destructive"))
        assert "2 approvals needed. 3 people can approve, 2 are active." in card.plain()
        await oncall.clicks(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "a second person has to decide"))
        await lead.clicks(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "Your approval counts; 1 more needed."))
        await lead.clicks(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "1 more needed from somebody else"))
        assert saying(slack, "restart orders: done") is None
        await second.clicks(card, "approve")
        done = await slack.waits_for(lambda: saying(slack, "restart orders: done and proven"))
        assert "approved by <@U0LEAD>, <@U0SECOND>" in done.plain()


async def test_who_asks_twice_is_told_of_the_request_that_waits_already(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        await slack.person("U0ONCALL").types(INCIDENT, "/redis restart")
        await slack.waits_for(lambda: saying(slack, "restart orders: destructive"))
        await slack.person("U0ONCALL").types(INCIDENT, "/redis restart")
        told = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "On orders waits for approval as well: R-"))
        assert "(restart, oncall). Withdraw or deny what is not needed" in told.plain()
        told_once = [one for one in slack.messages(INCIDENT) if "waits for approval as well" in one.plain()]
        assert len(told_once) == 1, "the first one was alone"


async def test_fewer_active_approvers_than_a_rule_asks_for_are_said_before_anything_is_posted(
    slack: LocalSlack, house: House
) -> None:
    house.keep(targets(None) | TWO)
    slack.faults.deactivate("U0SECOND")
    async with house.bot():
        await slack.person("U0ONCALL").types(INCIDENT, "/redis restart")
        refusal = await slack.waits_for(lambda: saying(slack, "restart orders: refused"))
        assert "2 approvals are needed. 3 people can approve, 1 is active." in refusal.plain()
