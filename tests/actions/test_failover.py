"""Every refusal of a failover, made true on real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from actions import failover
from actions.adapters import TargetHands, connect
from actions.kit.errors import NotYet, UsageError
from actions.kit.fencing import FENCE_REPLICAS, MAX_LAG, SWITCHED_OFF
from actions.kit.findings import FindingId
from actions.kit.plan import Held, Plan, Refusal
from actions.kit.promotion import FenceCandidate
from actions.kit.sentinel_switch import LastLook
from actions.kit.steps import until
from actions.kit.topology import Credentials, Limits, Target
from sandbox.redis import Topology, WriteLoad, build, builds, faults, sentinel
from tests.failover import PATIENT, answered, caught_up, planned, target_of

pytestmark = pytest.mark.servers

NAMES = [one.name for one in builds()]
NAME = "redis-7.0" if "redis-7.0" in NAMES else NAMES[0]

Change = Callable[[Target], Target]


def soon(target: Target) -> Target:
    """Where a server hangs."""
    return replace(target, timeout_ms=3_000)


@asynccontextmanager
async def seen(topology: Topology, change: Change = lambda target: target) -> AsyncIterator[TargetHands]:
    hands = connect(change(target_of(topology)))
    try:
        yield hands
    finally:
        await hands.aclose()


async def refusal(topology: Topology, change: Change = lambda target: target, **options: str) -> str:
    """Why there is no plan now; an answer that comes only after a moment is waited for."""
    async with seen(topology, change) as hands:
        answer = failover.plan(await hands.observe(), options)
        assert isinstance(answer, Refusal), answer
        assert all(reason.endswith(".") for reason in answer.reasons), answer.reasons
        return answer.reason


async def until_refused(
    topology: Topology, words: str, within_s: float = 60, change: Change | None = None, **options: str
) -> str:
    async with seen(topology, change or (lambda target: target)) as hands:
        deadline = time.monotonic() + within_s
        while True:
            answer = failover.plan(await hands.observe(), options)
            text = answer.reason if isinstance(answer, Refusal) else "a plan"
            if words in text:
                return text
            assert time.monotonic() < deadline, text
            await asyncio.sleep(0.05)


async def test_where_all_is_well_there_is_a_plan_that_says_why() -> None:
    async with sentinel(build(NAME)) as topology, seen(topology) as hands:
        first = failover.plan(await answered(hands), {})
        again = failover.plan(await answered(hands), {})
        assert isinstance(first, Plan)
        assert isinstance(again, Plan)
        assert first.fingerprint == again.fingerprint, "offsets move; the fingerprint does not"
        assert "3 of 3 Sentinels name" in first.because
        assert [one.node for one in first.rejected] == [hands.target.nodes[2]]
        assert first.cost.loss_bytes == 0
        assert first.cost.pause_ms > 0
        assert any("up to 20 s go by" in note for note in first.cost.notes), "so long until the fence stands"


async def test_a_restarted_replica_makes_another_fingerprint() -> None:
    async with sentinel(build(NAME)) as topology, seen(topology) as hands:
        before = failover.plan(await answered(hands), {})
        await topology.nodes[2].restart()
        await topology.ready()
        after = failover.plan(await answered(hands), {})
        assert isinstance(before, Plan)
        assert isinstance(after, Plan)
        assert before.fingerprint != after.fingerprint


async def test_the_master_does_not_answer() -> None:
    async with sentinel(build(NAME), down_after_ms=60_000) as topology:
        await faults.hang_master(topology)
        assert "does not answer" in await refusal(topology, soon)


async def test_sentinel_holds_the_master_to_be_down() -> None:
    async with sentinel(build(NAME), quorum=3, down_after_ms=1000) as topology:
        await topology.sentinels[0].hang()  # No majority that could fail over by itself.
        await topology.sentinels[1].hang()
        await faults.hang_master(topology)
        text = await until_refused(topology, "s_down", change=soon)
        assert "no majority" in text


@pytest.mark.parametrize("dead", [1, 2])
async def test_sentinels_are_gone(dead: int) -> None:
    async with sentinel(build(NAME), quorum=3 if dead == 1 else 2, down_after_ms=1000) as topology:
        for server in topology.sentinels[-dead:]:
            await server.kill()
        text = await until_refused(topology, "has no quorum")
        assert ("no majority" in text) == (dead == 2)


async def test_a_failover_is_in_progress() -> None:
    """It lasts as long as the replica that is to be promoted hangs."""
    patient = {"down_after_ms": 60_000, "failover_timeout_ms": 60_000}
    async with sentinel(build(NAME), replicas=1, **patient) as topology, seen(topology, soon) as hands:
        await topology.nodes[1].hang()
        await topology.sentinels[0].command("SENTINEL", "FAILOVER", topology.master_name)
        answer = failover.plan(await hands.observe(), {})
        assert isinstance(answer, Refusal)
        assert "A failover is in progress" in answer.reason
        assert FindingId.FAILOVER_IN_PROGRESS in {finding.id for finding in answer.findings}


async def test_the_sentinels_disagree() -> None:
    async with sentinel(build(NAME), down_after_ms=60_000) as topology:
        odd, host, port = topology.sentinels[2], *topology.nodes[1].address.rsplit(":", 1)
        await odd.command("SENTINEL", "REMOVE", topology.master_name)
        await odd.command("SENTINEL", "MONITOR", topology.master_name, host, port, "2")
        text = await until_refused(topology, "disagree about the master")
        assert topology.nodes[0].address in text
        assert topology.nodes[1].address in text


async def test_a_sentinel_does_not_know_the_name() -> None:
    async with sentinel(build(NAME)) as topology:
        text = await refusal(topology, lambda target: replace(target, master_name="mastr"))
        assert f"does not know 'mastr'; it monitors {topology.master_name}" in text
        assert "Mend master_name in targets.yaml" in text


async def test_a_sentinel_is_in_tilt() -> None:
    async with sentinel(build(NAME)) as topology:
        await topology.sentinels[2].hang()
        await asyncio.sleep(3)
        await topology.sentinels[2].resume()
        await until_refused(topology, "is in TILT")


async def test_split_brain() -> None:
    async with sentinel(build(NAME), links=True) as topology:
        await faults.split_brain(topology)
        assert "Split brain" in await refusal(topology)


async def test_the_fence_may_not_be_set() -> None:
    async with sentinel(build(NAME), password="admin") as topology:
        await topology.nodes[0].command("ACL", "SETUSER", "blind", "on", ">blind", "~*", "+@all", "-config")
        for node in topology.nodes[1:]:
            await node.command("ACL", "SETUSER", "blind", "on", ">blind", "~*", "+@all")
        text = await refusal(topology, lambda target: replace(target, auth=Credentials("blind", "blind")))
        assert "CONFIG GET is not allowed" in text
        assert "NOPERM" in text


async def test_a_fence_was_left_behind() -> None:
    async with sentinel(build(NAME)) as topology:
        await topology.nodes[0].command("CONFIG", "SET", "min-replicas-to-write", str(FENCE_REPLICAS))
        assert "an earlier failover was cut off" in await refusal(topology)


async def test_a_fence_was_left_behind_on_a_replica() -> None:
    """As master it would refuse every write, and the failover would be over before that showed."""
    async with sentinel(build(NAME), replicas=1) as topology:
        await topology.nodes[1].command("CONFIG", "SET", "min-replicas-to-write", str(FENCE_REPLICAS))
        assert "it holds the fence of an earlier failover" in await refusal(topology)


async def test_a_candidate_whose_fence_is_switched_off_meanwhile_is_not_promoted() -> None:
    """It would take writes as soon as it is master, before the Sentinels name it."""
    async with (
        sentinel(build(NAME), replicas=1) as topology,
        seen(topology, lambda target: replace(target, timeout_ms=PATIENT["timeout_ms"])) as hands,
    ):
        steps = (await planned(hands)).steps
        fence = next(step for step in steps if isinstance(step, FenceCandidate))
        look = next(step for step in steps if isinstance(step, LastLook))

        async def looked() -> Held:
            return Held(yes=True, observation=await look.act(hands))

        await fence.act(hands)
        await until(looked, hands, 60)
        await topology.nodes[1].command("CONFIG", "SET", MAX_LAG, "0")
        with pytest.raises(NotYet, match=f"would take writes as soon as it is promoted: {SWITCHED_OFF}"):
            await look.act(hands)


async def test_the_master_hands_over_by_itself() -> None:
    async with sentinel(build(NAME), down_after_ms=60_000) as topology:
        await topology.nodes[1].hang()
        host, port = topology.nodes[1].address.rsplit(":", 1)
        await topology.nodes[0].command("SET", "behind", "1")
        await topology.nodes[0].command("FAILOVER", "TO", host, port, "TIMEOUT", "20000")
        assert "in a FAILOVER of its own: waiting-for-sync" in await refusal(topology, soon)
        await topology.nodes[0].command("FAILOVER", "ABORT")


async def test_all_replicas_are_barred_dead_or_lost() -> None:
    async with sentinel(build(NAME), down_after_ms=1000) as topology:
        await topology.nodes[1].command("CONFIG", "SET", "replica-priority", "0")
        await topology.nodes[2].kill()
        text = await refusal(topology)
        assert "No replica can take over" in text
        assert "its replica-priority is 0: never to be promoted" in text
        assert "it does not answer" in text


async def test_no_replica_at_all() -> None:
    async with sentinel(build(NAME), replicas=0) as topology:
        assert "No replica can take over" in await refusal(topology)


async def test_the_candidate_lags_too_far() -> None:
    async with sentinel(build(NAME), links=True) as topology, WriteLoad(topology, rate=500):
        for link in topology.links:
            await link.delay_replication(0.5)
        limits = Limits(max_lag_bytes=2_000)
        text = await until_refused(
            topology, "more than the limit", change=lambda target: replace(target, limits=limits)
        )
        assert "bytes behind, more than the limit of 2000" in text


async def test_the_candidate_is_cut_off_from_the_master() -> None:
    async with sentinel(build(NAME), replicas=1, links=True, extra_config={"repl-timeout": "2"}) as topology:
        await faults.cut_replica(topology)
        await until_refused(topology, "its link to the master is down")


async def test_the_candidate_is_loading() -> None:
    """8 MB in keys of 8 kB, and a pause after each key: INFO is answered meanwhile."""
    slow = {"key-load-delay": "10000", "rdbcompression": "no"}
    async with sentinel(build(NAME), replicas=1, down_after_ms=60_000, extra_config=slow) as topology:
        fill = "for n = 1, 1000 do redis.call('SET', n, string.rep('x', 8192)) end"
        await topology.nodes[0].command("EVAL", fill, "0")
        replica = topology.nodes[1]
        await caught_up(topology.nodes[0], replica)
        await replica.command("SAVE", timeout_s=30)
        await replica.kill()
        starting = asyncio.create_task(replica.start())
        try:
            # While it loads it looks at its clients once in 2 MB.
            text = await until_refused(topology, "it is loading")
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        assert "No replica can take over" in text


async def test_the_candidate_follows_another() -> None:
    async with sentinel(build(NAME), down_after_ms=60_000) as topology:
        host, port = topology.nodes[1].address.rsplit(":", 1)
        await topology.nodes[2].command("REPLICAOF", host, port)
        text = await refusal(topology, to=topology.nodes[2].address)
        assert f"it follows {topology.nodes[1].address}, not the master" in text


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("127.9.9.9:1", "is not a node of orders; its replicas are"), ("master", "is the master already")],
)
async def test_the_wanted_node_cannot_be_it(wanted: str, words: str) -> None:
    async with sentinel(build(NAME)) as topology:
        assert words in await refusal(topology, to=topology.nodes[0].address if wanted == "master" else wanted)


async def test_the_wanted_node_is_no_address() -> None:
    async with sentinel(build(NAME)) as topology, seen(topology) as hands:
        with pytest.raises(UsageError, match="write host:port"):
            failover.plan(await hands.observe(), {"to": "10.0.0.1:99999"})
