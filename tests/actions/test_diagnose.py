"""``diagnose`` on real servers: one look where all is well, else a second that tells what moves."""

import pytest

from actions import diagnose
from actions.adapters.redis import connect
from actions.kit.findings import FindingId
from sandbox.redis import Topology, build, replication
from tests.failover import target_of

pytestmark = pytest.mark.servers


async def test_one_look_where_all_is_well(progress):
    async with replication(build()) as topology:
        hands = connect(target_of(topology))
        seen = await diagnose.ACTION.look(hands, {}, progress)
        await hands.aclose()

    assert seen.diagnosis.verdict.id is FindingId.HEALTHY
    assert progress.said == []


async def test_a_second_look_tells_which_of_two_masters_takes_writes(progress):
    async with replication(build()) as topology:
        await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
        hands = connect(target_of(topology))

        async def write(sentence: str) -> None:
            await progress(sentence)
            await _write(topology)

        seen = await diagnose.ACTION.look(hands, {}, write)
        await hands.aclose()

    verdict = seen.diagnosis.verdict
    told = {(one.source, one.observation) for one in verdict.evidence}
    assert verdict.id is FindingId.SPLIT_BRAIN
    assert (f"node {topology.node_addresses[0]} INFO", "0 changes between two looks") in told
    assert (f"node {topology.node_addresses[1]} INFO", "3 changes between two looks") in told
    assert len(progress.said) == 1
    assert "Looking again after 1 s" in progress.said[0]


async def _write(topology: Topology) -> None:
    for number in range(3):
        await topology.nodes[1].command("SET", f"key:{number}", "value")
