"""``tandem serve`` before a Slack that takes nothing: killed before it could post, cut off during a whole failover."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.redis import builds
from sandbox.slack import Message
from tests.scenarios.test_killed_bot import INCIDENT, Incident, incident

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

BUILD = builds()[0]


def saying(scene: Incident, text: str) -> list[Message]:
    return [one for one in scene.slack.messages(INCIDENT) if text in one.plain()]


def posts(scene: Incident) -> int:
    return len([one for one in scene.slack.calls if one.method == "chat.postMessage"])


async def test_killed_before_the_card_is_posted_and_cut_off_from_its_approval_to_its_end(tmp_path: Path) -> None:
    async with incident(BUILD, tmp_path, f"sqlite+aiosqlite:///{tmp_path}/tandem.db") as scene:
        slack, old = scene.slack, await scene.topology.master()
        slack.faults.rate_limit("chat.postMessage", retry_after=10)  # Longer than it takes to kill it.
        await slack.person("U0ONCALL").types(INCIDENT, "/redis failover orders")
        await slack.waits_for(lambda: posts(scene))
        await scene.bot.kill()
        assert saying(scene, "destructive") == []
        await scene.bot.start()
        (card,) = await slack.waits_for(lambda: saying(scene, "failover orders: destructive"))

        await slack.person("U0LEAD").clicks(card, "approve")
        await scene.reached("only choice", "running")
        await slack.waits_for(lambda: scene.rows("SELECT * FROM hearing"))
        restart = saying(scene, "Tandem did not hear Slack")  # That takes long on a busy machine.
        await slack.switch_off()
        await slack.waits_for(scene.ended, within=180)
        assert await scene.topology.master() is not old
        await slack.switch_on()
        (done,) = await slack.waits_for(lambda: saying(scene, "failover orders: done and proven"), within=180)
        await slack.waits_for(lambda: slack.messages(INCIDENT, thread_ts=done.ts)[1:])
        (told,) = await slack.waits_for(
            lambda: saying(scene, "Tandem did not hear Slack from <!date^")[len(restart) :], within=60
        )
        assert "Approved by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain()
        shown = [one.ts for one in slack.messages(INCIDENT) if one.ephemeral_for is None]
        assert sorted(shown) == sorted(one.ts for one in (card, done, told, *restart)), "each of them once"
        await scene.load.stop()
        assert await scene.load.lost(await scene.topology.master()) == 0
