"""``verify`` on real servers: every check, the write probe, the second look."""

import asyncio

import pytest

from actions import verify
from actions.adapters import connect
from actions.kit.errors import UsageError
from actions.kit.findings import FindingId
from actions.kit.topology import Kind, Target
from sandbox.redis import build, replication, sentinel
from tests.failover import target_of

pytestmark = pytest.mark.servers


async def test_all_is_proven_twice(progress):
    async with sentinel(build()) as topology:
        hands = connect(target_of(topology))
        seen = await verify.ACTION.look(hands, {"again": "0.2"}, progress)
        keys = await topology.nodes[0].command("DBSIZE")
        await hands.aclose()

    half = len(seen.checks) // 2
    assert all(check.ok for check in seen.checks), seen.checks
    assert all(check.title.endswith(", now") for check in seen.checks[:half])
    assert all(check.title.endswith(", after 0.2 s") for check in seen.checks[half:])
    assert any("takes a write" in check.title for check in seen.checks[:half])
    assert progress.said == [f"{half} of {half} checks passed. Looking again after 0.2 s, for what may be reverted."]
    assert keys == 0


async def test_the_second_look_sees_what_was_reverted(progress):
    async with replication(build()) as topology:
        hands = connect(target_of(topology))

        async def meanwhile(_sentence: str) -> None:
            await topology.nodes[1].command("REPLICAOF", "NO", "ONE")

        seen = await verify.ACTION.look(hands, {"again": "0.1"}, meanwhile)
        await hands.aclose()

    assert all(check.ok for check in seen.checks if check.title.endswith(", now"))
    assert [check.title for check in seen.checks if not check.ok] == ["one master is agreed on, after 0.1 s"]
    assert seen.diagnosis.verdict.id is FindingId.SPLIT_BRAIN


async def test_a_master_that_refuses_writes_fails_its_check(progress):
    async with sentinel(build()) as topology:
        await topology.nodes[0].command("CONFIG", "SET", "min-replicas-to-write", 5)
        hands = connect(target_of(topology))
        seen = await verify.ACTION.look(hands, {"again": "0"}, progress)
        await hands.aclose()

    failed = [check for check in seen.checks if not check.ok]
    assert ["takes a write" in check.title for check in failed] == [True]
    assert progress.said == []


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "601"])
async def test_an_unusable_wait(text, progress):
    hands = connect(Target("orders", Kind.REPLICATION))
    with pytest.raises(UsageError, match="--again takes seconds from 0 to 600"):
        await verify.ACTION.look(hands, {"again": text}, progress)


async def test_without_sentinels_a_replica_that_takes_writes_and_a_chain_are_seen(progress):
    async with replication(build()) as topology:
        _, second, third = topology.nodes
        await third.command("CONFIG", "SET", "replica-read-only", "no")
        await third.command("REPLICAOF", *second.address.rsplit(":", 1))
        hands = connect(target_of(topology))
        async with asyncio.timeout(90):
            while not (seen := await verify.ACTION.look(hands, {"again": "0"}, progress)).checks[2].ok:
                await asyncio.sleep(0.05)
        await hands.aclose()

    said = {check.title.removesuffix(", now"): check for check in seen.checks}
    assert (
        f"link up behind {second.address}" in said[f"{third.address} follows {topology.nodes[0].address}"].observation
    )
    assert said["nobody else moves the roles"].ok
    assert [check.title for check in seen.checks if not check.ok] == [
        f"{third.address} takes no writes of its own, now"
    ]


async def test_a_sentinel_that_the_settings_do_not_know_of_fails_its_check(progress):
    async with sentinel(build(), sentinels=1, quorum=1) as topology:
        hands = connect(target_of(topology, kind=Kind.REPLICATION, sentinels=(), master_name=""))
        seen = await verify.ACTION.look(hands, {"again": "0"}, progress)
        await hands.aclose()

    (failed,) = [check for check in seen.checks if not check.ok]
    assert failed.title == "nobody else moves the roles, now"
    assert failed.observation.startswith(f"Sentinels watch {topology.nodes[0].address}")
    assert seen.diagnosis.verdict.id is FindingId.SENTINEL_MISCONFIGURED
    assert "which targets.yaml calls kind: replication" in seen.diagnosis.verdict.summary
