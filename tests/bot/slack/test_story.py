"""The whole story in the channel, on real servers: looked at, planned, approved by a second person, done, proven."""

import pytest

from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack, Message
from tests.bot.slack.conftest import INCIDENT, House, targets

pytestmark = pytest.mark.servers


async def test_a_failover_with_a_second_person(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    async with house.bot():
        assert (await oncall.types(INCIDENT, "/redis diagnose")).acked
        seen = await slack.waits_for(lambda: saying(slack, "orders: healthy"))
        assert "master" in seen.plain()

        await oncall.types(INCIDENT, "/redis failover orders")
        card = await slack.waits_for(lambda: saying(slack, "failover orders: destructive"))
        assert "3 people can approve, 2 are active" in card.plain()
        assert [text for text, _, _ in card.buttons()] == ["Approve", "Deny", "Details"]

        assert (await oncall.clicks(card, "approve")).acked
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "second person"))

        assert (await lead.clicks(card, "approve")).acked
        await slack.waits_for(lambda: "Approved by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())
        done = await slack.waits_for(lambda: saying(slack, "failover orders: done and proven"), within=90)
        print(slack.transcript(INCIDENT))
        assert "Transcript" in "\n".join(one.plain() for one in slack.messages(INCIDENT, thread_ts=done.ts))
        assert slack.broadcast_mentions == []
    assert all(delivery.error is None for delivery in slack.deliveries)
    assert [call for call in slack.calls if call.error] == []


def saying(slack: LocalSlack, text: str) -> Message | None:
    return next((one for one in slack.messages(INCIDENT) if text in one.plain()), None)


def whispered(slack: LocalSlack, user: str, text: str) -> Message | None:
    private = (one for one in slack.messages(INCIDENT) if one.ephemeral_for == user)
    return next((one for one in private if text in one.plain()), None)
