"""The planned failover on real servers under write load, with a fault at each point where one can happen."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from actions.adapters import TargetHands, connect
from actions.kit.errors import JournalDown, TandemError
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.plan import Plan, Step
from actions.kit.promotion import FenceCandidate
from actions.kit.recheck import Recheck
from actions.kit.sentinel_opening import OpenNamed
from actions.kit.sentinel_steps import AwaitInfo, AwaitSentinels, Steer
from actions.kit.sentinel_switch import LastLook, SentinelFailover
from actions.kit.settlement import CutOff, settle
from actions.kit.steps import CatchUp, Demote, Fence, Prove, PutBack
from actions.kit.topology import Address, Limits
from sandbox.redis import Build, Server, Topology, WriteLoad, build, builds, sentinel
from sandbox.redis.readiness import named_master
from tests.failover import (
    CALM,
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
    without_the_long_look,
)

pytestmark = pytest.mark.servers

FENCING = [one for one in builds() if not one.is_valkey]
"""Where Tandem fences itself; Valkey 9 coordinates with the master."""

default = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else "redis-6.2"


@dataclass
class Scene:
    topology: Topology
    hands: TargetHands
    load: WriteLoad
    plan: Plan

    @property
    def old(self) -> Server:
        return self.by_address(self.plan.steps[-1].expected[0])  # type: ignore[attr-defined]

    @property
    def candidate(self) -> Server:
        return self.by_address(self.plan.candidate)

    @property
    def asked(self) -> Server:
        """The Sentinel that is to fail over."""
        address = str(self.step(SentinelFailover).sentinel)  # type: ignore[attr-defined]
        return next(one for one in self.topology.sentinels if one.address == address)

    def by_address(self, address: object) -> Server:
        return next(node for node in self.topology.nodes if node.address == str(address))

    def step(self, kind: type[Step]) -> Step:
        return next(step for step in self.plan.steps if isinstance(step, kind))

    async def carry_out(self, at: type[Step] | None = None, fault: Fault | None = None) -> tuple[Ending, Journal]:
        journal = Journal(at, fault)
        steps = soon_given_up(self.plan.steps) if fault else patient(self.plan.steps)
        return await carry_out(steps, self.hands, journal), journal

    async def lost(self) -> int:
        """Lost writes, counted on the master once the topology is whole again."""
        await self.topology.ready()
        await goes_on(self.load)
        await self.load.stop()
        return await self.load.lost(await self.topology.master())


@asynccontextmanager
async def under_load(
    which: Build | str,
    *,
    hurry: bool = True,
    tilt_ms: int = 60_000,
    timeout_ms: int = 10_000,
    limits: Limits = Limits(max_pause_ms=3000),
    **settings: object,
) -> AsyncIterator[Scene]:
    chosen = build(which) if isinstance(which, str) else which
    async with sentinel(chosen, **settings) as topology, WriteLoad(topology, rate=400) as load:
        if chosen.version >= (7,) and hurry:
            # Else each test waits up to ten seconds for Sentinel's next INFO, and for 30 where the machine hung.
            for server in topology.sentinels:
                await server.command("SENTINEL", "DEBUG", "INFO-PERIOD", "1000", "TILT-TRIGGER", str(tilt_ms))
        hands = connect(target_of(topology, timeout_ms=timeout_ms, limits=limits))
        try:
            yield Scene(topology, hands, load, await planned(hands))
        finally:
            await hands.aclose()


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_it_moves_the_master_and_loses_nothing(which: Build) -> None:
    async with under_load(which, hurry=False, **CALM) as scene:
        await goes_on(scene.load, 100)
        ending, journal = await scene.carry_out()
        assert ending == Ending(Outcome.DONE), journal.lines
        assert (await scene.topology.master()) is scene.candidate
        assert (await scene.old.command("ROLE"))[0] == "slave"
        assert await scene.lost() == 0
        assert journal.owed == []
        for node in scene.topology.nodes:
            assert await setting(node, "min-replicas-to-write") == "0"
            assert await setting(node, "replica-priority") == "100"
            assert not in_file(node, str(FENCE_REPLICAS))
            assert [line for line in in_file(node, "replica-priority") if line != "replica-priority 100"] == []


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_it_waits_for_bytes_that_are_still_under_way(which: Build) -> None:
    async with under_load(which, links=True, **CALM) as scene:
        for link in scene.topology.links:
            await link.delay_replication(0.1)
        await asyncio.sleep(0.5)
        ending, journal = await scene.carry_out()
        assert ending == Ending(Outcome.DONE), journal.lines
        for link in scene.topology.links:
            await link.heal()
        assert await scene.lost() == 0


async def test_the_plain_command_loses_what_ours_keeps() -> None:
    """Both in one run, on the same servers and under the same load: what we count would show a loss."""
    async with under_load(default, **CALM) as scene:
        assert (await scene.carry_out())[0] == Ending(Outcome.DONE)
        await scene.topology.ready()
        old = await scene.topology.master()
        assert await scene.load.lost(old) == 0
        await scene.topology.sentinels[0].command("SENTINEL", "FAILOVER", scene.topology.master_name)
        while await scene.topology.master() is old:
            await asyncio.sleep(0.1)
        await scene.topology.ready()
        assert await scene.load.lost(await scene.topology.master()) > 0


async def test_the_wanted_candidate_is_taken_and_steered_to() -> None:
    async with under_load(default, **CALM) as scene:
        wanted = scene.topology.nodes[2]
        await scene.topology.nodes[1].command("CONFIG", "SET", "replica-priority", "1")
        plan = await planned(scene.hands, to=wanted.address)
        ending = await carry_out(patient(plan.steps), scene.hands, Journal())
        assert ending == Ending(Outcome.DONE)
        assert await scene.topology.master() is wanted
        assert await setting(scene.topology.nodes[1], "replica-priority") == "1"


async def test_a_fence_is_put_back_to_what_it_was() -> None:
    async with under_load(default, **CALM) as scene:
        await scene.old.command("CONFIG", "SET", "min-replicas-to-write", "1")
        await scene.old.command("CONFIG", "SET", "min-replicas-max-lag", "0")
        plan = await planned(scene.hands)
        fence = next(step for step in plan.steps if isinstance(step, Fence))
        assert [(change.name, change.old) for change in fence.settings] == [
            ("min-replicas-max-lag", "0"),
            ("min-replicas-to-write", "1"),
        ]
        assert (await carry_out(patient(plan.steps), scene.hands, Journal())).outcome is Outcome.DONE
        assert await setting(scene.old, "min-replicas-to-write") == "1"
        assert await setting(scene.old, "min-replicas-max-lag") == "0"
        assert await scene.lost() == 0


async def test_it_works_with_acls_tls_and_without_a_configuration_file() -> None:
    which = next((one for one in builds() if one.has_tls), None)
    if which is None:
        pytest.skip("no server here speaks TLS")
    async with under_load(which, acl=True, tls=True, config_file=False, **CALM) as scene:
        ending, journal = await scene.carry_out()
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await scene.lost() == 0


@pytest.mark.parametrize("at", [CatchUp, SentinelFailover], ids=lambda kind: kind.__name__)
async def test_the_candidate_dies_behind_the_fence(at: type[Step]) -> None:
    async with under_load(default) as scene:
        ending, journal = await scene.carry_out(at, scene.candidate.kill)
        assert ending.outcome is Outcome.UNDONE, (ending, journal.lines)
        assert journal.owed == []
        assert await scene.topology.master() is scene.old
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        assert await scene.old.command("SET", "after", "1")
        await scene.candidate.start()
        assert await scene.lost() == 0


def _hanging(scene: Scene, server: Server, role: str) -> TargetHands:
    """Hands whose failover hangs the candidate as soon as this server has this role, in ROLE's words."""

    class Hanging(TargetHands):
        async def sentinel_failover(self, sentinel: Address, *, coordinated: bool) -> None:
            await super().sentinel_failover(sentinel, coordinated=coordinated)
            while (await server.command("ROLE"))[0] != role:
                await asyncio.sleep(0.005)
            await scene.candidate.hang()

    return Hanging(target_of(scene.topology, timeout_ms=2_000))


async def test_a_candidate_that_hangs_as_a_new_master_takes_nothing_when_it_wakes_up() -> None:
    """Where no Sentinel saw its promotion the old master has its writes back; else they have gone on without it."""
    async with under_load(default, failover_timeout_ms=60_000) as scene:
        hands, journal = _hanging(scene, scene.candidate, "master"), Journal()
        try:
            ending = await carry_out(_hurried(scene.plan), hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, (ending, journal.lines)
            assert scene.candidate.address in {str(change.node) for change in journal.owed}
            async with never_two_writable_masters(scene.topology):
                await scene.candidate.resume()
                await scene.topology.ready()
            ending = await settle(scene.plan.steps, CutOff(max(journal.titles)), hands, journal)
            assert journal.owed == [], (ending, journal.lines)
        finally:
            await hands.aclose()
        assert await setting(scene.candidate, "min-replicas-to-write") == "0"
        assert not in_file(scene.candidate, "min-replicas-to-write 1"), "Sentinel wrote it there with the new role"
        assert await scene.lost() == 0


async def test_a_new_master_that_hangs_right_after_it_was_handed_over_to_stays_the_new_one() -> None:
    """The old one is a replica by then: nothing can be undone, and only the Sentinel that still waits can name it."""
    which = next((one for one in builds() if one.is_valkey), None)
    if which is None:
        pytest.skip("no Sentinel here coordinates")
    async with under_load(which, failover_timeout_ms=60_000) as scene:
        hands, journal = _hanging(scene, scene.old, "slave"), Journal()
        try:
            ending = await carry_out(_hurried(scene.plan), hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, (ending, journal.lines)
            async with never_two_writable_masters(scene.topology):
                await scene.candidate.resume()
                await scene.topology.ready()
            ending = await settle(scene.plan.steps[:-1], CutOff(max(journal.titles)), hands, journal)
            assert journal.owed == [], (ending, journal.lines)
        finally:
            await hands.aclose()
        assert await scene.lost() == 0


@pytest.mark.parametrize("how", ["restarted before it is seen as master", "restarted", "dead"])
async def test_a_master_that_handed_over_to_one_that_is_no_master_any_more_is_master_again(how: str) -> None:
    """Two replicas that follow each other: by themselves the Sentinels leave that for twice their failover-timeout.

    What Sentinel has the master do is done here without it: so it cannot be quicker than the restart.
    """
    which = next((one for one in builds() if one.is_valkey), None)
    if which is None:
        pytest.skip("no Sentinel here coordinates")

    async def restarted() -> None:
        await scene.candidate.kill()
        if how != "dead":
            await scene.candidate.start()
            assert (await scene.candidate.command("ROLE"))[0] == "slave"

    class HandingOver(TargetHands):
        async def sentinel_failover(self, sentinel: Address, *, coordinated: bool) -> None:
            assert coordinated
            host, _, port = scene.candidate.address.rpartition(":")
            await scene.old.command("FAILOVER", "TO", host, port)
            while (await scene.candidate.command("ROLE"))[0] != "master":
                await asyncio.sleep(0.01)
            if unseen:
                await restarted()

    unseen = how == "restarted before it is seen as master"
    async with under_load(which, hurry=False, down_after_ms=60_000, failover_timeout_ms=60_000) as scene:
        hands = HandingOver(target_of(scene.topology, timeout_ms=10_000))
        journal = Journal(AwaitSentinels, None if unseen else restarted)
        steps = [one for one in scene.plan.steps if isinstance(one, FenceCandidate | SentinelFailover | AwaitSentinels)]
        try:
            async with never_two_writable_masters(scene.topology):
                ending = await carry_out(steps, hands, journal)
        finally:
            await hands.aclose()
        assert ending.outcome is Outcome.UNDONE, (ending, journal.lines)
        told = {"restarted": "is a replica of", "dead": "is gone, and no node says that it is a master"}
        assert told.get(how, "nobody is master, and writes are refused") in " ".join(ending.failures)
        undone = [note for _, name, state, note in journal.lines if (name, state) == ("SentinelFailover", "undone")]
        assert f"{scene.old.address}, and it was made master again and takes writes" in " ".join(undone)
        assert await scene.topology.master() is scene.old
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        assert journal.owed == []
        assert await scene.old.command("SET", "after", "1")
        if how == "dead":
            await scene.candidate.start()
        assert await scene.lost() == 0


async def test_a_candidate_that_sentinel_promotes_without_us_is_not_left_fenced() -> None:
    """The bot dies behind the fence, and then the master."""
    async with under_load(default) as scene:
        reached, journal = await cut_off(scene.plan.steps, FenceCandidate, "after", scene.hands)
        await scene.old.kill()
        while await _named(scene) != {scene.candidate.address}:
            await asyncio.sleep(0.1)
        ending = await settle(scene.plan.steps, CutOff(reached), scene.hands, journal)
        assert isinstance(ending, Ending), ending
        assert journal.owed == []
        assert await setting(scene.candidate, "min-replicas-to-write") == "0"
        await scene.old.start()
        await scene.topology.ready()


@pytest.mark.parametrize("which", [default, *(one.name for one in builds() if one.is_valkey)])
async def test_the_candidate_hangs_when_sentinel_has_been_asked(which: str) -> None:
    """What Sentinel sent it waits in its socket: should it wake up as a master, no Sentinel names it."""
    # As long Valkey's Sentinel pauses writes.
    async with under_load(which, failover_timeout_ms=180_000, timeout_ms=1_000) as scene:
        ending, journal = await scene.carry_out(SentinelFailover, scene.candidate.hang)
        assert [str(change.node) for change in journal.owed] == [scene.candidate.address], "for what it may wake up as"
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        assert await scene.old.command("SET", "after", "1", timeout_s=60)
        await scene.candidate.resume()
        ending = await settle(scene.plan.steps, CutOff(max(journal.titles)), scene.hands, journal)
        assert (ending.outcome, journal.owed) == (Outcome.UNDONE, []), (ending, journal.lines)  # type: ignore[union-attr]
        assert await scene.lost() == 0
        assert await scene.topology.master() is scene.old


@pytest.mark.parametrize("which", ["asked", "another"])
async def test_a_sentinel_dies(which: str) -> None:
    async with under_load(default) as scene:
        asked = scene.step(SentinelFailover).sentinel  # type: ignore[attr-defined]
        dying = next(one for one in scene.topology.sentinels if (one.address == str(asked)) == (which == "asked"))
        ending, journal = await scene.carry_out(SentinelFailover, dying.kill)
        assert ending.outcome is (Outcome.UNDONE if which == "asked" else Outcome.INCOMPLETE), journal.lines
        assert len(await scene.topology.masters()) == 1
        master = await scene.topology.master()
        assert (master is scene.old) == (which == "asked")
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        await dying.start()
        assert await scene.lost() == 0


async def test_the_old_master_hangs_before_it_is_demoted() -> None:
    """It stays fenced: when it comes back it acknowledges nothing, until Sentinel has made it a replica."""
    async with under_load(default, timeout_ms=1_000) as scene:
        ending, journal = await scene.carry_out(Demote, scene.old.hang)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert [change.name for change in journal.owed] == ["min-replicas-to-write"]
        assert await scene.topology.master() is scene.candidate
        await scene.old.resume()
        await no_two_writable_masters(scene.topology, 3.0)
        assert await scene.lost() == 0


@pytest.mark.parametrize("at", [CatchUp, SentinelFailover, Demote, PutBack], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("cut", ["old", "candidate"])
async def test_the_bot_is_cut_off_from_one_node(cut: str, at: type[Step]) -> None:
    """Sentinels and replicas go on seeing it: whatever Tandem cannot see, it never makes two writable masters."""
    async with under_load(default, links=True) as scene:
        server: Server = getattr(scene, cut)
        hands = connect(target_of(scene.topology, timeout_ms=1_000))
        link = scene.topology.link(server)
        try:
            journal = Journal(at, lambda: link.black_hole(replicas=False, sentinels=False, clients=True))
            ending = await carry_out(soon_given_up(scene.plan.steps), hands, journal)
            await no_two_writable_masters(scene.topology, 1.0)
            assert ending.outcome in {Outcome.UNDONE, Outcome.INCOMPLETE}, journal.lines
            await link.heal()
            if journal.owed:  # What a second start of the bot does.
                reached = max(journal.titles)
                ending = await settle(soon_given_up(scene.plan.steps), CutOff(reached), hands, journal)
            assert journal.owed == [], (ending, journal.lines)
        finally:
            await hands.aclose()
        assert await scene.lost() == 0
        for node in scene.topology.nodes:
            assert await setting(node, "min-replicas-to-write") == "0"


@pytest.mark.parametrize(
    "at", [Steer, FenceCandidate, Fence, CatchUp, SentinelFailover, AwaitSentinels, OpenNamed, Demote, PutBack, Prove]
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_cut_off_is_settled_by_looking(at: type[Step], when: str) -> None:
    """Each prefix of the plan, with and without the last effect; then only what the journal knows is used."""
    async with under_load(default, **CALM) as scene:
        steps = patient(scene.plan.steps)
        index, journal = await cut_off(steps, at, when, scene.hands)
        await _pause_is_over(scene.old)
        ending = await settle(steps, CutOff(index), scene.hands, journal)
        moved = index > steps.index(scene.step(SentinelFailover)) or (at is SentinelFailover and when == "after")
        assert ending.outcome is (Outcome.DONE if moved else Outcome.UNDONE), (ending, journal.lines)
        assert await scene.topology.master() is (scene.candidate if moved else scene.old)
        assert journal.owed == []
        assert await scene.lost() == 0
        for node in scene.topology.nodes:
            assert await setting(node, "min-replicas-to-write") == "0"
            assert await setting(node, "replica-priority") == "100"


async def test_a_sentinel_that_hangs_before_it_is_asked_holds_nothing_up() -> None:
    async with under_load(default, timeout_ms=1_000) as scene:
        silent = scene.asked
        ending, journal = await scene.carry_out(LastLook, silent.hang)
        assert ending.outcome is Outcome.UNDONE, (ending, journal.lines)
        assert journal.owed == []
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        await silent.resume()
        assert await scene.lost() == 0
        assert await scene.topology.master() is scene.old


async def test_what_changes_after_the_approval_stops_the_run_before_the_fence() -> None:
    """A replica that restarts in between may have come back with other data."""
    async with under_load(default, **CALM) as scene:
        bystander = next(one for one in scene.topology.nodes if one not in (scene.old, scene.candidate))

        async def restarted() -> None:
            await bystander.kill()
            await bystander.start()
            await scene.topology.ready()

        ending, journal = await scene.carry_out(Recheck, restarted)
        assert ending.outcome is Outcome.UNDONE, (ending, journal.lines)
        assert f"is now: {bystander.address} replica run" in " ".join(ending.failures)
        assert "Fence" not in journal.titles.values(), journal.lines
        assert await setting(bystander, "replica-priority") == "100"
        assert await scene.topology.master() is scene.old


async def test_the_asked_sentinel_hangs_with_the_failover_in_hand() -> None:
    """It would go on when it wakes up: the fence stays, until that Sentinel can be told to stop."""
    async with under_load(default, tilt_ms=2_000) as scene:
        asked = scene.asked

        class Hanging(TargetHands):
            async def sentinel_failover(self, sentinel: Address, *, coordinated: bool) -> None:
                await super().sentinel_failover(sentinel, coordinated=coordinated)
                await asked.hang()

        hands = Hanging(target_of(scene.topology, timeout_ms=2_000))
        try:
            journal = Journal()
            ending = await carry_out(without_the_long_look(scene.plan.steps), hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, (ending, journal.lines)
            assert "end its process, or bring it back" in " ".join(ending.failures)
            assert await setting(scene.old, "min-replicas-to-write") == str(FENCE_REPLICAS)
            await asked.resume()
            reached = max(journal.titles)
            deadline = time.monotonic() + 90  # In TILT it neither goes on nor gives up, for half a minute.
            while journal.owed:
                assert time.monotonic() < deadline, (ending, journal.lines)
                ending = await settle(scene.plan.steps[:-1], CutOff(reached), hands, journal)
            moved = StepState.ALREADY in journal.states("SentinelFailover")
            assert ending.outcome is (Outcome.DONE if moved else Outcome.UNDONE), (ending, journal.lines)
            assert await scene.topology.master() is (scene.candidate if moved else scene.old)
            await no_two_writable_masters(scene.topology, 2.0)
        finally:
            await hands.aclose()
        assert await scene.lost() == 0


async def test_the_asked_sentinel_dies_after_it_has_promoted_and_before_it_tells() -> None:
    """The others would make the new master a replica of the old one; they are told, and no third one is promoted."""
    async with under_load(default) as scene:
        asked = scene.asked

        class Dying(TargetHands):
            async def sentinel_failover(self, sentinel: Address, *, coordinated: bool) -> None:
                await super().sentinel_failover(sentinel, coordinated=coordinated)
                while (await scene.candidate.command("ROLE"))[0] != "master":
                    await asyncio.sleep(0.005)
                await asked.kill()

        hands = Dying(target_of(scene.topology))
        try:
            journal = Journal()
            async with never_two_writable_masters(scene.topology):
                ending = await carry_out(_hurried(scene.plan), hands, journal)
                await asyncio.sleep(4)  # What the Sentinels think now, they do within seconds.
        finally:
            await hands.aclose()
        assert ending.outcome is Outcome.INCOMPLETE, "the dead one cannot prove anything"
        assert not [name for name in ("AwaitSentinels", "Demote", "PutBack") if journal.states(name)[0] != "done"]
        assert "told them" in " ".join(note for _, _, _, note in journal.lines), journal.lines
        assert journal.owed == []
        await asked.start()
        assert await scene.lost() == 0
        assert await scene.topology.master() is scene.candidate


async def test_the_master_hangs_before_it_hands_over() -> None:
    """It does when it wakes up: only the Sentinel that still waits for it names the new one then."""
    which = next((one for one in builds() if one.is_valkey), None)
    if which is None:
        pytest.skip("no Sentinel here coordinates")
    async with under_load(which, down_after_ms=60_000, timeout_ms=1_000) as scene:
        async with never_two_writable_masters(scene.topology):
            ending, journal = await scene.carry_out(SentinelFailover, scene.old.hang)
            assert ending.outcome is Outcome.INCOMPLETE, (ending, journal.lines)
            assert f"hand over to {scene.candidate.address}, and is silent" in " ".join(ending.failures)
            await scene.old.resume()
            await scene.topology.ready()
        assert await scene.topology.master() is scene.candidate
        assert await scene.lost() == 0


async def test_a_shutdown_behind_the_fence_takes_it_down() -> None:
    async with under_load(default, **CALM) as scene:
        reached = asyncio.Event()

        async def wait_for_ever() -> None:
            reached.set()
            await asyncio.Event().wait()

        running = asyncio.create_task(scene.carry_out(CatchUp, wait_for_ever))
        await reached.wait()
        assert await setting(scene.old, "min-replicas-to-write") == str(FENCE_REPLICAS)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await setting(scene.old, "min-replicas-to-write") == "0"
        assert await scene.old.command("SET", "after", "1")


async def test_a_late_fence_is_taken_back_by_who_set_it() -> None:
    """A process that was stopped for so long that another has settled its run finds out only after the effect."""

    class Lost(Journal):
        async def ended(self, index: int, state: StepState, note: str) -> None:
            if self.titles[index] == "Fence":
                raise TandemError("another process has it")
            await super().ended(index, state, note)

    async with under_load(default, **CALM) as scene:
        with pytest.raises(TandemError, match="another process"):
            await carry_out(scene.plan.steps, scene.hands, Lost())
        assert await setting(scene.old, "min-replicas-to-write") == "0"


@pytest.mark.parametrize("at", [CatchUp, Demote], ids=lambda kind: kind.__name__)
async def test_the_ledger_goes_away_in_the_middle(at: type[Step]) -> None:
    """No fence stands for as long as a ledger is away: back before the roles moved, forward after."""

    async def disk_full() -> None:
        raise JournalDown("disk full")

    async with under_load(default, **CALM) as scene:
        with pytest.raises(JournalDown, match="disk full"):
            await scene.carry_out(at, disk_full)
        assert await scene.topology.master() is (scene.old if at is CatchUp else scene.candidate)
        assert await scene.lost() == 0
        for node in scene.topology.nodes:
            assert await setting(node, "min-replicas-to-write") == "0"
            assert await setting(node, "replica-priority") == "100"


async def test_the_second_look_counts_and_notices_a_revert() -> None:
    """A replica hangs during the first one only; after the second a node is made a master by hand."""

    class Mended(Journal):
        async def intends(self, index: int, step: Step) -> None:
            await super().intends(index, step)
            if isinstance(step, Prove) and not step.after_s:
                await third.hang()

        async def ended(self, index: int, state: StepState, note: str) -> None:
            await super().ended(index, state, note)
            if state is StepState.FAILED:
                await third.resume()

    async with under_load(default, **CALM) as scene:
        third = next(node for node in scene.topology.nodes if node not in (scene.old, scene.candidate))
        journal = Mended()
        proofs = {0: {"within_s": 1}, 30: {"after_s": 1, "within_s": 60}}
        steps = [
            replace(step, **proofs[step.after_s]) if isinstance(step, Prove) else step for step in scene.plan.steps
        ]
        ending = await carry_out(steps, scene.hands, journal)
        assert ending.outcome is Outcome.DONE, journal.lines
        assert journal.states("Prove") == [StepState.FAILED, StepState.DONE]
        (said,) = ending.failures
        assert f"{third.address} follows {scene.candidate.address}: it did not answer" in said
        assert said.endswith("This was over later: “Prove the result again after 1 s” passed.")
        await scene.topology.nodes[2].command("REPLICAOF", "NO", "ONE")
        again = Prove(scene.plan.candidate, scene.plan.steps[-1].expected, "orders", (), after_s=1, within_s=1)  # type: ignore[attr-defined, arg-type]
        ending = await carry_out([again], scene.hands, journal)
        assert ending.outcome is Outcome.UNDONE
        assert "says that it is a master" in ending.failures[0]


def _hurried(plan: Plan) -> list[Step]:
    """Sentinel is asked just after an INFO: a second goes by until it hears of the promotion."""
    steps = soon_given_up(plan.steps)
    return [replace(step, age_ms=50) if isinstance(step, AwaitInfo) else step for step in steps]


async def _pause_is_over(node: Server) -> None:
    """It has run out; the fence that outlives it has not. A Sentinel that makes it a replica closes our connection."""
    async with asyncio.timeout(90):
        while True:
            with contextlib.suppress(RedisConnectionError):
                await node.command("CLIENT", "UNPAUSE")
                return


async def _named(scene: Scene) -> set[str]:
    """Whom the Sentinels name."""
    return {await named_master(scene.topology, one) for one in scene.topology.sentinels}
