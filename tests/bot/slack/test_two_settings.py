"""Two bots on one ledger whose settings differ: what one of them would allow, the other might refuse."""

from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets
from tests.failover import PATIENT


async def test_nothing_begins_until_they_agree_and_looking_goes_on(
    slack: LocalSlack, house: House, redis: Topology
) -> None:
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    house.keep(targets(redis))
    async with house.bot():
        await oncall.types(INCIDENT, "/redis failover orders")
        card = await slack.waits_for(lambda: saying(slack, "failover orders: destructive"))
        house.keep(targets(redis, limits=PATIENT | {"max_lag_bytes": 5}))
        async with house.bot():
            for _ in range(2):  # One command for each of the bots, whichever hears it first.
                await oncall.types(INCIDENT, "/redis failover orders")
            refused = await slack.waits_for(lambda: saying(slack, "Two bots go by different settings"))
            assert ": target orders. Nothing that changes anything begins" in refused.plain()
            await lead.clicks(card, "approve")
            void = await slack.waits_for(lambda: saying(slack, "the approval is void"))
            assert "Two bots go by different settings" in void.plain()
            await oncall.types(INCIDENT, "/redis health orders")
            await slack.waits_for(lambda: saying(slack, "orders: healthy"))
    assert await redis.master() is redis.nodes[0]
