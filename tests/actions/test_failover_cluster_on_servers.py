"""The planned failover in a cluster on real servers under write load, with a fault at each point."""

from __future__ import annotations

import asyncio

import pytest

from actions.kit.cluster.steps import AwaitAgreement, CheckShard, ClusterFailover, LetGo, ProveShards
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.plan import Step
from actions.kit.settlement import CutOff, settle
from actions.kit.step_types import STEP_TYPES
from actions.kit.steps import CatchUp, Fence
from bot.ledger.codec import PlanCodec
from sandbox.redis import Build, Server, Shape, builds
from tests.cluster_failover import cluster_under_load, in_haste, patient, turning_step
from tests.failover import Journal, cut_off, goes_on, setting

pytestmark = pytest.mark.servers

NEWEST = builds()[0]
each_build = pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)


async def role(node: Server) -> str:
    return str((await node.command("ROLE"))[0])


@each_build
async def test_it_moves_the_master_of_one_shard_and_loses_nothing(which: Build) -> None:
    async with cluster_under_load(which, Shape(replicas=2), acl=True) as scene:
        old, wanted = scene.made.primaries[0], scene.made.replicas(0)[1]
        before = await scene.epoch()
        plan = await scene.planned(to=wanted.address)
        await goes_on(scene.load, 100)
        ending, journal = await scene.carry_out(plan)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await role(wanted) == "master"
        assert await role(old) == "slave"
        assert await scene.epoch() == before + 1
        assert journal.owed == []
        await scene.as_it_was()
        assert await scene.lost() == 0


async def test_it_waits_for_bytes_that_are_still_under_way() -> None:
    async with cluster_under_load(NEWEST, links=True) as scene:
        for node in scene.made.nodes:
            await scene.made.link(node).delay_replication(0.3)
        await asyncio.sleep(0.5)
        ending, journal = await scene.carry_out(await scene.planned(shard="0"))
        assert ending == Ending(Outcome.DONE), journal.lines
        assert journal.states("CatchUp") == [StepState.DONE]
        await scene.as_it_was()
        assert await scene.lost() == 0


async def test_all_masters_of_a_host_move_one_after_the_other() -> None:
    async with cluster_under_load(NEWEST, Shape(shards=4, replicas=2, hosts=3)) as scene:
        host = scene.made.primaries[0].spec.bind[0]
        before = await scene.epoch()
        plan = await scene.planned(host=host)
        assert plan.candidate is None
        assert [type(step) for step in plan.steps].count(ClusterFailover) == 2
        ending, journal = await scene.carry_out(plan)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert host not in {node.spec.bind[0] for node in await scene.made.masters()}
        assert await scene.epoch() == before + 2
        await scene.as_it_was()
        assert await scene.lost() == 0


@pytest.mark.parametrize("at", [CheckShard, ClusterFailover], ids=lambda one: one.__name__)
async def test_it_stops_at_the_first_shard_that_fails_and_says_what_is_done(at: type[Step]) -> None:
    """The second candidate is lost before its turn comes, or in the middle of it."""
    async with cluster_under_load(NEWEST, Shape(shards=4, replicas=1, hosts=2)) as scene:
        host = scene.made.primaries[0].spec.bind[0]
        plan = await scene.planned(host=host)
        turns = [index for index, step in enumerate(plan.steps) if isinstance(step, at)]
        second = plan.steps[turns[1]]
        assert isinstance(second, CheckShard | ClusterFailover)
        lost, still = scene.node(second.candidate), scene.node(second.master)

        class AtSecond(Journal):
            async def intends(self, index: int, step: Step) -> None:
                await super().intends(index, step)
                if index == turns[1]:
                    await lost.kill()

        journal = AtSecond()
        ending = await carry_out(in_haste(plan.steps), scene.hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE
        assert await role(still) == "master"
        assert still in await scene.made.masters()
        assert scene.made.primaries[0] not in await scene.made.masters()
        assert journal.owed == []
        if at is CheckShard:
            assert "cannot take over: it does not answer" in ending.failures[0]
        assert f"Not done: Fail over from {still.address} to {lost.address}." in ending.failures
        await lost.start()
        await scene.as_it_was()
        assert await scene.lost() == 0


FAULTS = [("master", CheckShard), ("master", ClusterFailover), ("master", LetGo)]
FAULTS += [("candidate", CatchUp), ("candidate", ClusterFailover), ("candidate", LetGo)]


@pytest.mark.parametrize("how", ["hang", "kill"])
@pytest.mark.parametrize(("who", "at"), FAULTS, ids=lambda one: one if isinstance(one, str) else one.__name__)
async def test_a_node_is_lost_in_the_middle(who: str, at: type[Step], how: str) -> None:
    """Whoever hangs or dies, and whenever: nothing that was acknowledged is lost, and no fence is left."""
    shape = Shape(replicas=2, node_timeout_ms=4000)
    async with cluster_under_load(NEWEST, shape, timeout_ms=1_000, appendonly=True) as scene:
        plan = await scene.planned(shard="0")
        turn = turning_step(plan)
        old, new = scene.node(turn.master), scene.node(turn.candidate)
        victim = old if who == "master" else new
        ending, journal = await scene.carry_out(plan, at, victim.hang if how == "hang" else victim.kill)
        assert ending.outcome in {Outcome.UNDONE, Outcome.INCOMPLETE}, journal.lines
        await (victim.resume() if how == "hang" else victim.start())
        await scene.made.ready()
        if journal.owed:  # What a second start of the bot does.
            cut = CutOff(max(journal.titles), passed=await role(new) == "master")
            ending = await settle(in_haste(plan.steps), cut, scene.hands, journal)  # type: ignore[assignment]
            assert journal.owed == [], (ending, journal.lines)
        assert await setting(old, "min-replicas-to-write") == "0"
        await scene.as_it_was()
        if (who, at) != ("candidate", LetGo):  # What a master took right before it was lost is nobody's promise.
            assert await scene.lost() == 0


async def test_an_old_master_that_wakes_up_after_its_pause_takes_nothing() -> None:
    """It hangs when the other is promoted, so that it does not learn of it, and its clients wait for its answers."""
    shape = Shape(replicas=2, node_timeout_ms=15_000)
    async with cluster_under_load(NEWEST, shape, patience_s=30, links=True) as scene:
        plan = await scene.planned(shard="0")
        old, new = scene.node(turning_step(plan).master), scene.node(plan.candidate)
        for node in scene.made.nodes:
            await scene.made.link(node).delay_replication(0.5)
        fence, catch_up = (next(step for step in plan.steps if isinstance(step, kind)) for kind in (Fence, CatchUp))
        await fence.act(scene.hands)
        # The bare command has the handshake wait for the bytes; in the middle of it the master hangs.
        await scene.hands.cluster_failover(turning_step(plan).candidate)
        async with asyncio.timeout(90):
            while "Received replication offset for paused" not in new.log_tail(1_000):
                await asyncio.sleep(0.005)
        await old.hang()
        assert isinstance(catch_up, CatchUp)
        async with asyncio.timeout(90):
            while await role(new) != "master":
                await asyncio.sleep(0.02)
        await asyncio.sleep(11)  # Longer than any pause: what its clients wait for would run at once.
        await old.resume()
        async with asyncio.timeout(90):
            while await role(old) != "slave":
                await asyncio.sleep(0.005)
        let_go = next(step for step in plan.steps if isinstance(step, LetGo))
        await let_go.act(scene.hands)
        await scene.as_it_was()
        assert await scene.lost() == 0


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_cut_off_is_settled_by_looking(when: str) -> None:
    """Each prefix of the plan, with and without the last effect; never two failovers."""
    async with cluster_under_load(NEWEST, Shape(replicas=1)) as scene:
        kinds = [CheckShard, Fence, CatchUp, ClusterFailover, LetGo, AwaitAgreement, ProveShards]
        for at in kinds:
            plan = await scene.planned(shard="0")
            old, new = scene.node(turning_step(plan).master), scene.node(plan.candidate)
            before = await scene.epoch()
            steps = patient(plan.steps)
            index, journal = await cut_off(steps, at, when, scene.hands)
            ending = await settle(steps, CutOff(index), scene.hands, journal)
            moved = kinds.index(at) > kinds.index(ClusterFailover) or (at is ClusterFailover and when == "after")
            assert isinstance(ending, Ending)
            assert ending.outcome is (Outcome.DONE if moved else Outcome.UNDONE), (at, ending, journal.lines)
            assert await role(new if moved else old) == "master", at
            assert await scene.epoch() == before + moved, at
            assert journal.owed == []
            await scene.made.ready()
            await scene.as_it_was()
        assert await scene.lost() == 0


async def test_a_cut_off_run_of_several_shards_leaves_the_moved_ones_as_they_are() -> None:
    async with cluster_under_load(NEWEST, Shape(shards=4, replicas=1, hosts=2)) as scene:
        plan = await scene.planned(host=scene.made.primaries[0].spec.bind[0])
        steps = patient(plan.steps)
        second = [index for index, step in enumerate(steps) if isinstance(step, Fence)][1]
        journal, before = Journal(), await scene.epoch()
        for number, step in enumerate(steps[: second + 1]):
            await journal.intends(number, step)
            await step.act(scene.hands)
            for change in step.repays:
                await journal.repaid(change)
        ending = await settle(steps, CutOff(second), scene.hands, journal)
        assert isinstance(ending, Ending)
        assert ending.outcome is Outcome.INCOMPLETE
        assert ending.failures[-1].startswith("Not done: Fail over from ")
        assert journal.owed == []
        assert await scene.epoch() == before + 1
        await scene.as_it_was()
        assert await scene.lost() == 0


async def test_its_plan_survives_the_ledger() -> None:
    async with cluster_under_load(NEWEST) as scene:
        plan = await scene.planned(shard="0")
        codec = PlanCodec(STEP_TYPES)
        assert codec.loads(codec.dumps(plan)) == plan


@each_build
async def test_a_handshake_that_is_still_going_on_is_waited_for_before_the_fence_is_lifted(which: Build) -> None:
    """The bot dies right after it has asked; those who have to vote hang for two seconds more, and then they do."""
    async with cluster_under_load(which, Shape(replicas=1, node_timeout_ms=15_000)) as scene:
        plan = await scene.planned(shard="0")
        steps, journal = patient(plan.steps), Journal()
        turn = next(index for index, step in enumerate(steps) if isinstance(step, ClusterFailover))
        for number, step in enumerate(steps[:turn]):
            await journal.intends(number, step)
            await step.act(scene.hands)
        voters = scene.made.primaries[1:]
        for node in voters:
            await node.hang()
        await scene.hands.cluster_failover(turning_step(plan).candidate)
        settling = asyncio.create_task(settle(steps, CutOff(turn), scene.hands, journal))
        await asyncio.sleep(2)
        for node in voters:
            await node.resume()
        ending = await settling
        assert isinstance(ending, Ending), ending
        assert ending.outcome is Outcome.DONE, (ending, journal.lines)
        assert await role(scene.node(plan.candidate)) == "master"
        assert journal.owed == []
        await scene.as_it_was()
        assert await scene.lost() == 0
