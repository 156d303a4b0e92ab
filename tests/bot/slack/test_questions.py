"""The buttons of a run: what it asks and what each answer does, that an answer counts once, and how it is cancelled."""

import pytest

from bot.ledger import Ledger, Person
from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack, Message
from tests.bot.slack.conftest import INCIDENT, House, asked, saying, targets, whispered

pytestmark = pytest.mark.servers


async def cut_off_twice(house: House) -> None:
    """A failover that begins where no bot runs, is cut off in its first step, and then once more."""
    async with house.bot():
        await asked(house.slack)
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{house.folder / 'tandem.db'}", lease_s=0)
    try:
        (request,) = await ledger.runs()
        await ledger.decide(request.id, Person("U0LEAD", "lead"), "approve")
        lease = await ledger.begin(request.id)
        await ledger.journal(lease).intends(0, request.plan.steps[0])
        assert await ledger.claim(request.id)
    finally:
        await ledger.aclose()


def question(slack: LocalSlack) -> Message | None:
    return saying(slack, "asks what to do")


async def test_what_was_seen_and_what_each_button_does(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    await cut_off_twice(house)
    async with house.bot():
        run = await slack.waits_for(lambda: question(slack))
        assert "cut off a second time" in run.plain()
        assert "*Resume:* put everything back, look again" in run.plain()
        assert [text for text, _, _ in run.buttons()] == ["Resume", "Roll back", "Abandon"]
        await slack.waits_for(lambda: "<@U0ONCALL> <@U0LEAD>" in house.thread(run))

        assert (await oncall.clicks(run, "answer:resume")).acked
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "a second person has to say so"))
        await slack.person("U0DEV").clicks(run, "answer:abandon")
        await slack.waits_for(lambda: whispered(slack, "U0DEV", "may not decide on requests for orders"))

        assert (await oncall.clicks(run, "answer:roll-back")).acked
        await slack.waits_for(lambda: saying(slack, "failover orders: not done, and everything was put back"))
        assert "Resume" not in [text for text, _, _ in slack.message(INCIDENT, run.ts).buttons()]
        await lead.clicks_stale(run, "answer:resume")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "oncall said at"))
    assert slack.broadcast_mentions == []


async def test_a_run_is_cancelled_by_a_button_while_it_can_go_back(
    slack: LocalSlack, redis: Topology, house: House
) -> None:
    house.keep(targets(redis))
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    old = await redis.master()
    async with house.bot():
        card = await asked(slack)
        request_id = card.plain().split("R-")[1][:5]
        await oncall.types(INCIDENT, f"/redis cancel {request_id}")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "it waits for approval. To stop it, withdraw it."))
        await lead.clicks(card, "approve")
        run = await slack.waits_for(lambda: saying(slack, "failover orders: running"))
        assert (await lead.clicks(run, "cancel")).acked
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "It stops before its next step"))
        await oncall.types(INCIDENT, f"/redis cancel {request_id}")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", f"lead cancelled R-{request_id} already"))
        undone = await slack.waits_for(lambda: saying(slack, "not done, and everything was put back"))
        assert "lead cancelled it." in undone.plain()
    assert await redis.master() is old
