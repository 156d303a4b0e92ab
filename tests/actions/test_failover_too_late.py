"""A failover that goes on late: the fence has fallen meanwhile, or Sentinel has moved the roles by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actions.adapters import TargetHands, connect
from actions.adapters.redis.connection import Command, Node, Reply
from actions.kit.errors import NotYet, Unreachable
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.plan import Held
from actions.kit.sentinel_steps import GONE, Steer, replica_seen_by
from actions.kit.sentinel_switch import LastLook, SentinelFailover
from actions.kit.settlement import Answer, CutOff, Question, settle
from actions.kit.steps import CatchUp, Demote, until
from actions.kit.topology import Address
from bot.requests.recovery import not_payable
from sandbox.redis import Server, Topology, build, builds, replication
from sandbox.redis.readiness import named_master
from tests.actions.test_failover_on_servers import Scene, default, under_load
from tests.failover import Journal, in_file, patient, setting, target_of, without_the_long_look

pytestmark = pytest.mark.servers


async def test_a_master_that_lost_its_fence_is_not_failed_over() -> None:
    """A restart lifts it, and so does another process that settles a run whose own one was only stopped."""
    async with under_load(default) as scene:

        async def lift() -> None:
            await scene.old.command("CLIENT", "UNPAUSE")
            await scene.old.command("CONFIG", "SET", "min-replicas-to-write", "0")

        ending, journal = await scene.carry_out(SentinelFailover, lift)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "no longer fenced" in ending.failures[0]
        assert await scene.topology.master() is scene.old
        assert await scene.lost() == 0


async def test_a_candidate_that_lost_its_data_is_not_promoted() -> None:
    """Restarted behind the fence it is empty, and Sentinel would take it as soon as it hears it again."""
    async with under_load(default, down_after_ms=30_000) as scene:
        assert scene.candidate.config_path is not None
        folder = scene.candidate.config_path.parent

        async def restart() -> None:
            await scene.old.command("CONFIG", "SET", "repl-diskless-sync-delay", "60")
            await scene.candidate.kill()
            (folder / "dump.rdb").unlink()
            await scene.candidate.start()
            await until(seen_again, scene.hands, 30)

        async def seen_again() -> Held:
            views = await scene.hands.sentinel_views()
            seen = [replica_seen_by(view, Address.parse(scene.candidate.address)) for view in views]
            return Held(all(one is not None and not one.flags & GONE for one in seen), "")

        ending, journal = await scene.carry_out(SentinelFailover, restart)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "its link to" in ending.failures[0]
        assert await scene.topology.master() is scene.old
        await scene.old.command("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        assert await scene.lost() == 0


async def test_a_sentinel_in_tilt_is_not_asked() -> None:
    """It would take the order and do nothing for half a minute, and the master be fenced for as long."""
    async with under_load(builds()[0]) as scene:

        async def tilt() -> None:
            await scene.asked.command("SENTINEL", "DEBUG", "TILT-TRIGGER", "1")
            await until(tilted, scene.hands, 60)

        async def tilted() -> Held:
            info = await scene.asked.command("INFO", "sentinel")
            return Held(info["sentinel_tilt"] == 1, "")

        ending, journal = await scene.carry_out(LastLook, tilt)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "is in TILT" in ending.failures[0]
        assert await setting(scene.old, "min-replicas-to-write") == "0"


async def test_nobody_is_demoted_who_was_promoted_again_since() -> None:
    """The bot and the new master restart together, after Sentinel has gone back to the old one."""
    async with under_load(default) as scene:
        ending, journal = await scene.carry_out()
        assert ending.outcome is Outcome.DONE, journal.lines
        third = next(node for node in scene.topology.nodes if node not in (scene.old, scene.candidate))
        await third.command("CONFIG", "SET", "replica-priority", "0")
        steer = Steer(Address.parse(scene.old.address), ())
        await until(lambda: steer.holds(scene.hands), scene.hands, 30)
        await scene.candidate.kill()
        await _named(scene.topology, scene.old.address)
        await scene.old.command("SET", "since", "1")
        await scene.candidate.start()
        assert (await scene.candidate.command("ROLE"))[0] == "master"
        steps = without_the_long_look(scene.plan.steps)
        asked = await settle(steps, CutOff(len(steps) - 1), scene.hands, journal)
        assert isinstance(asked, Question), "what is so now is another plan"
        assert "the roles have moved since" in " ".join(asked.seen)
        resumed = CutOff(len(steps) - 1, answer=Answer.RESUME)
        ending = await settle(steps, resumed, scene.hands, journal)
        assert isinstance(ending, Ending)
        assert ending.outcome is Outcome.INCOMPLETE
        assert StepState.FAILED in journal.states("Demote")
        assert await scene.old.command("GET", "since") == "1"
        assert (await scene.old.command("ROLE"))[0] == "master"


async def test_what_an_old_master_took_without_its_fence_is_said_to_be_lost() -> None:
    """It is restarted between the promotion and its demotion."""
    async with under_load(default, down_after_ms=60_000) as scene:

        async def restart() -> None:
            await scene.old.kill()
            await scene.old.start()
            assert await scene.old.command("SET", "only:here", "1")

        journal = Journal(Demote, restart)
        ending = await carry_out(patient(scene.plan.steps), scene.hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert "its fence was gone (its min-replicas-to-write is 0), and what it took without" in ending.failures[0]
        assert journal.states("Prove") == [StepState.DONE]
        assert journal.owed == []


async def test_nobody_is_demoted_to_follow_a_master_that_came_back_without_its_data() -> None:
    """Restarted without a file it is empty, and the old master may have the last copy."""
    async with under_load(default, down_after_ms=60_000) as scene:

        async def restart() -> None:
            await scene.candidate.kill()
            await scene.candidate.start()
            assert (await scene.candidate.command("ROLE"))[0] == "master"

        steps, journal = scene.plan.steps, Journal(Demote, restart)
        until_demoted = steps[: 1 + steps.index(scene.step(Demote))]
        ending = await carry_out(until_demoted, scene.hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert "nothing proves that it still has the data" in ending.failures[0]
        assert (await scene.old.command("ROLE"))[0] == "master"
        assert await setting(scene.old, "min-replicas-to-write") == "1000000"
        asked = await settle(steps, CutOff(until_demoted.index(scene.step(Demote))), scene.hands, journal)
        assert isinstance(asked, Question), "a process that takes over does not demote it either"
        had = await scene.old.command("DBSIZE")
        assert had > 0
        link = "up"
        async with asyncio.timeout(60):
            while link == "up":  # The Sentinels have it follow within ten seconds, and it does not come to a sync.
                link = (await scene.old.command("INFO", "replication")).get("master_link_status", "up")
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        assert await scene.old.command("DBSIZE") == had
        assert {change.name for change in journal.owed} >= {"min-replicas-to-write", "masterauth"}


async def test_nobody_is_demoted_whom_the_sentinels_still_name() -> None:
    """They would find no master, and promote a third one, which lacks what the new one took."""
    async with under_load(default) as scene:
        await scene.candidate.command("REPLICAOF", "NO", "ONE")
        demote = replace(scene.step(Demote), within_ms=300)  # type: ignore[type-var]
        with pytest.raises(NotYet, match=f"the Sentinels name {scene.old.address}"):
            await demote.act(scene.hands)
        assert (await scene.old.command("ROLE"))[0] == "master"
        await _failover_is_called_back(scene)


async def test_a_master_that_was_replaced_behind_its_fence_stays_fenced_until_it_follows() -> None:
    """The run is cut off behind the fence, and the master hangs until Sentinel has failed over by itself."""
    async with under_load(default) as scene:
        steps, journal = without_the_long_look(scene.plan.steps), Journal()
        reached = await _cut_off(scene, journal)
        await scene.old.hang()
        await _named(scene.topology, scene.candidate.address)
        third = next(node for node in scene.topology.nodes if node not in (scene.old, scene.candidate))
        await _in_file(third, "replica-priority 0")  # Sentinel had it follow, and has rewritten its file.
        await scene.old.resume()
        asked = await settle(steps, CutOff(reached), scene.hands, journal, within_s=0)
        assert (await scene.old.command("ROLE"))[0] == "master"
        assert await setting(scene.old, "min-replicas-to-write") == "1000000"
        assert isinstance(asked, Question)
        assert "stays fenced until it follows" in " ".join(asked.seen)
        assert [change.name for change in journal.owed] == ["min-replicas-to-write"]
        assert not in_file(third, "replica-priority 0")
        await _in_file(scene.old, "1000000")  # Now it follows, and Sentinel has written the fence to its file.
        await settle(steps, CutOff(reached), scene.hands, journal)
        assert journal.owed == []
        assert not in_file(scene.old, "1000000")
        assert await scene.lost() == 0


async def test_a_file_that_the_server_may_not_write_keeps_nothing_owed() -> None:
    """As where it comes from a ConfigMap: Sentinel could not write the fence there either."""
    async with replication(build(default)) as topology:
        server = topology.nodes[0]
        assert server.config_path is not None
        folder = server.config_path.parent
        hands = connect(target_of(topology))
        aside = folder.rename(folder.with_name("aside"))
        try:
            folder.symlink_to("/sys/kernel")  # Nobody may make a file here, root neither.
            address = Address.parse(server.address)
            await hands.change_settings(address, {"min-replicas-to-write": "1"}, rewrite=True)
            assert await setting(server, "min-replicas-to-write") == "1"
        finally:
            folder.unlink(missing_ok=True)
            aside.rename(folder)
            await hands.aclose()


async def test_a_time_out_of_a_sentinel_is_put_back_like_any_other_setting() -> None:
    """What is left where a process dies while it stops a failover."""
    async with under_load(default) as scene:
        switch = scene.step(SentinelFailover)
        (change,) = switch.undoing_changes
        assert await scene.hands.settings(change.node, (change.name, "nonsense")) == {change.name: change.old}
        await scene.hands.change_settings(change.node, {change.name: change.new}, rewrite=True)
        assert await scene.hands.settings(change.node, (change.name,)) == {change.name: "1"}
        assert not_payable(await scene.hands.observe(), change.node) is None
        await scene.hands.change_settings(change.node, {change.name: change.old}, rewrite=False)
        assert await scene.hands.settings(change.node, (change.name,)) == {change.name: change.old}


async def _failover_is_called_back(scene: Scene) -> None:
    """A forwarder holds the command: what it would come by is closed at the Sentinel before anything is looked at."""

    class Held(TargetHands):
        async def _all(self, server: Node, *commands: Command, repeatable: bool = False) -> list[Reply]:
            if commands[0][:2] in {("SENTINEL", "FAILOVER"), ("SENTINEL", "SET")}:
                raise Unreachable("no answer")
            return await super()._all(server, *commands, repeatable=repeatable)

    sentinel = Address.parse(scene.asked.address)
    held = Held(target_of(scene.topology))
    try:
        with pytest.raises(Unreachable):
            await held.sentinel_failover(sentinel, coordinated=False)
        assert "tandem-changes" in str(await scene.asked.command("CLIENT", "LIST"))
        assert "no failover" in await scene.hands.stop_sentinel_failover(sentinel, 10_000)
        assert "tandem-changes" not in str(await scene.asked.command("CLIENT", "LIST"))
        with pytest.raises(Unreachable):  # What stops a failover: late, it would leave the Sentinel with 1 ms for ever.
            await held.change_settings(sentinel, {"failover-timeout": "1"}, rewrite=False)
        assert "tandem-changes" in str(await scene.asked.command("CLIENT", "LIST"))
        await scene.hands.recall(sentinel)
        assert "tandem-changes" not in str(await scene.asked.command("CLIENT", "LIST"))
    finally:
        await held.aclose()


async def _cut_off(scene: Scene, journal: Journal) -> int:
    """Do and journal all up to the fence; the bot dies when it has begun to wait for the candidate."""
    for number, step in enumerate(scene.plan.steps):
        await journal.intends(number, step)
        if isinstance(step, CatchUp):
            return number
        await step.act(scene.hands)
    raise AssertionError("this plan has no fence")


async def _named(topology: Topology, address: str) -> None:
    """Wait until every Sentinel names this master."""
    async with asyncio.timeout(60):
        while any([await named_master(topology, one) != address for one in topology.sentinels]):
            await asyncio.sleep(0.1)


async def _in_file(server: Server, line: str) -> None:
    """Wait until this line is in the server's file."""
    async with asyncio.timeout(60):
        while not in_file(server, line):
            await asyncio.sleep(0.1)
