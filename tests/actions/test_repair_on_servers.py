"""A split brain repaired on real servers, a writer on each side, with a fault at each point."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from actions.kit.errors import NotYet, RescueFailed
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.holding import HELD, hold_of
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.note import results_of
from actions.kit.plan import Plan, Refusal, SettingChange, Step
from actions.kit.repair.demotion import DemoteLoser, ReleaseLoser
from actions.kit.repair.fence import FenceLoser, HoldData
from actions.kit.repair.rescue import Loser, RescueLoser
from actions.kit.rescue import copy_name
from actions.kit.settlement import CutOff, Question, settle
from actions.kit.step_types import STEP_TYPES
from actions.kit.topology import Address
from bot.ledger import Ledger
from bot.ledger.journal import LedgerJournal
from bot.ledger.records import Debt
from bot.requests.recovery import Recovery
from sandbox.redis import Build, Server, build, builds, loaded
from tests.bot.ledger.given import approved, ledger_in
from tests.failover import Fault, Journal, cut_off, in_file, no_two_writable_masters, patient, setting
from tests.repair import Split, split

pytestmark = pytest.mark.servers

NAME = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else builds()[0].name


async def is_demoted(node: Server) -> bool:
    """Whether a Sentinel has made it a replica; it closes all connections when it does, ours too."""
    with contextlib.suppress(RedisConnectionError):
        return str((await node.command("ROLE"))[0]) != "master"
    return False


async def let_be_for(scene: Split, milliseconds: int) -> None:
    """So long Sentinels let an old master be that is back, before they make it a replica: four of these periods."""
    for one in scene.topology.sentinels:
        await one.command("SENTINEL", "DEBUG", "PUBLISH-PERIOD", str(milliseconds // 4))


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
        assert "nothing was merged" in said["ReportCopy"]
        assert f"keys only on {scene.old.address}: " in said["CompareSides"]
        assert "different: 0" not in said["CompareSides"]
        for step in ("RescueLoser", "ReportCopy"):
            values = results_of(said[step])["rescue_copy"]
            assert values["where"] == str(copy)
            assert values["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
        compared = results_of(said["CompareSides"])["compared"]
        assert compared["first"] == str(scene.old.address)
        assert compared["complete"]
        assert compared["different"] > 0
        assert "shared before byte" in said["CaptureEvidence"]
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        assert in_file(scene.old, "replicaof "), "a restart brings no second master"


async def test_the_old_master_may_be_the_one_that_is_kept(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:

        async def closed() -> None:
            """As by a Sentinel, which closes everybody's connection when it makes a node a replica."""
            await scene.new.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

        ending, journal = await scene.repaired(await scene.planned(keep=scene.old), DemoteLoser, closed)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await scene.topology.master() is scene.old
        await scene.nothing_is_lost(scene.new, scene.old)


async def test_where_the_copy_fails_nobody_is_demoted(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:
        plan = await scene.planned(keep=scene.new)
        ending, journal = await scene.repaired(plan, RescueLoser, scene.no_store)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert f"Copy all data of {scene.old.address}" in ending.failures[0]
        assert journal.owed == []
        assert f"{scene.old.address} takes writes again, as before: there are two masters" in str(journal.lines)
        await scene.as_before()


async def test_a_loser_that_dies_in_the_middle_leaves_its_copy_and_is_repaired_when_it_comes_back(
    tmp_path: Path,
) -> None:
    async with split(build(NAME), tmp_path) as scene:
        plan = await scene.planned(keep=scene.new)
        ending, journal = await scene.repaired(plan, DemoteLoser, scene.old.kill, hasty=True)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert journal.owed == []
        (copy,) = scene.copies
        async with loaded(scene.topology.settings.build, copy) as server:
            assert await scene.writes[scene.old.address].lost(server.address) == 0
        await scene.old.start()  # It comes back as a master, and its writers with it.
        ending, journal = await scene.repaired(await scene.planned(keep=scene.new))
        assert ending == Ending(Outcome.DONE), journal.lines
        assert len(scene.copies) == 2
        await scene.ended()


async def test_where_the_keeper_dies_before_the_demotion_the_other_one_goes_on(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:
        ending, journal = await scene.repaired(await scene.planned(keep=scene.new), DemoteLoser, scene.new.kill)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert journal.owed == []
        assert await scene.old.command("SET", "after", "1")
        await scene.ended()
        assert await scene.writes[scene.old.address].lost(scene.old) == 0


async def test_a_loser_that_hangs_while_it_is_demoted_stays_fenced(tmp_path: Path) -> None:
    """What was sent to it is done when it wakes up: nobody knows yet that it will not be."""
    async with split(build(NAME), tmp_path, timeout_ms=1_000) as scene:
        plan = await scene.planned(keep=scene.new)
        demote = scene.hands.demote

        async def in_vain(node: Address, master: Address) -> None:
            await scene.old.hang()
            await demote(node, master)

        scene.hands.demote = in_vain  # type: ignore[method-assign]
        ending, journal = await scene.repaired(plan, hasty=True)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert [change.name for change in journal.owed] == ["min-replicas-to-write"]
        await scene.old.resume()
        scene.hands.demote = demote  # type: ignore[method-assign]
        await no_two_writable_masters(scene.topology, 1)
        await scene.nothing_is_lost(scene.old, scene.new)


async def test_a_sentinel_that_wakes_up_in_the_middle_costs_no_byte(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path, sentinels=3, down_after_ms=1_500, password="admin") as scene:

        async def made_a_replica() -> None:
            """The Sentinels reach the old master again, and do what they do then, before it was copied."""
            await scene.topology.link(scene.old).heal()
            async with asyncio.timeout(90):
                while not await is_demoted(scene.old):
                    await asyncio.sleep(0.1)

        plan = await scene.planned()
        ending, journal = await scene.repaired(plan, RescueLoser, made_a_replica)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert journal.owed == []
        await scene.topology.ready()
        assert await scene.topology.master() is scene.new
        assert await setting(scene.old, "masterauth") == "admin"
        assert await setting(scene.old, "masteruser") == ""
        assert not in_file(scene.old, HELD)
        await scene.nothing_is_lost(scene.old, scene.new)


async def test_what_a_sentinel_was_faster_to_throw_away_is_said_and_nothing_is_left_behind(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:
        hold = hold_of(Address.parse(scene.old.address), None)

        async def made_a_replica() -> None:
            await scene.old.command("REPLICAOF", *scene.new.address.split(":"))

        plan = await scene.planned(keep=scene.new)
        plan = replace(plan, steps=(plan.steps[0], HoldData(hold.server, hold), *plan.steps[1:]))
        ending, journal = await scene.repaired(plan, HoldData, made_a_replica)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "its sync throws away what only it had; how much that was at most, the plan says" in ending.failures[0]
        assert journal.owed == []
        assert await setting(scene.old, "masterauth") == ""
        await scene.ended()


async def test_a_loser_that_is_made_a_replica_while_it_is_copied_is_copied_again(tmp_path: Path) -> None:
    """As a Sentinel does it: a server before 7.0 cuts its replicas off then, and so the copy."""
    async with split(builds()[-1], tmp_path, sentinels=3, down_after_ms=1_500) as scene:
        await scene.old.command("CONFIG", "SET", "repl-diskless-sync-delay", "2")
        made: list[asyncio.Task[None]] = []

        async def made_a_replica() -> None:
            async with asyncio.timeout(60):
                while not (await scene.old.command("INFO", "replication"))["connected_slaves"]:
                    await asyncio.sleep(0.02)
            await scene.old.command("REPLICAOF", *scene.new.address.split(":"))

        async def soon() -> None:
            made.append(asyncio.create_task(made_a_replica()))

        ending, journal = await scene.repaired(await scene.planned(), RescueLoser, soon)
        await asyncio.gather(*made)
        assert ending == Ending(Outcome.DONE), journal.lines
        await scene.nothing_is_lost(scene.old, scene.new)


async def test_where_the_copy_fails_while_sentinels_are_awake_the_data_is_held_back_until_there_is_one(
    tmp_path: Path,
) -> None:
    """With a real ledger, where what the first run has left is taken over by the second one."""
    made = split(build(NAME), tmp_path / "copies", sentinels=3, down_after_ms=1_500)
    async with ledger_in(tmp_path, step_types=STEP_TYPES) as ledger, made as scene:
        plan = await scene.planned()
        await let_be_for(scene, 60_000)  # The run begins before that is over, on however slow a machine.
        await scene.topology.link(scene.old).heal()
        async with asyncio.timeout(90):
            while (await scene.hands.observe()).node(Address.parse(scene.old.address)).watching_sentinels == 0:  # type: ignore[union-attr]
                await asyncio.sleep(0.05)
        ending, journal = await written(ledger, scene, plan, RescueLoser, scene.no_store)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert "its data is held back until there is a copy of it" in str(ending.failures)
        await let_be_for(scene, 2_000)
        async with asyncio.timeout(90):
            while not await is_demoted(scene.old):
                await asyncio.sleep(0.1)
        await scene.ended()
        assert await scene.writes[scene.old.address].lost(scene.old) == 0, "a replica that keeps its data"
        (debt,) = await ledger.owed()
        assert [debt.change] == journal.owed
        with pytest.raises(NotYet, match="would be thrown away: repair orders copies it"):
            await paid(debt, scene, plan)
        scene.store_again()
        again = await scene.planned()
        assert again.steps != plan.steps
        ending, journal = await written(ledger, scene, again)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await ledger.owed() == ()
        await scene.topology.ready()
        assert not in_file(scene.old, HELD)
        await scene.nothing_is_lost(scene.old, scene.new)


async def test_what_came_after_the_copy_is_not_thrown_away(tmp_path: Path) -> None:
    """Somebody gives the loser its writes back in the middle."""
    async with split(build(NAME), tmp_path) as scene:

        async def unfenced() -> None:
            await scene.old.command("CONFIG", "SET", "min-replicas-to-write", "0")
            await scene.old.command("CLIENT", "UNPAUSE")
            await scene.old.command("SET", "late", "1")

        plan = await scene.planned(keep=scene.new)
        ending, journal = await scene.repaired(plan, DemoteLoser, unfenced)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "is no longer fenced: it may have taken writes since it was copied" in ending.failures[0]
        await scene.as_before()
        ending, journal = await scene.repaired(plan)
        assert ending.outcome is Outcome.UNDONE, "a run that begins again must not take the copy of its first attempt"
        assert "is there already, and no copy is ever written over" in ending.failures[0]
        assert await scene.old.command("GET", "late") == "1"
        await scene.as_before()
        await scene.ended()


async def test_a_keeper_that_was_restarted_meanwhile_is_not_followed(tmp_path: Path) -> None:
    """It may have come back without its data."""
    async with split(build(NAME), tmp_path) as scene:
        plan = await scene.planned(keep=scene.new)
        steps = tuple(replace(one, keeper_run="f" * 40) if isinstance(one, DemoteLoser) else one for one in plan.steps)
        ending, journal = await scene.repaired(replace(plan, steps=steps))
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert f"{scene.new.address} was restarted meanwhile" in ending.failures[0]
        await scene.as_before()
        await scene.ended()


async def test_data_that_is_held_back_is_let_go_only_with_a_copy_of_it(tmp_path: Path) -> None:
    async with split(build(NAME), tmp_path) as scene:
        await scene.ended()
        node = Address.parse(scene.old.address)
        hold = SettingChange(node, "masterauth", HELD, "")
        name = copy_name("orders", "repair", node, datetime.now(UTC))
        loser = Loser(node, (await scene.hands.standing(node)).replid, name, hold=hold)
        release = ReleaseLoser(node, (hold,), only_as_replica=True, loser=loser)
        await scene.old.command("CONFIG", "SET", "masterauth", HELD, "min-replicas-to-write", str(FENCE_REPLICAS))
        fence = FenceLoser(node, Address.parse(scene.new.address), 1_000, ())
        assert "still refuses writes, as before" in await fence.undo(scene.hands)
        await scene.old.command("REPLICAOF", *scene.new.address.split(":"))
        with pytest.raises(NotYet, match="stays held back: there is no verified copy of its data"):
            await release.act(scene.hands)
        await scene.old.command("REPLICAOF", "NO", "ONE")
        copy = await scene.hands.rescue(node, name, {})
        loser = replace(loser, replid=copy.replid)
        release = replace(release, loser=loser)
        await scene.old.command("REPLICAOF", *scene.new.address.split(":"))
        await scene.old.command("CONFIG", "SET", "min-replicas-to-write", "0")
        with pytest.raises(NotYet, match=r"stays held back: .* is no longer fenced"):
            await release.act(scene.hands)
        assert await setting(scene.old, "masterauth") == HELD
        await scene.old.command("CONFIG", "SET", "min-replicas-to-write", str(FENCE_REPLICAS))
        await release.act(scene.hands)
        assert await setting(scene.old, "masterauth") == ""


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


async def paid(debt: Debt, scene: Split, plan: Plan) -> None:
    """What is done with a setting that an ended run has left changed."""
    await Recovery._put_back(None, debt, await scene.hands.observe(), scene.hands, plan)  # type: ignore[arg-type]


@dataclass
class Written(Journal):
    """Has a ledger write down what it keeps."""

    on: LedgerJournal | None = None

    async def intends(self, index: int, step: Step) -> None:
        await super().intends(index, step)
        assert self.on
        await self.on.intends(index, step)

    async def owes(self, change: SettingChange) -> None:
        await super().owes(change)
        assert self.on
        await self.on.owes(change)

    async def ended(self, index: int, state: StepState, note: str) -> None:
        await super().ended(index, state, note)
        assert self.on
        await self.on.ended(index, state, note)

    async def repaid(self, change: SettingChange) -> None:
        await super().repaid(change)
        assert self.on
        await self.on.repaid(change)


async def written(
    ledger: Ledger, scene: Split, plan: Plan, at: type[Step] | None = None, fault: Fault | None = None
) -> tuple[Ending, Written]:
    """A repair as an approved request in this ledger."""
    plan = replace(plan, steps=tuple(patient(plan.steps)))
    lease = await ledger.begin((await approved(ledger, plan)).id)
    journal = Written(at, fault, on=ledger.journal(lease))
    async with ledger.kept(lease):
        ending = await carry_out(plan.steps, scene.hands, journal)
    await ledger.end(lease, ending)
    return ending, journal


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
        steps = patient(plan.steps)
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
