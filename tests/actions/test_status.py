"""``status`` on real servers."""

import pytest

from actions import status
from actions.adapters import connect
from actions.kit.findings import FindingId
from sandbox.redis import build, sentinel
from tests.failover import target_of

pytestmark = pytest.mark.servers


async def test_one_look_and_its_verdict(progress):
    async with sentinel(build()) as topology:
        hands = connect(target_of(topology))
        well = await status.ACTION.look(hands, {}, progress)
        await topology.nodes[2].kill()
        ill = await status.ACTION.look(hands, {}, progress)
        await hands.aclose()

    assert well.diagnosis.verdict.id is FindingId.HEALTHY
    assert ill.diagnosis.verdict.id is FindingId.REPLICA_DOWN
    assert status.ACTION.whole_fleet
    assert progress.said == []
