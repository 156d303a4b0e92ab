"""The whole story in the channel, on real servers: looked at, planned, approved by a second person, done, proven."""

from itertools import pairwise

import pytest

from sandbox.redis import Topology, builds
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered

pytestmark = pytest.mark.servers


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("redis", [one.name for one in builds()], indirect=True)
async def test_a_failover_with_a_second_person(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    async with house.bot():
        assert (await oncall.types(INCIDENT, "/redis diagnose")).acked
        seen = await slack.waits_for(lambda: saying(slack, "orders: healthy"))
        assert "├─ ○ " in seen.plain(), "the picture"

        await oncall.types(INCIDENT, "/redis connect orders")
        told = await slack.waits_for(lambda: saying(slack, "How an application connects to orders"))
        assert "sentinel.master_for('mymaster', retry=ONCE)" in told.plain()
        await slack.waits_for(lambda: "REDIS_MASTER_NAME=mymaster" in house.thread(told))

        await oncall.types(INCIDENT, "/redis failover orders")
        card = await slack.waits_for(lambda: saying(slack, "failover orders: destructive"))
        assert "3 people can approve, 2 are active" in card.plain()
        assert [text for text, _, _ in card.buttons()] == ["Approve", "Deny", "Withdraw", "Details"]

        assert (await oncall.clicks(card, "approve")).acked
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "a second person"))

        assert (await lead.clicks(card, "approve")).acked
        await slack.waits_for(lambda: "Approved by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())
        assert [text for text, _, _ in slack.message(INCIDENT, card.ts).buttons()] == ["Details"]
        done = await slack.waits_for(lambda: saying(slack, "failover orders: done and proven"), within=120)
        await slack.waits_for(lambda: "Transcript of" in house.thread(done))
        assert "<@U0ONCALL>: `failover orders` is done and proven" in house.thread(done)

        await oncall.clicks_stale(card, "approve")
        await lead.clicks_stale(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "<@U0LEAD>") or whispered(slack, "U0LEAD", "already"))

        await oncall.types(INCIDENT, "/redis events orders --since 1h")
        line = (await slack.waits_for(lambda: saying(slack, "orders: 2 events since"))).plain()
        assert "failover began, asked for by" in line
        assert "failover ended: done" in line
    progress = [call for call in slack.calls if call.method == "chat.update" and call.args["ts"] == done.ts]
    apart = [later.at - sooner.at for sooner, later in pairwise(progress)]
    assert min(apart) >= 1.4, "coalesced"
    assert all(delivery.error is None for delivery in slack.deliveries)
    assert [call for call in slack.calls if call.error] == []
    assert slack.broadcast_mentions == []
