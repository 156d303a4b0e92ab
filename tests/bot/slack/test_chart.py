"""A chart from the channel: its numbers in the message, its picture in the thread."""

import io

import pytest
import yaml
from PIL import Image

from sandbox.redis import build, replication
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered


@pytest.mark.servers
async def test_the_numbers_are_in_the_message_and_the_picture_is_in_its_thread(slack: LocalSlack, house: House) -> None:
    oncall = slack.person("U0ONCALL")
    async with replication(build(), replicas=1) as topology:
        nodes = {"kind": "replication", "nodes": list(topology.node_addresses)}
        content = targets(None)
        content["targets"] = {"orders": nodes | {"channels": [INCIDENT], "limits": {"timeout_ms": 10_000}}}
        house.keep(yaml.safe_load(yaml.safe_dump(content)))
        async with house.bot():
            assert (await oncall.types(INCIDENT, "/redis chart orders --for 2s")).acked
            told = await slack.waits_for(lambda: saying(slack, "Sampled by Tandem for"), within=150)
            shown = told.plain()
            assert all(f"{node}" in shown for node in topology.node_addresses)
            assert all(panel in shown for panel in ("Connected clients", "Replication lag in bytes", "Cache hit ratio"))
            await slack.waits_for(lambda: "(file chart.png)" in house.thread(told), within=150)
            assert "Memory used" in house.thread(told)

            slack.faults.fail("files.completeUploadExternal", error="missing_scope")
            await oncall.types(INCIDENT, "/redis chart orders --for 2s")
            told = await slack.waits_for(
                lambda: (new := saying(slack, "Sampled by Tandem for")) and new.ts != told.ts and new, within=150
            )
            await slack.waits_for(
                lambda: "chart.png is missing here. The app lacks a right" in house.thread(told), within=150
            )

            await oncall.types(INCIDENT, "/redis chart orders --for 1d")
            await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "--for takes 2s to 5m"))
    shared, _ = slack.world.files.values()
    assert shared.title == "Chart of orders"
    assert shared.alt.startswith("Six panels of orders. Sampled by Tandem for")
    assert len(shared.alt) <= 1_000
    picture = Image.open(io.BytesIO(shared.content or b""))
    assert picture.height > picture.width == 900
