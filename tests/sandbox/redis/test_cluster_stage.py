"""The demo's stage of a cluster: what its buttons break and mend, and what they say."""

import pytest

from sandbox.demo import STAGES
from sandbox.demo.stage import state
from sandbox.redis import build

pytestmark = pytest.mark.servers


async def test_the_buttons_of_the_stage_break_a_cluster_and_mend_it():
    async with STAGES["cluster"](build()) as stage:
        buttons = {button.id: button.press for button in stage.buttons}
        assert stage.target["kind"] == "cluster"
        first = stage.made.primaries[0]
        assert first.address in await state(stage, 0.0)
        assert "is on its way to" in await buttons["open-slot"]()
        assert "->-" in await first.command("CLUSTER", "NODES")
        assert await buttons["hang-master"]() == (
            f"The master {first.address} hangs (SIGSTOP): connections stay open, nothing is answered."
        )
        assert "nobody can vote" in await buttons["lose-majority"]()
        assert "no slot is open" in await buttons["heal"]()
        assert "->-" not in await first.command("CLUSTER", "NODES")
        assert "(kill -9)" in await buttons["stop-master"]()
        await buttons["heal"]()
        assert " acknowledged writes are missing." in await buttons["lost"]()
