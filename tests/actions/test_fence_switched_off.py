"""A fence is two settings: one of them at 0 switches it off, and no step goes on as if it held. On each server."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from actions.adapters import connect
from actions.kit.cluster.steps import ClusterFailover
from actions.kit.errors import NotYet, TooLate
from actions.kit.fencing import FENCE, FENCE_REPLICAS, MAX_LAG, SWITCHED_OFF, but_scripts, takes_writes
from actions.kit.plan import SettingChange, Step
from actions.kit.promotion import FenceCandidate, Promote
from actions.kit.rejoin import Rejoin
from actions.kit.repair.fence import FenceLoser
from actions.kit.sentinel_switch import SentinelFailover
from actions.kit.steps import Demote, Fence
from actions.kit.topology import Address
from sandbox.redis import Build, Server, builds, replication
from tests.failover import PATIENT, Journal, setting, target_of

pytestmark = pytest.mark.servers

OLD_AND_NEW = [one for one in builds() if one.name == "redis-6.2" or one is builds()[0]]


async def fenced(node: Server, max_lag: str) -> None:
    await node.command("CONFIG", "SET", FENCE, str(FENCE_REPLICAS))
    await node.command("CONFIG", "SET", MAX_LAG, max_lag)


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_nothing_goes_on_behind_a_fence_that_was_switched_off(which: Build) -> None:
    async with replication(which, replicas=1) as topology:
        old, new = topology.nodes
        master, candidate = map(Address.parse, topology.node_addresses)
        fence = SettingChange(master, FENCE, str(FENCE_REPLICAS), "0")
        hands = connect(target_of(topology, timeout_ms=PATIENT["timeout_ms"]))
        try:
            await fenced(new, "10")
            for max_lag in ("10", "1", "2147483647"):
                await fenced(old, max_lag)
                with pytest.raises(ResponseError, match="NOREPLICAS"):
                    await old.command("SET", "refused", max_lag)
                assert not await takes_writes(master, hands), max_lag
            await fenced(old, "0")
            assert await old.command("SET", "taken", "1")
            assert await takes_writes(master, hands)

            steps: tuple[Step, ...] = (
                Fence(master, 100, (fence,)),
                FenceLoser(master, master, 100, (fence,)),
                Promote(candidate, master),
                SentinelFailover(candidate, "orders", master, candidate, 60_000, 180_000),
                ClusterFailover(candidate, master, 0),
            )
            for step in steps:
                with pytest.raises(NotYet, match=SWITCHED_OFF):
                    await step.act(hands)
            await new.command("CONFIG", "SET", MAX_LAG, "0")
            with pytest.raises(NotYet, match=f"{candidate} would take writes as master: {SWITCHED_OFF}"):
                await FenceCandidate(candidate, (SettingChange(candidate, FENCE, "2", "0"),)).act(hands)
            assert (await old.command("ROLE"))[0] == "master"
            assert (await new.command("ROLE"))[0] == "slave"

            await new.command("REPLICAOF", "NO", "ONE")
            with pytest.raises(TooLate, match=f"its fence was gone .{SWITCHED_OFF}., and what it took without it"):
                await Demote(master, candidate, 60_000, fenced=True).act(hands)
        finally:
            await hands.aclose()


async def test_an_old_master_whose_own_settings_switch_a_fence_off_is_closed_all_the_same() -> None:
    """Nobody could ask for them while it was lost."""
    async with replication(builds()[0], replicas=1) as topology:
        old, new = topology.nodes
        master, candidate = map(Address.parse, topology.node_addresses)
        await old.command("CONFIG", "SET", MAX_LAG, "0")
        hands, journal = connect(target_of(topology, timeout_ms=PATIENT["timeout_ms"])), Journal()
        back: dict[str, str] = {}
        rejoin = Rejoin(master, candidate, (SettingChange(master, FENCE, str(FENCE_REPLICAS), "0"),), 100, within_s=60)
        try:
            await rejoin.close(hands, journal, back)
            assert not await takes_writes(master, hands)
            assert back == {MAX_LAG: "0", FENCE: "0"}
            assert {(change.name, change.old) for change in journal.owed} == set(back.items())
            await new.command("REPLICAOF", "NO", "ONE")
            await rejoin.home(hands, journal, back)
            assert (await setting(old, MAX_LAG), await setting(old, FENCE), journal.owed) == ("0", "0", [])
        finally:
            await hands.aclose()


@pytest.mark.parametrize("which", OLD_AND_NEW, ids=lambda one: one.name)
async def test_what_gets_past_the_fence_of_an_old_master_that_is_kept_closed_is_said(which: Build) -> None:
    """Nobody demotes it, so its pause ends and its fence stays."""
    async with replication(which, replicas=1) as topology:
        old, new = topology.nodes
        master, candidate = map(Address.parse, topology.node_addresses)
        await new.command("REPLICAOF", "NO", "ONE")
        await old.command("SET", "only:here", "1")
        hands = connect(target_of(topology, timeout_ms=PATIENT["timeout_ms"]))
        fence = SettingChange(master, FENCE, str(FENCE_REPLICAS), "0")
        try:
            with pytest.raises(TooLate) as kept:
                await Rejoin(master, candidate, (fence,), 100, within_s=60).home(hands, Journal(), {})
            with pytest.raises(ResponseError, match="NOREPLICAS"):
                await old.command("SET", "refused", "1")
            try:
                passes = bool(await old.command("EVAL", "return redis.call('set', 'by:script', '1')", "0"))
            except ResponseError:
                passes = False
            assert passes is (which.name == "redis-6.2")
            assert f"It refuses writes now{but_scripts(passing=passes)}, but was not demoted" in str(kept.value)
        finally:
            await hands.aclose()
