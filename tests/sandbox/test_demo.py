"""What a newcomer does, on each kind that the demo can be asked for: look, fail over with a second person, count."""

import pytest

from actions.kit.errors import UsageError
from sandbox.demo import STAGES, run, running
from sandbox.slack import LocalSlack, Message

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

CHANNEL = "C0INCIDENT"
LATER = [kind for kind in STAGES if kind != "sentinel"]
"""The first kind is played in the browser."""
OPTIONS = {"cluster": " --shard 0"}
"""Of a cluster somebody has to say which master is meant."""


def saying(slack: LocalSlack, text: str) -> Message | None:
    """The newest message of the channel that says this."""
    return next((one for one in reversed(slack.messages(CHANNEL)) if text in one.plain()), None)


@pytest.mark.parametrize("kind", LATER)
async def test_each_kind_is_looked_at_and_failed_over_and_loses_nothing(kind: str) -> None:
    async with running(kind) as demo:
        slack = demo.slack
        oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
        await oncall.types(CHANNEL, "/redis health")
        await slack.waits_for(lambda: saying(slack, "orders: healthy"), within=60)
        await oncall.types(CHANNEL, "/redis failover" + OPTIONS.get(kind, ""))
        card = await slack.waits_for(lambda: saying(slack, "failover orders: destructive"), within=60)
        before = demo.stage.load.acked
        await lead.clicks(card, "approve")
        await slack.waits_for(lambda: saying(slack, "failover orders: done and proven"), within=180)
        (count,) = [button for button in demo.stage.buttons if button.id == "lost"]
        assert (await count.press()).startswith("0 of")
        assert demo.stage.load.acked > before
        assert slack.broadcast_mentions == []


def test_a_kind_that_is_none_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="choose one of sentinel, replication, cluster, elasticache, kubernetes"):
        run(kind="etcd")
