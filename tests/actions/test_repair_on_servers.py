"""A split brain repaired on real servers, a writer on each side, with a fault at each point."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actions.kit.errors import RescueFailed
from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.plan import Refusal
from actions.kit.repair.demotion import DemoteLoser
from actions.kit.repair.fence import FenceLoser
from actions.kit.repair.rescue import RescueLoser
from actions.kit.settlement import CutOff, Question, settle
from sandbox.redis import Build, build, builds
from tests.failover import cut_off, in_file, no_two_writable_masters, setting
from tests.repair import in_haste, split

pytestmark = pytest.mark.servers

NAME = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else builds()[0].name


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_one_side_is_kept_and_the_other_is_in_its_copy(which: Build, tmp_path: Path) -> None:
    async with split(which, tmp_path) as scene:
        refusal = await scene.answer()
        assert isinstance(refusal, Refusal)
        assert f"repair orders --keep {scene.new.address}" in refusal.reason
        plan = await scene.planned(keep=scene.new)
        assert plan.cost.loss_bytes

        watching: list[asyncio.Task[None]] = []

        async def watch() -> None:
            watching.append(asyncio.create_task(no_two_writable_masters(scene.topology, 4)))

        ending, journal = await scene.repaired(plan, RescueLoser, watch)
        assert ending == Ending(Outcome.DONE), journal.lines
        await asyncio.gather(*watching)
        assert journal.owed == []
        await scene.topology.ready()
        assert await scene.topology.master() is scene.new
        await scene.nothing_is_lost(scene.old, scene.new)

        said = {name: note for _, name, _, note in journal.lines}
        (copy,) = scene.copies
        assert str(copy) in said["ReportCopy"]
        assert "Nothing was merged" in said["ReportCopy"]
        assert f"keys only on {scene.old.address}: " in said["CompareSides"]
        assert "different: 0" not in said["CompareSides"]
        assert "shared before byte" in said["CaptureEvidence"]
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        assert in_file(scene.old, "replicaof "), "a restart brings no second master"


async def test_the_old_master_may_be_the_one_that_is_kept(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:
        ending, journal = await scene.repaired(await scene.planned(keep=scene.old))
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await scene.topology.master() is scene.old
        await scene.nothing_is_lost(scene.new, scene.old)


async def test_where_the_copy_fails_nobody_is_demoted(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:

        async def no_room(*_: object, **__: object) -> None:
            raise RescueFailed("The disk is full.")

        plan = await scene.planned(keep=scene.new)
        scene.hands.rescue = no_room  # type: ignore[method-assign]
        ending, journal = await scene.repaired(plan)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "The disk is full" in ending.failures[0]
        assert journal.owed == []
        assert f"{scene.old.address} takes writes again, as before: there are two masters" in str(journal.lines)
        await scene.as_before()


async def test_a_loser_that_dies_before_it_is_demoted_keeps_its_copy_and_comes_back_to_be_repaired(
    tmp_path: Path,
) -> None:
    async with split(build(NAME), tmp_path) as scene:
        plan = await scene.planned(keep=scene.new)
        ending, journal = await scene.repaired(plan, DemoteLoser, scene.old.kill)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert journal.owed == []
        assert len(scene.copies) == 1
        await scene.ended()


async def test_what_came_after_the_copy_is_not_thrown_away(tmp_path: Path) -> None:
    """Somebody gives the loser its writes back in the middle."""
    async with split(build(NAME), tmp_path) as scene:

        async def unfenced() -> None:
            await scene.old.command("CONFIG", "SET", "min-replicas-to-write", "0")
            await scene.old.command("CLIENT", "UNPAUSE")
            await scene.old.command("SET", "late", "1")

        ending, journal = await scene.repaired(await scene.planned(keep=scene.new), DemoteLoser, unfenced)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "is no longer fenced: it may have taken writes since it was copied" in ending.failures[0]
        assert await scene.old.command("GET", "late") == "1"
        await scene.as_before()
        await scene.ended()


async def test_a_comparison_that_fails_holds_nothing_up(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:

        async def fails(*_: object, **__: object) -> None:
            raise RescueFailed("it has no SCAN")

        scene.hands.compare_keys = fails  # type: ignore[method-assign]
        ending, journal = await scene.repaired(await scene.planned(keep=scene.new))
        assert ending == Ending(Outcome.DONE), journal.lines
        assert journal.states("CompareSides") == [StepState.DONE]
        assert "not compared: it has no SCAN" in str(journal.lines)
        await scene.ended()


@pytest.mark.parametrize(
    ("at", "when", "outcome"),
    [
        (FenceLoser, "after", Outcome.UNDONE),
        (DemoteLoser, "before", Outcome.UNDONE),
        (DemoteLoser, "after", Outcome.DONE),
    ],
)
async def test_a_repair_that_was_cut_off_is_settled_by_looking(
    at: type, when: str, outcome: Outcome, tmp_path: Path
) -> None:
    async with split(build(NAME), tmp_path) as scene:
        plan = await scene.planned(keep=scene.new)
        steps = in_haste(plan.steps)
        index, journal = await cut_off(steps, at, when, scene.hands)
        assert [change.name for change in journal.owed] == ["min-replicas-to-write"]
        ending = await settle(steps, CutOff(index), scene.hands, journal)
        assert not isinstance(ending, Question), ending
        assert ending.outcome is outcome, journal.lines
        assert journal.owed == []
        if outcome is Outcome.UNDONE:
            await scene.as_before()
            await scene.ended()
            assert [await load.lost(address) for address, load in scene.writes.items()] == [0, 0]
        else:
            await scene.topology.ready()
            await scene.nothing_is_lost(scene.old, scene.new)
