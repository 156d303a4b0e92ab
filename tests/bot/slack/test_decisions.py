"""Who may decide, once, in time; and that everybody who presses a button sees an answer. On real servers."""

import pytest

from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack, Message, Person
from tests.bot.slack.conftest import INCIDENT, House, asked, saying, targets, whispered

pytestmark = pytest.mark.servers


async def test_denied_with_a_reason_and_the_requester_is_told(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    lead, second = slack.person("U0LEAD"), slack.person("U0SECOND")
    async with house.bot():
        card = await asked(slack)
        assert (await lead.clicks(card, "deny")).acked
        form = await lead.waits_for_view("deny")
        assert (await lead.submits(form, {"reason.reason": "Not <!channel> now."})).acked
        now = await slack.waits_for(lambda: saying(slack, "Denied by <@U0LEAD>"))
        assert now.ts == card.ts
        assert [text for text, _, _ in now.buttons()] == ["Details"]
        await slack.waits_for(lambda: "<@U0ONCALL>" in house.thread(card))

        await second.clicks_stale(card, "approve")
        late = await slack.waits_for(lambda: whispered(slack, "U0SECOND", "lead"))
        assert "denied" in late.plain().lower()
        await second.clicks_stale(card, "deny")
        await slack.waits_for(lambda: "Nobody can deny this any more" in modal(second))
    assert slack.broadcast_mentions == []


@pytest.mark.parametrize("user", ["U0DEV", "U0GUEST"])
async def test_who_may_not_decide_is_told_so(slack: LocalSlack, redis: Topology, house: House, user: str) -> None:
    house.keep(targets(redis))
    person = slack.person(user)
    async with house.bot():
        card = await asked(slack)
        await person.clicks(card, "approve")
        await slack.waits_for(lambda: whispered(slack, user, "may not decide on requests for orders"))
        await person.clicks(card, "deny")
        form = await person.waits_for_view("deny")
        await person.submits(form, {"reason.reason": "No."})
        refused = await person.waits_for_view("shown")
        assert "may not decide on requests for orders" in refused.plain()
        assert slack.message(INCIDENT, card.ts) == card, "nothing has changed"


async def test_a_deactivated_approver_is_refused(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    async with house.bot():
        slack.faults.deactivate("U0LEAD")
        card = await asked(slack)
        assert "3 people can approve, 1 is active" in card.plain()
        await slack.person("U0LEAD").clicks(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "is deactivated"))


async def test_a_look_up_that_fails_refuses(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    async with house.bot():
        card = await asked(slack)
    async with house.bot():
        slack.faults.fail("users.info", error="internal_error")
        await slack.person("U0LEAD").clicks(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "could not be looked up"))
        assert len(slack.message(INCIDENT, card.ts).buttons()) == 4, "nothing has changed"


async def test_nobody_left_to_approve_is_said_before_anything_is_posted(
    slack: LocalSlack, redis: Topology, house: House
) -> None:
    house.keep(targets(redis))
    for user in ("U0LEAD", "U0SECOND"):
        slack.faults.deactivate(user)
    async with house.bot():
        await slack.person("U0ONCALL").types(INCIDENT, "/redis failover orders")
        refusal = await slack.waits_for(lambda: saying(slack, "failover orders: refused"))
        assert "Nobody can approve this." in refusal.plain()
        assert "approve" not in [action for _, action, _ in refusal.buttons()]


async def test_an_expired_request_loses_its_buttons_and_a_late_click_is_answered(
    slack: LocalSlack, redis: Topology, house: House
) -> None:
    house.keep(targets(redis))
    house.minutes = 0.02
    async with house.bot():
        card = await asked(slack)
        await slack.waits_for(lambda: "Expired" in slack.message(INCIDENT, card.ts).plain())
        assert [text for text, _, _ in slack.message(INCIDENT, card.ts).buttons()] == ["Details"]
        await slack.person("U0LEAD").clicks_stale(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "expired"))


async def test_buttons_of_before_a_restart_still_work(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    lead = slack.person("U0LEAD")
    async with house.bot():
        card = await asked(slack)
    await slack.waits_for(lambda: slack.connections == 0)
    assert not (await lead.clicks(card, "approve")).acked, "nobody is there"
    async with house.bot():
        assert (await lead.clicks(card, "details")).acked
        await slack.waits_for(lambda: "the approval binds to" in modal(lead))
        await lead.clicks(card, "deny")
        await lead.submits(await lead.waits_for_view("deny"), {"reason.reason": "No."})
        await slack.waits_for(lambda: "Denied by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())


async def test_a_card_that_was_posted_twice_is_decided_once_and_its_copy_says_so(
    slack: LocalSlack, redis: Topology, house: House
) -> None:
    house.keep(targets(redis))
    second = slack.person("U0SECOND")
    async with house.bot():
        slack.faults.lose_answer("chat.postMessage")
        copy = await asked(slack)
        card = await slack.waits_for(lambda: (one := saying(slack, "destructive")) and one.ts != copy.ts and one)
        await second.clicks(copy, "deny")
        await second.submits(await second.waits_for_view("deny"), {"reason.reason": "No."})
        await slack.waits_for(lambda: "Denied by <@U0SECOND>" in slack.message(INCIDENT, card.ts).plain())
        await slack.person("U0LEAD").clicks(copy, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "was already denied by second"))
        await slack.waits_for(lambda: "posted twice" in slack.message(INCIDENT, copy.ts).plain())
        assert slack.message(INCIDENT, copy.ts).buttons() == []


async def test_what_was_approved_is_no_longer_so(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    async with house.bot():
        card = await asked(slack)
        replica = redis.nodes[-1]
        await replica.restart()
        await slack.person("U0LEAD").clicks(card, "approve")
        drift = await slack.waits_for(lambda: saying(slack, "the approval is void"))
        assert "is now: " in drift.plain()
        assert ("Ask again with a new plan", "run:0", "failover orders") in drift.buttons()
        await slack.person("U0ONCALL").clicks(drift, "run:0")
        again = await slack.waits_for(lambda: _newer(saying(slack, "failover orders: destructive"), card))
        assert [one[0] for one in again.buttons()] == [one[0] for one in card.buttons()], "as if it were typed"


def _newer(message: Message | None, than: Message) -> Message | None:
    return message if message is not None and message.ts > than.ts else None


def modal(person: Person) -> str:
    """What the person reads in the modal in front."""
    view = person.world.top_view(person.id)
    return view.frozen().plain() if view else ""


async def test_only_the_requester_withdraws_and_the_reason_stands_on_the_card(
    slack: LocalSlack, redis: Topology, house: House
) -> None:
    house.keep(targets(redis))
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    async with house.bot():
        await oncall.types(INCIDENT, "/redis failover --reason “disk *is* dying <!channel> :fire:”")
        card = await slack.waits_for(lambda: saying(slack, "failover orders: destructive"))
        assert "*Reason given:* disk \u2217is\u2217 dying &lt;!channel&gt; \ua789fire:" in card.plain()
        await lead.clicks(card, "withdraw")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "Only oncall, who asked for"))
        assert slack.message(INCIDENT, card.ts) == card, "nothing has changed"

        assert (await oncall.clicks(card, "withdraw")).acked
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "Withdrawn."))
        now = await slack.waits_for(lambda: saying(slack, "Withdrawn by <@U0ONCALL> <!date^"))
        assert [text for text, _, _ in now.buttons()] == ["Details"]
        await lead.clicks_stale(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "was already withdrawn by oncall"))
    assert slack.broadcast_mentions == []


async def test_a_reason_goes_with_the_button_that_asks_anew(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    oncall = slack.person("U0ONCALL")
    async with house.bot():
        await oncall.types(INCIDENT, '/redis failover orders --reason "disk\'s dying"')
        card = await slack.waits_for(lambda: saying(slack, "disk's dying"))
        await redis.nodes[-1].restart()
        await slack.person("U0LEAD").clicks(card, "approve")
        drift = await slack.waits_for(lambda: saying(slack, "the approval is void"))
        await slack.waits_for(lambda: "Void, nothing was done" in slack.message(INCIDENT, card.ts).plain())
        await oncall.clicks(drift, "Ask again with a new plan")
        anew = await slack.waits_for(lambda: (found := saying(slack, "disk's dying")) and found.ts != card.ts and found)
        assert "*Reason given:*" in anew.plain()
        await oncall.types(INCIDENT, "/redis runs")
        runs = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "Requests and runs"))
        assert "*void*" in runs.plain()
