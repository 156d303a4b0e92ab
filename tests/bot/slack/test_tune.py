"""Settings changed from the channel: what it costs on the card, a second person, done and proven."""

import pytest

from sandbox.redis import Topology
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered
from tests.failover import setting

pytestmark = pytest.mark.servers


async def test_a_limit_with_a_second_person(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis) | {"rules": [{"risks": ["reversible"], "approvals": 0}]})
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    async with house.bot():
        await oncall.types(INCIDENT, "/redis tune orders")
        told = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "Say what to set"))
        assert "maxmemory 0 (no limit)" in told.plain()
        await oncall.types(INCIDENT, "/redis tune orders maxmemroy=1gb")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "did you mean maxmemory?"))
        await oncall.types(INCIDENT, "/redis tune orders maxmemory=1mb")
        await slack.waits_for(lambda: saying(slack, "it would refuse writes at once"))

        await oncall.types(INCIDENT, "/redis tune orders maxmemory=1gb maxmemory-policy=allkeys-lru")
        card = await slack.waits_for(lambda: saying(slack, "tune orders: destructive"))
        assert "maxmemory 0 (no limit) to 1gb on all 3 nodes" in card.plain()
        assert "Evicted at once" in card.plain()
        assert "New master" not in card.plain()
        assert "drops keys that nobody has deleted" in card.plain()
        await lead.clicks(card, "approve")
        await slack.waits_for(lambda: saying(slack, "tune orders: done and proven"), within=60)
        shown = slack.message(INCIDENT, card.ts).plain()
        assert "Approved by <@U0LEAD>" in shown
        assert [await setting(node, "maxmemory-policy") for node in redis.nodes] == ["allkeys-lru"] * 3
        run = await slack.waits_for(lambda: saying(slack, "tune orders: done and proven"))
        (request_id,) = {value.split()[1] for text, _, value in run.buttons() if text == "Undo"}
        await redis.nodes[0].command("CONFIG", "SET", "maxmemory", "2gb")
        await oncall.types(INCIDENT, f"/redis undo {request_id}")
        await slack.waits_for(lambda: saying(slack, "is 2gb by now, and not 1gb: somebody has changed it since"))
        await redis.nodes[0].command("CONFIG", "SET", "maxmemory", "1gb")
        await oncall.types(INCIDENT, f"/redis undo {request_id} --break-glass")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "Breaking the glass takes a reason"))
        assert (await oncall.clicks(run, "run:0")).acked
        card = await slack.waits_for(lambda: saying(slack, "tune orders: reversible"))
        assert f"It puts back {request_id}." in card.plain()
        assert "maxmemory-policy allkeys-lru to noeviction on all 3 nodes" in card.plain()
        assert "It takes no approval here." in card.plain()
        await slack.waits_for(lambda: saying(slack, "tune orders: done and proven").ts != run.ts, within=60)
        assert [await setting(node, "maxmemory-policy") for node in redis.nodes] == ["noeviction"] * 3
        await oncall.types(INCIDENT, "/redis runs")
        line = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "Requests and runs"))
        assert "tune orders maxmemory=1gb maxmemory-policy=allkeys-lru" in line.plain()
