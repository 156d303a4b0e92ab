"""The planned failover without Sentinels on real servers under write load, with a fault at each point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from actions.adapters import TargetHands, connect
from actions.adapters.redis.connection import Node, Reply
from actions.kit.errors import NotYet, TooLate, Unreachable
from actions.kit.fencing import FENCE, FENCE_REPLICAS
from actions.kit.following import KeepRoles, Repoint
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.opening import OpenForWrites
from actions.kit.plan import Plan, Step
from actions.kit.promotion import FenceCandidate, Promote
from actions.kit.rejoin import Rejoin
from actions.kit.settlement import Answer, CutOff, Question, settle
from actions.kit.steps import CatchUp, Fence, Prove
from actions.kit.topology import Address, Limits, Place
from bot.requests.recovery import _nothing_under_way
from sandbox.redis import Build, Server, Topology, WriteLoad, build, builds, replication
from tests.failover import (
    Fault,
    Journal,
    cut_off,
    goes_on,
    in_file,
    never_two_writable_masters,
    no_two_writable_masters,
    patient,
    planned,
    setting,
    soon_given_up,
    target_of,
)

pytestmark = pytest.mark.servers

NAME = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else builds()[0].name


@dataclass
class Scene:
    topology: Topology
    hands: TargetHands
    load: WriteLoad
    plan: Plan

    @property
    def old(self) -> Server:
        return self.topology.nodes[0]

    @property
    def new(self) -> Server:
        return next(node for node in self.topology.nodes if node.address == str(self.plan.candidate))

    async def carry_out(
        self, at: type[Step] | None = None, fault: Fault | None = None, hands: TargetHands | None = None
    ) -> tuple[Ending, Journal]:
        journal = Journal(at, fault)
        steps = in_haste(self.plan.steps) if fault or hands else patient(self.plan.steps)
        return await carry_out(steps, hands or self.hands, journal), journal

    async def lost(self) -> int:
        """Lost writes, counted on the only master once every other node follows it."""
        await self.topology.ready()
        await goes_on(self.load)
        await self.load.stop()
        return await self.load.lost(await self.topology.master())

    async def as_it_was(self) -> None:
        """No pause, no fence, nowhere, nor in a file."""
        for node in self.topology.nodes:
            assert await setting(node, "min-replicas-to-write") == "0"
            assert not in_file(node, str(FENCE_REPLICAS))
        assert await (await self.topology.master()).command("SET", "after", "1")


def in_haste(steps: Sequence[Step]) -> list[Step]:
    """What a test has broken on purpose is not waited for long."""
    quick = [replace(step, within_s=2) if isinstance(step, Promote) else step for step in steps]
    quick = [replace(step, within_s=5 if step.again else 3) if isinstance(step, Rejoin) else step for step in quick]
    return soon_given_up(quick, within_s=2)


def comes_back_late(steps: Sequence[Step]) -> list[Step]:
    """Whoever is silent the first time is there when it is looked for again."""
    return [replace(one, within_s=60) if isinstance(one, Rejoin) and one.again else one for one in in_haste(steps)]


@asynccontextmanager
async def under_load(
    which: Build | str = NAME,
    *,
    timeout_ms: int = 10_000,
    limits: Limits = Limits(max_pause_ms=10_000),
    **settings: object,
) -> AsyncIterator[Scene]:
    chosen = build(which) if isinstance(which, str) else which
    async with replication(chosen, **settings) as topology, WriteLoad(topology, rate=400) as load:
        hands = connect(target_of(topology, timeout_ms=timeout_ms, limits=limits))
        try:
            yield Scene(topology, hands, load, await planned(hands))
        finally:
            await hands.aclose()


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_it_moves_the_master_and_loses_nothing(which: Build) -> None:
    async with under_load(which) as scene:
        await goes_on(scene.load, 100)
        async with never_two_writable_masters(scene.topology):
            ending, journal = await scene.carry_out()
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await scene.topology.master() is scene.new
        assert await scene.lost() == 0
        assert journal.owed == []
        await scene.as_it_was()
        for node in scene.topology.nodes:  # A restart brings nobody's old role back.
            assert [line.split()[1] for line in in_file(node, "replicaof ")] == (
                [] if node is scene.new else [scene.new.address.rsplit(":", 1)[0]]
            )


async def test_it_waits_for_bytes_that_are_still_under_way() -> None:
    async with under_load(links=True) as scene:
        for link in scene.topology.links:
            await link.delay_replication(0.1)
        await asyncio.sleep(0.3)
        ending, journal = await scene.carry_out()
        assert ending == Ending(Outcome.DONE), journal.lines
        for link in scene.topology.links:
            await link.heal()
        assert await scene.lost() == 0


async def test_a_candidate_that_is_too_slow_is_given_up_and_writes_go_on() -> None:
    async with under_load(links=True, limits=Limits(max_pause_ms=1_500)) as scene:
        for link in scene.topology.links:
            await link.delay_replication(3.0)
        await asyncio.sleep(0.3)
        ending, journal = await scene.carry_out()
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "not within 1.5 s" in ending.failures[0]
        assert journal.owed == []
        await scene.as_it_was()
        assert await scene.topology.master() is scene.old


async def test_it_works_with_acls_tls_and_without_configuration_files() -> None:
    which = next((one for one in builds() if one.has_tls), None)
    if which is None:
        pytest.skip("no server here speaks TLS")
    async with under_load(which, acl=True, tls=True, config_file=False) as scene:
        ending, journal = await scene.carry_out()
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await scene.lost() == 0
        (kept,) = [note for _, title, _, note in journal.lines if title == "KeepRoles"]
        assert "change replicaof where they are started from" in kept


async def test_servers_that_the_settings_name_otherwise_than_they_do_themselves() -> None:
    """Such as by a name, or past a proxy: each is one node, and the others are sent where they know it."""
    async with replication(build(NAME), links=True) as topology:
        by_us = tuple(Address.parse(node.direct_address) for node in topology.nodes)
        hands = connect(target_of(topology, nodes=by_us))
        try:
            snapshot = await hands.observe()
            assert [str(node.address) for node in snapshot.nodes] == list(topology.node_addresses)
            assert [node.also for node in snapshot.nodes] == [(address,) for address in by_us]
            plan = await planned(hands, to=str(by_us[2]))
            assert str(plan.candidate) == topology.nodes[2].address
            assert await carry_out(patient(plan.steps), hands, Journal()) == Ending(Outcome.DONE)
            await topology.ready()
        finally:
            await hands.aclose()


@pytest.mark.parametrize("at", [CatchUp, Promote], ids=lambda kind: kind.__name__)
async def test_the_candidate_dies_behind_the_fence(at: type[Step]) -> None:
    async with under_load(limits=Limits(max_pause_ms=3_000)) as scene:
        ending, journal = await scene.carry_out(at, scene.new.kill)
        assert ending.outcome is Outcome.UNDONE, (ending, journal.lines)
        assert journal.owed == []
        assert await scene.topology.master() is scene.old
        await scene.new.start()
        assert await scene.lost() == 0
        await scene.as_it_was()


async def test_the_candidate_hangs_when_it_is_promoted() -> None:
    """It does so when it wakes up: the writes that it would take then are refused, and those of the other go on."""
    async with under_load() as scene:

        class Hanging(TargetHands):
            async def _all(
                self, server: Node, *commands: tuple[str | int, ...], repeatable: bool = False
            ) -> list[Reply]:
                if ("REPLICAOF", "NO", "ONE") in commands:
                    await scene.new.hang()
                return await super()._all(server, *commands, repeatable=repeatable)

        async with another(Hanging, scene) as hands:
            ending, journal = await scene.carry_out(hands=hands)
            assert ending.outcome is Outcome.INCOMPLETE, journal.lines
            assert [(str(change.node), change.name) for change in journal.owed] == [
                (scene.new.address, "min-replicas-to-write")
            ]
            assert await scene.old.command("SET", "after", "1")
            await scene.new.resume()
            await no_two_writable_masters(scene.topology, 0.5)
            assert (await scene.new.command("ROLE"))[0] == "master"
            await scene.new.command("REPLICAOF", *scene.old.address.rsplit(":", 1))
            assert await scene.lost() == 0


@pytest.mark.parametrize("heals", ["while it is looked for", "later"])
async def test_the_answer_of_the_promoted_one_is_lost(heals: str) -> None:
    async with under_load(links=True) as scene:
        link = scene.topology.link(scene.new)
        forward = heals != "later"

        class Deaf(TargetHands):
            async def promote(self, node: Address) -> None:
                await super().promote(node)
                await link.black_hole(replicas=False, sentinels=False, clients=True)
                raise Unreachable("no answer")

            async def recall(self, node: Address) -> None:
                try:
                    await super().recall(node)
                except Unreachable:
                    if forward:
                        await link.heal()
                    raise

        async with another(Deaf, scene) as hands:
            steps, journal = in_haste(scene.plan.steps), Journal()
            if forward:
                steps = [replace(one, within_s=60) if isinstance(one, Promote) else one for one in steps]
            ending = await carry_out(steps, hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, journal.lines
            await no_two_writable_masters(scene.topology, 0.3)
            assert (await scene.new.command("ROLE"))[0] == "master"
            assert (await scene.old.command("ROLE"))[0] == ("slave" if forward else "master")
            await link.heal()
            await no_two_writable_masters(scene.topology, 0.3)
            if not forward:
                await scene.new.command("REPLICAOF", *scene.old.address.rsplit(":", 1))
            assert await scene.lost() == 0


async def test_a_promotion_that_is_still_under_way_when_it_is_given_up_never_arrives() -> None:
    """It waits in the network and not in the server: the connection that it would come by is closed first."""
    async with under_load(links=True) as scene:
        link = scene.topology.link(scene.new)

        class Held(TargetHands):
            async def _all(
                self, server: Node, *commands: tuple[str | int, ...], repeatable: bool = False
            ) -> list[Reply]:
                if ("REPLICAOF", "NO", "ONE") in commands:
                    await link.black_hole(replicas=False, sentinels=False, clients=True)
                return await super()._all(server, *commands, repeatable=repeatable)

        class Past(TargetHands):
            """By the node's own address, as if there were another way to it."""

            def _node(self, address: Address) -> Node:
                return super()._node(Address.parse(scene.new.direct_address))

        steps = in_haste(scene.plan.steps)
        promote = next(step for step in steps if isinstance(step, Promote))
        async with another(Held, scene) as held, another(Past, scene) as past:
            await next(step for step in steps if isinstance(step, FenceCandidate)).act(scene.hands)
            with pytest.raises(Unreachable):
                await held.promote(promote.candidate)
            assert await promote.undo(past) == f"{promote.candidate} is a replica"
            await link.heal()
            await asyncio.sleep(0.3)
            assert (await scene.new.command("ROLE"))[0] == "slave"


async def test_the_old_master_hangs_before_it_is_demoted() -> None:
    """It wakes up fenced, acknowledges nothing, and is demoted as soon as it answers."""
    async with under_load(timeout_ms=2_000) as scene:

        class Waking(Journal):
            async def ended(self, index: int, state: StepState, note: str) -> None:
                await super().ended(index, state, note)
                if self.titles[index] == "Rejoin" and state is StepState.FAILED:
                    await scene.old.resume()

        journal = Waking(Rejoin, scene.old.hang)
        async with never_two_writable_masters(scene.topology):
            ending = await carry_out(comes_back_late(scene.plan.steps), scene.hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert journal.states("Rejoin") == [StepState.FAILED, StepState.DONE], journal.lines
        assert await scene.topology.master() is scene.new
        assert journal.owed == []
        assert await scene.lost() == 0
        await scene.as_it_was()


@pytest.mark.parametrize("written", [False, True], ids=["in memory", "in the file"])
async def test_a_master_that_is_restarted_behind_its_fence_has_none_when_the_run_ends(*, written: bool) -> None:
    """It is dead when its fence is to be taken back, and back a moment later: then it is looked at once more."""

    class Supervised(TargetHands):
        async def sleep(self, seconds: float) -> None:
            if not scene.old.running:
                await scene.old.start()
            await super().sleep(seconds)

    async def die() -> None:
        if written:
            await scene.old.command("CONFIG", "REWRITE")
            assert in_file(scene.old, str(FENCE_REPLICAS))
        await scene.old.kill()

    async with under_load() as scene:
        hands = Supervised(target_of(scene.topology, timeout_ms=10_000))
        try:
            ending, journal = await scene.carry_out(CatchUp, die, hands)
        finally:
            await hands.aclose()
        assert ending.outcome is Outcome.UNDONE, (ending, journal.lines)
        (undone,) = [note for _, name, state, note in journal.lines if (name, state) == ("Fence", "undone")]
        how = "with its fence, which is in its file no more" if written else "without its fence"
        assert undone == f"{scene.old.address} was restarted since, {how}, and accepts writes"
        assert journal.owed == []
        await scene.as_it_was()


@pytest.mark.parametrize("took", ["nothing", "a write"])
async def test_the_old_master_is_restarted_before_it_is_demoted(took: str) -> None:
    """It has lost its fence. What it took since is not thrown away without a person's word."""
    async with under_load() as scene:

        async def restart() -> None:
            await scene.old.kill()
            await scene.old.start()
            if took == "a write":
                await scene.old.command("SET", "only:here", "1")

        steps, journal = scene.plan.steps, Journal(Rejoin, restart)
        steps = patient(steps) if took == "nothing" else in_haste(steps)
        ending = await carry_out(steps, scene.hands, journal)
        if took == "nothing":
            assert ending.outcome is Outcome.DONE, journal.lines
            assert await scene.lost() == 0
            await scene.as_it_was()
            return
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert "It refuses writes now, but was not demoted: nothing proves what it has" in ending.failures[0]
        assert await scene.old.command("GET", "only:here") == "1"
        await no_two_writable_masters(scene.topology, 0.3)
        assert [str(change.node) for change in journal.owed] == [scene.old.address]


async def test_nobody_follows_a_new_master_that_came_back_without_its_data() -> None:
    """Opened, restarted and empty: the others have the last copies, and keep them."""
    async with under_load() as scene:

        async def restart() -> None:
            await scene.new.kill()
            await scene.new.start()
            assert (await scene.new.command("ROLE"))[0] == "master"

        await goes_on(scene.load, 100)
        ending, journal = await scene.carry_out(Rejoin, restart)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        kept = [one for one in ending.failures if "nothing proves that it still has the data" in one]
        assert len(kept) == 3, "the old master, looked at twice, and the other replica"
        (third,) = (node for node in scene.topology.nodes if node not in (scene.old, scene.new))
        assert await setting(scene.old, "min-replicas-to-write") == str(FENCE_REPLICAS)
        assert await third.command("DBSIZE") == await scene.old.command("DBSIZE") >= 100
        for node in (scene.old, third):  # As a person may who does without the data.
            await node.command("REPLICAOF", *scene.new.address.split(":"))
        await scene.topology.ready()
        again = next(step for step in scene.plan.steps if isinstance(step, Prove))
        with pytest.raises(TooLate, match=f"{scene.new.address} was restarted since this was planned"):
            await replace(again, within_s=60).act(scene.hands)


async def test_an_old_master_that_takes_writes_again_stays_the_only_one() -> None:
    """The host of bot and old master is started again right after the promotion: neither fence nor pause is left."""
    async with under_load() as scene:
        steps = in_haste(scene.plan.steps)
        index, journal = await cut_off(steps, Promote, "after", scene.hands)
        async with never_two_writable_masters(scene.topology):
            await scene.old.kill()
            await scene.old.start()
            assert await scene.old.command("SET", "only:here", "1")
            asked = await settle(steps, CutOff(index), scene.hands, journal)
            assert isinstance(asked, Question)
            assert f"was not opened: {scene.old.address} takes writes again" in " ".join(asked.seen)
            ending = await settle(steps, CutOff(index, answer=Answer.RESUME), scene.hands, journal)
            assert isinstance(ending, Ending)
            assert ending.outcome is Outcome.INCOMPLETE
            assert StepState.DONE not in [state for _, _, state, _ in journal.lines], journal.lines
            assert await scene.old.command("SET", "only:here", "2")
            debt = next(change for change in journal.owed if str(change.node) == scene.new.address)
            request = SimpleNamespace(id="r", plan=scene.plan, run=SimpleNamespace(reached=index))
            await scene.old.kill()  # As if it were started again: the new one is the only master meanwhile.
            with pytest.raises(NotYet, match=f"{scene.old.address}, .* does not answer and may take writes"):
                await _nothing_under_way(
                    request,  # type: ignore[arg-type]
                    await scene.hands.observe(),
                    SimpleNamespace(change=debt),  # type: ignore[arg-type]
                    scene.hands,
                )


async def test_a_new_master_keeps_its_role_and_its_writes_from_the_first_one_on() -> None:
    """It does not answer at first when it is to be opened, and is restarted before the others follow it."""
    async with under_load(appendonly=True) as scene:

        class Stalling(TargetHands):
            stalled = False

            async def change_settings(self, node: Place, settings: Mapping[str, str], *, rewrite: bool) -> None:
                stall = settings == {FENCE: "0"} and not self.stalled
                try:
                    if stall:
                        self.stalled = True
                        await scene.new.hang()
                    await super().change_settings(node, settings, rewrite=rewrite)
                finally:
                    if stall:
                        await scene.new.resume()

        async def restart() -> None:
            await scene.new.command("SET", "first", "1")
            await scene.new.restart()

        steps = [step for step in scene.plan.steps if not (isinstance(step, Prove) and step.after_s)]
        async with another(Stalling, scene) as hands:
            journal = Journal(Rejoin, restart)
            ending = await carry_out(steps, hands, journal)
            assert hands.stalled  # type: ignore[attr-defined]
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await scene.new.command("GET", "first") == "1"
        assert await scene.lost() == 0
        await scene.as_it_was()


CUTS = [("old", CatchUp), ("old", Rejoin), *(("new", at) for at in (Promote, OpenForWrites, Rejoin))]


@pytest.mark.parametrize(("cut", "at"), CUTS, ids=lambda one: one if isinstance(one, str) else one.__name__)
async def test_the_bot_is_cut_off_from_one_node(cut: str, at: type[Step]) -> None:
    """The others go on seeing it: whatever Tandem cannot see, it never makes two writable masters."""
    async with under_load(links=True) as scene:
        link = scene.topology.link(getattr(scene, cut))
        async with another(TargetHands, scene, timeout_ms=1_000) as hands:
            ending, journal = await scene.carry_out(
                at, lambda: link.black_hole(replicas=False, sentinels=False, clients=True), hands
            )
            await no_two_writable_masters(scene.topology, 0.3)
            assert ending.outcome in {Outcome.UNDONE, Outcome.INCOMPLETE}, journal.lines
            await link.heal()
            if journal.owed:  # What a second start of the bot does.
                ending = await settle(in_haste(scene.plan.steps), CutOff(max(journal.titles)), hands, journal)
            assert journal.owed == [], (ending, journal.lines)
        assert await scene.lost() == 0
        await scene.as_it_was()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_cut_off_is_settled_by_looking(when: str) -> None:
    """Each prefix of the plan, with and without the last effect; the roles move to and fro on one topology."""
    async with under_load() as scene:
        kinds = [FenceCandidate, Fence, CatchUp, Promote, OpenForWrites, Rejoin, Repoint, KeepRoles, Prove]
        for at in kinds:
            old = await scene.topology.master()
            plan = await planned(scene.hands)
            new = next(node for node in scene.topology.nodes if node.address == str(plan.candidate))
            steps = in_haste(plan.steps)
            index, journal = await cut_off(steps, at, when, scene.hands)
            await scene.old.command("CLIENT", "UNPAUSE")  # It has run out; the fence that outlives it has not.
            await no_two_writable_masters(scene.topology, 0.2)
            ending = await settle(steps, CutOff(index), scene.hands, journal)
            moved = kinds.index(at) > kinds.index(Promote) or (at is Promote and when == "after")
            assert ending.outcome is (Outcome.DONE if moved else Outcome.UNDONE), (at, ending, journal.lines)
            assert await scene.topology.master() is (new if moved else old), at
            assert journal.owed == []
            await scene.topology.ready()
            await scene.as_it_was()
        assert await scene.lost() == 0


async def test_a_master_stays_fenced_where_somebody_has_promoted_another_since() -> None:
    async with under_load() as scene:
        steps, journal = in_haste(scene.plan.steps), Journal()
        for number, step in enumerate(steps[:3]):
            await journal.intends(number, step)
            await step.act(scene.hands)
        third = next(node for node in scene.topology.nodes if node not in (scene.old, scene.new))
        await third.command("REPLICAOF", "NO", "ONE")
        asked = await settle(steps, CutOff(2), scene.hands, journal, within_s=0)
        assert isinstance(asked, Question)
        assert f"{third.address} says that it is a master" in " ".join(asked.seen)
        await no_two_writable_masters(scene.topology, 0.3)
        assert [str(change.node) for change in journal.owed] == [scene.old.address]


async def test_nobody_follows_a_node_that_is_no_master_any_more() -> None:
    """A run that goes on late, after a person has gone back to the old master."""
    async with under_load() as scene:
        steps = in_haste(scene.plan.steps)
        for kind in (Repoint, Rejoin):
            step = next(step for step in steps if isinstance(step, kind))
            with pytest.raises(TooLate, match="is a replica by now"):
                await step.act(scene.hands)
        assert await scene.topology.master() is scene.old
        await scene.as_it_was()


@asynccontextmanager
async def another(kind: type[TargetHands], scene: Scene, timeout_ms: int = 2_000) -> AsyncIterator[TargetHands]:
    hands = kind(target_of(scene.topology, timeout_ms=timeout_ms))
    try:
        yield hands
    finally:
        await hands.aclose()
