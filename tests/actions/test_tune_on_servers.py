"""Settings changed on real servers: proven, kept in the files, and put back from wherever the run was cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from actions import tune
from actions.adapters import TargetHands, connect
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.plan import Plan, Refusal, Step
from actions.kit.settlement import CutOff, settle
from actions.kit.tuning.steps import KeepSettings, SeeSettings, SetOn
from sandbox.redis import Build, Server, Topology, build, builds, replication
from tests.failover import Journal, caught_up, cut_off, in_file, setting, target_of

pytestmark = pytest.mark.servers

NAME = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else builds()[0].name
MEMORY, POLICY = "maxmemory", "maxmemory-policy"
MB = 2**20


async def planned(hands: TargetHands, **settings: str) -> Plan:
    wanted = {name.replace("_", "-"): value for name, value in settings.items()}
    plan = tune.plan(await tune.look(hands), wanted)
    assert isinstance(plan, Plan), plan
    return plan


@asynccontextmanager
async def stage(which: Build, **settings: object) -> AsyncIterator[tuple[Topology, TargetHands]]:
    async with replication(which, **{"replicas": 1, "acl": True, **settings}) as topology:
        hands = connect(target_of(topology, timeout_ms=10_000))
        try:
            yield topology, hands
        finally:
            await hands.aclose()


async def filled(master: Server, keys: int) -> None:
    """Keys of 2 kB, so that they are most of what the server holds."""
    script = "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'key:' .. i, string.rep('x', 2000)) end"
    await master.command("EVAL", script, "0", str(keys), timeout_s=30)


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_all_nodes_get_it_and_keep_it_and_what_goes_was_told(which: Build) -> None:
    async with stage(which) as (topology, hands):
        await filled(topology.nodes[0], 5_000)
        plan = await planned(
            hands,
            maxmemory="64mb",
            repl_backlog_size="2mb",
            client_output_buffer_limit="replica 512mb 128mb 60",
        )
        assert plan.risk == "reversible"
        journal = Journal()
        assert await carry_out(plan.steps, hands, journal) == Ending(Outcome.DONE), journal.lines
        assert journal.owed == []
        assert journal.states("SeeSettings") == [StepState.DONE], "it has seen them, and nothing was so already"
        for node in topology.nodes:
            assert await setting(node, MEMORY) == str(64 * MB)
            assert await setting(node, "repl-backlog-size") == str(2 * MB)
            assert "slave 536870912 134217728 60" in await setting(node, "client-output-buffer-limit")
            assert in_file(node, "maxmemory 64mb") or in_file(node, f"maxmemory {64 * MB}")
        again = tune.plan(await tune.look(hands), {MEMORY: "64mb"})
        assert isinstance(again, Refusal)
        assert "nothing to do" in again.reason

        await caught_up(*topology.nodes)  # What waits for a replica is no data, and goes by itself.
        used = int((await topology.nodes[0].command("INFO", "memory"))["used_memory"])
        plan = await planned(hands, maxmemory=str(used - 3 * MB), maxmemory_policy="allkeys-random")
        assert plan.risk == "destructive"
        assert await carry_out(plan.steps, hands, Journal()) == Ending(Outcome.DONE)
        gone = 5_000 - int(await topology.nodes[0].command("DBSIZE"))
        assert plan.cost.loss_keys == pytest.approx(gone, rel=0.5), "it evicts a little more than has to go"
        assert await setting(topology.nodes[1], POLICY) == "allkeys-random"


async def test_a_run_that_is_cut_off_is_put_back_before_all_have_it_and_stays_after_that() -> None:
    points: list[tuple[type[Step], str, bool]] = [
        (SetOn, "before", False),
        (SetOn, "after", False),
        (SeeSettings, "before", True),  # All have it already: nobody would know why it should go.
        (SeeSettings, "after", True),
        (KeepSettings, "before", True),
        (KeepSettings, "after", True),
    ]
    async with stage(build(NAME)) as (topology, hands):
        for number, (at, when, stays) in enumerate(points, 64):
            before = [await setting(node, MEMORY) for node in topology.nodes]
            plan = await planned(hands, maxmemory=f"{number}mb")
            index, journal = await cut_off(plan.steps, at, when, hands)
            ending = await settle(plan.steps, CutOff(index), hands, journal)
            assert isinstance(ending, Ending), ending
            assert ending.outcome is (Outcome.DONE if stays else Outcome.UNDONE), (at, when, ending)
            assert journal.owed == [], (at, when)
            wanted = [str(number * MB)] * 2 if stays else before
            assert [await setting(node, MEMORY) for node in topology.nodes] == wanted, (at, when)


async def test_what_somebody_else_has_set_meanwhile_is_left_and_the_rest_put_back() -> None:
    async with stage(build(NAME)) as (topology, hands):
        master, replica = topology.nodes

        async def somebody() -> None:
            await master.command("CONFIG", "SET", MEMORY, "100mb")

        plan = await planned(hands, maxmemory="64mb", repl_backlog_size="2mb")
        journal = Journal(SeeSettings, somebody)
        steps = [replace(step, within_s=0) if isinstance(step, SeeSettings) else step for step in plan.steps]
        ending = await carry_out(steps, hands, journal)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "maxmemory of" in ending.failures[0]
        assert "is 100mb" in ending.failures[0]
        assert await setting(master, MEMORY) == str(100 * MB), "not ours to put back"
        assert await setting(replica, MEMORY) == "0"
        assert await setting(master, "repl-backlog-size") == await setting(replica, "repl-backlog-size") == str(MB)
        assert journal.owed == []
        assert "which somebody else has set, and stays so" in str(journal.lines)

        plan = await planned(hands, maxmemory="64mb")
        await replica.command("CONFIG", "SET", MEMORY, "80mb")
        ending = await carry_out(plan.steps, hands, journal)
        assert ending.outcome is Outcome.UNDONE
        assert "somebody has changed that since this was planned; ask again" in ending.failures[0]
        assert await setting(master, MEMORY) == str(100 * MB)


async def test_a_server_without_a_file_is_set_and_named() -> None:
    async with stage(build(NAME), config_file=False, acl=False, replicas=0) as (topology, hands):
        plan = await planned(hands, maxmemory="64mb")
        assert "does not outlast a restart" in " ".join(plan.cost.notes)
        journal = Journal()
        assert await carry_out(plan.steps, hands, journal) == Ending(Outcome.DONE), journal.lines
        assert journal.states("KeepSettings") == [StepState.DONE]
        assert f"no file to write on {topology.nodes[0].address}" in journal.lines[-1][3]
