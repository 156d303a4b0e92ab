"""What a newcomer does, on each kind that the demo can be asked for: look, fail over with a second person, count."""

import asyncio
import shutil
from pathlib import Path

import pytest

from actions.kit.errors import UsageError
from sandbox.demo import STAGES, Demo, run, running
from sandbox.monitoring import installed
from sandbox.slack import LocalSlack, Message
from tests.failover import PATIENT

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

CHANNEL = "C0INCIDENT"
LATER = [kind for kind in STAGES if kind != "sentinel"]
"""The first kind is played in the browser."""
OPTIONS = {"cluster": " --shard 0"}
"""Of a cluster somebody has to say which master is meant."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's servers are slow to answer."""
    monkeypatch.setattr("sandbox.demo.stage.LIMITS", PATIENT)


def saying(slack: LocalSlack, text: str) -> Message | None:
    """The newest message of the channel that says this."""
    return next((one for one in reversed(slack.messages(CHANNEL)) if text in one.plain()), None)


async def press(demo: Demo, name: str) -> str | None:
    """A button of the page's side panel."""
    (button,) = (one for one in demo.slack.demo_buttons if one.id == name)
    return await button.press()


async def typed_elsewhere(demo: Demo, command: str) -> str:
    """What another terminal says, once it has read the file whose name the demo prints."""
    words = ("/bin/sh", "-c", f". {demo.bot.write_exports()}; {command}")
    terminal = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    said, _ = await terminal.communicate()
    return said.decode()


def told(slack: LocalSlack, *texts: str) -> Message | None:
    """The one message of an incident, if it says all of this."""
    found = [one for one in slack.messages(CHANNEL) if " opened " in one.plain() and "I-" in one.plain()]
    assert len(found) < 2, [one.plain() for one in found]
    return found[0] if found and all(text in found[0].plain() for text in texts) else None


async def test_without_prometheus_tandem_watches_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for program in filter(None, map(shutil.which, ("setpriv", "redis-server"))):
        (tmp_path / Path(program).name).symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    async with running("sentinel") as demo:
        slack = demo.slack
        await slack.waits_for(lambda: "Watched by: Tandem alone" in slack.demo_status)
        assert "prometheus-redis-exporter" in slack.demo_status
        assert "healthy" in await typed_elsewhere(demo, "tandem status")
        await press(demo, "stop-master")
        prompt = await slack.waits_for(lambda: told(slack, "What Tandem sees"), within=120)
        assert "|Prometheus>" not in prompt.plain()


async def told_by_prometheus_too(demo: Demo) -> None:
    """What is broken is in one message, by whoever sees it, until it is over."""
    slack = demo.slack
    await slack.waits_for(lambda: "Watched by: Tandem, and Prometheus" in slack.demo_status)
    await press(demo, "cut-replica")
    await slack.waits_for(lambda: told(slack, "*RedisReplicaLinkDown* ", "What Tandem sees"), within=120)
    await press(demo, "heal")
    over = await slack.waits_for(lambda: told(slack, "over after"), within=120)
    assert over.buttons() == []
    await slack.person("U0ONCALL").types(CHANNEL, "/redis chart")
    assert (
        "From Prometheus, the last 1 h"
        in (await slack.waits_for(lambda: saying(slack, "Cache hit"), within=120)).plain()
    )


@pytest.mark.parametrize("kind", LATER)
async def test_each_kind_is_looked_at_and_failed_over_and_loses_nothing(kind: str) -> None:
    async with running(kind) as demo:
        slack = demo.slack
        oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
        await oncall.types(CHANNEL, "/redis health")
        await slack.waits_for(lambda: saying(slack, "orders: healthy"), within=60)
        if kind == "replication" and installed():
            await told_by_prometheus_too(demo)
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
