"""``health`` on real servers."""

import pytest

from actions import health
from actions.adapters import connect
from actions.kit.findings import FindingId
from sandbox.redis import build, replication
from tests.failover import target_of

pytestmark = pytest.mark.servers


async def test_one_look_at_every_node(progress):
    async with replication(build()) as topology:
        hands = connect(target_of(topology))
        seen = await health.ACTION.look(hands, {}, progress)
        await hands.aclose()

        assert tuple(str(node.address) for node in seen.snapshot.nodes) == topology.node_addresses
    assert seen.diagnosis.verdict.id is FindingId.HEALTHY
    assert str(seen.diagnosis.master) == topology.node_addresses[0]
    assert seen.checks == ()
