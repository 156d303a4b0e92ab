"""The demo's stage: what its buttons break, and what they say."""

import pytest

from sandbox.demo import STAGES
from sandbox.demo.stage import state
from sandbox.redis import build
from tests.sandbox.elasticache.conftest import Boto

pytestmark = pytest.mark.servers


async def test_the_buttons_of_the_stage_break_aws_and_mend_it():
    async with STAGES["elasticache"](build()) as stage:
        buttons = {button.id: button.press for button in stage.buttons}
        assert stage.target == {"kind": "elasticache", "region": "eu-west-1", "replication_group_id": "orders"}
        assert stage.environment["TANDEM_AWS_ENDPOINT_URL"] == stage.aws.endpoint_url
        assert "orders-001 at 127." in await state(stage, 0.0)
        boto = Boto(stage.aws)
        assert await buttons["stuck"]() == (
            "The next change that AWS accepts: the status stays modifying, and nothing else happens."
        )
        await boto("test_failover", ReplicationGroupId="orders", NodeGroupId="0001")
        await stage.aws.settled()
        assert (await boto.group())["Status"] == "modifying"
        assert "what was stuck is as it was" in await buttons["mend"]()
        assert (await boto.group())["Status"] == "available"
        for button in ("throttle", "deny", "undo"):
            assert await buttons[button]()
        assert stage.aws.faults.denied
        await buttons["mend"]()
        assert await boto.messages()
        assert (await buttons["lost"]()).startswith("0 of ")
