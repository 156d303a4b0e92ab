"""The demo's stage on Kubernetes: what its buttons break, and what they say."""

import asyncio

import pytest

from sandbox.demo import STAGES
from sandbox.demo.stage import state
from sandbox.redis import build

pytestmark = pytest.mark.servers


async def test_the_buttons_of_the_stage_break_kubernetes_and_mend_it():
    async with STAGES["kubernetes"](build()) as stage:
        buttons = {button.id: button.press for button in stage.buttons}
        assert stage.target["kind"] == "sentinel"
        assert stage.target["kubernetes"]["release"] == "redis"
        assert "redis-node-0 at 127." in await state(stage, 0.0)
        assert "do not start" in await buttons["typo"]()
        assert "do not notice" in await buttons["stale"]()
        assert "Everything of redis-node-0 hangs" in await buttons["hang-master"]()
        assert await buttons["mend"]() == "Nothing is made to fail any more."
        await stage.release.ready()
        assert await buttons["lost"]() == f"0 of {stage.load.acked} acknowledged writes are missing on redis-node-0."
        assert (await buttons["crash-loop"]()).startswith("The container redis of redis-node-0 ends")
        async with asyncio.timeout(60):
            while await stage.release.masters() in ([], ["redis-node-0"]):
                await asyncio.sleep(0.1)
        assert "has evicted redis-node-" in await buttons["evict"]()
        async with asyncio.timeout(60):
            while not (said := await buttons["delete-master"]()).startswith("That did not work"):
                await asyncio.sleep(0.01)
        assert said == "That did not work: No running node is a master."
