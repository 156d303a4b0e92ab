"""A target flushed on real servers under load: what was acknowledged is in the copy or on the server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from actions import flush
from actions.adapters import connect
from actions.kit.errors import TooLate, Unreachable
from actions.kit.flushing.copied import RescueMaster
from actions.kit.flushing.look import look
from actions.kit.flushing.proof import SeeFlushed
from actions.kit.flushing.steps import FlushMaster
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.note import results_of
from actions.kit.plan import Plan, Refusal
from actions.kit.ports import Flush, Keyspace
from actions.kit.repair.demotion import ReportCopy
from actions.kit.rescue_place import Folder
from actions.kit.settlement import CutOff, Question, settle
from actions.kit.topology import Address
from sandbox.redis import Build, ClusterLoad, Shape, WriteLoad, build, builds, cluster, loaded
from tests.cluster_failover import target_of_cluster
from tests.failover import Journal, caught_up, cut_off
from tests.flushing import OLD, at_once, copies_in, counted, notes_of, stage

pytestmark = pytest.mark.servers

NAME = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else builds()[0].name

OLD_BUILDS = [one for one in builds() if one.name.startswith("redis-") and one.version < (7, 0, 0)]

Answer = tuple[Keyspace, Keyspace] | None


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_what_was_acknowledged_is_in_the_copy_or_on_the_server(which: Build, tmp_path: Path) -> None:
    async with stage(which, tmp_path) as scene, WriteLoad(scene.topology, rate=200) as load:
        plan = await scene.planned(db="0")
        assert "It is in use" in " ".join(plan.cost.notes)
        ending, journal = await scene.flushed(plan)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert journal.owed == []
        before = load.acked
        await scene.until(lambda: load.acked > before + 20)
        await load.stop()
        assert await scene.master.command("EXISTS", "old:1") == 0
        assert (await counted(scene.master))[3] == OLD[3]
        (copy,) = scene.copies
        async with loaded(which, copy) as server:
            assert await server.command("GET", "old:300") == "300"
            assert (await counted(server))[3] == OLD[3]
            assert await load.lost(scene.master) > 0, "the copy has some that were flushed"
            assert await load.lost(scene.master, server.address) == 0
        assert "keys of database 0 went at offset" in notes_of(journal, FlushMaster)


async def test_the_flushed_data_comes_back_from_its_copy(tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path) as scene:
        plan = await scene.planned()
        assert plan.cost.loss_keys == sum(OLD.values())
        assert plan.cost.loss_bytes
        ending, journal = await scene.flushed(plan)
        assert ending == Ending(Outcome.DONE), journal.lines
        await caught_up(*scene.topology.nodes)
        assert [await counted(node) for node in scene.topology.nodes] == [{}, {}]
        assert "300 keys of database 0, 40 keys of database 3 went" in notes_of(journal, FlushMaster)
        assert f"{scene.topology.nodes[1].address} has what was written since" in notes_of(journal, SeeFlushed)
        (copy,) = scene.copies
        assert str(copy) in notes_of(journal, ReportCopy)
        assert values_of(journal)["where"] == str(copy)
        async with loaded(build(NAME), copy) as server:
            assert await counted(server) == OLD
            await scene.master.command("SET", "old:7", "written since")
            for database in OLD:  # As docs/rescue.md has it.
                host, port = scene.master.direct_address.split(":")
                keys = [f"old:{number}" for number in range(1, OLD[database] + 1)]
                script = "redis.call('SELECT', ARGV[1]) return redis.pcall('MIGRATE', unpack(ARGV, 2))"
                migrate = (host, port, "", str(database), "5000", "COPY", "KEYS", *keys)
                with pytest.raises(ResponseError, match="BUSYKEY") if database == 0 else nullcontext():
                    await server.command("EVAL", script, "0", str(database), *migrate)
        assert await counted(scene.master) == OLD
        assert await scene.master.command("GET", "old:7") == "written since"
        assert isinstance(refusal := await scene.answer(db="7"), Refusal)
        assert "There is nothing to flush: database 7 has no keys. Keys are in 0, 3." in refusal.reason


async def test_where_the_copy_fails_nothing_is_flushed(tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path) as scene:

        async def in_the_way() -> None:
            (tmp_path / "orders").rmdir()
            (tmp_path / "orders").write_text("in the way")

        ending, journal = await scene.flushed(await scene.planned(), RescueMaster, in_the_way)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert journal.owed == []
        await scene.as_before()


async def test_what_comes_after_the_copy_is_not_flushed_at_whatever_moment(tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path) as scene:

        async def unfenced() -> None:
            await scene.master.command("CONFIG", "SET", "min-replicas-to-write", "0")
            await scene.master.command("CLIENT", "UNPAUSE")
            await scene.master.command("SET", "old:1", "late")

        ending, journal = await scene.flushed(await scene.planned(), FlushMaster, unfenced)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "is no longer fenced: it may have taken writes since it was copied" in ending.failures[0]

        flush = scene.hands.flush

        async def at_the_last_moment(node: Address, wanted: Flush, settings: Mapping[str, str]) -> Answer:
            await unfenced()
            return await flush(node, wanted, settings)

        scene.hands.flush = at_the_last_moment  # type: ignore[method-assign]
        ending, journal = await scene.flushed(await scene.planned())
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "was not flushed: it took SET since it was copied" in ending.failures[0]
        assert await scene.master.command("GET", "old:1") == "late"
        assert journal.owed == []
        await scene.as_before()


async def test_a_hello_that_comes_in_between_is_no_reason_to_give_up(tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path) as scene:
        plan, flush, tries = await scene.planned(), scene.hands.flush, 0

        async def greeted(node: Address, wanted: Flush, settings: Mapping[str, str]) -> Answer:
            nonlocal tries
            tries += 1
            if tries < 3:
                await scene.master.command("CLIENT", "UNPAUSE")
                await scene.master.command("PUBLISH", "__sentinel__:hello", "I am here")
            return await flush(node, wanted, settings)

        scene.hands.flush = greeted  # type: ignore[method-assign]
        ending, journal = await scene.flushed(plan)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert (tries, journal.owed) == (3, [])
        assert await counted(scene.master) == {}


@pytest.mark.skipif(not OLD_BUILDS, reason="no server here is older than Redis 7.0")
async def test_a_script_that_gets_past_the_fence_is_seen_where_sentinels_forbid_a_long_pause(tmp_path: Path) -> None:
    async with stage(OLD_BUILDS[0], tmp_path, sentinels=3, down_after_ms=30_000) as scene:

        async def script() -> None:
            await scene.master.command("CLIENT", "UNPAUSE")
            await scene.master.command("EVAL", "return redis.call('INCR', KEYS[1])", "1", "old:1")

        ending, journal = await scene.flushed(await scene.planned(), FlushMaster, script)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "was not flushed: it took INCR since it was copied" in ending.failures[0]
        await scene.as_before()
        ending, journal = await scene.flushed(await scene.planned())
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await counted(scene.master) == {}


async def test_a_flush_whose_answer_is_lost_is_seen_and_never_done_twice(tmp_path: Path) -> None:
    """With no memory left, which is when people flush."""
    async with stage(build(NAME), tmp_path) as scene:
        await scene.master.command("CONFIG", "SET", "maxmemory", "1")
        plan, flush = await scene.planned(db="0"), scene.hands.flush

        async def no_answer(node: Address, wanted: Flush, settings: Mapping[str, str]) -> Answer:
            await flush(node, wanted, settings)
            await scene.master.command("CONFIG", "SET", "maxmemory", "0")
            await scene.master.command("SET", "new", "1")
            raise Unreachable("no answer")

        scene.hands.flush = no_answer  # type: ignore[method-assign]
        ending, journal = await scene.flushed(plan)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert len(ending.failures) == 1, ending.failures
        assert journal.states("SeeFlushed") == [StepState.DONE] * 2
        assert journal.owed == []
        (step,) = (step for step in plan.steps if isinstance(step, FlushMaster))
        scene.hands.flush = flush  # type: ignore[method-assign]
        with pytest.raises(TooLate, match="is no longer fenced"):
            await step.act(scene.hands)
        wanted = Flush((0,), step.master.replid, int(str(values_of(journal)["offset"])), "tandem:probe:again")
        wanted = replace(wanted, replid=str(values_of(journal)["replid"]))
        assert await flush(step.master.node, wanted, {}) is None
        assert await counted(scene.master) == {0: 1, 3: OLD[3]}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_flush_that_was_cut_off_is_settled_by_looking(when: str, tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path) as scene:
        steps = at_once((await scene.planned()).steps)
        index, journal = await cut_off(steps, FlushMaster, when, scene.hands)
        if when == "after":
            await scene.master.command("SET", "new", "1")
        ending = await settle(steps, CutOff(index), scene.hands, journal)
        assert not isinstance(ending, Question), ending
        assert journal.owed == []
        if when == "before":
            assert ending.outcome is Outcome.UNDONE
            await scene.as_before()
        else:
            assert ending.outcome is Outcome.DONE, journal.lines
            assert await counted(scene.master) == {0: 1}


async def test_where_nothing_shows_whether_it_was_flushed_a_person_is_asked(tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path) as scene:
        steps = at_once((await scene.planned()).steps)
        index, journal = await cut_off(steps, FlushMaster, "after", scene.hands)
        await scene.master.command("FLUSHALL")  # By somebody else, and with it goes the mark.
        asks = await settle(steps, CutOff(index), scene.hands, journal, within_s=0)
        assert isinstance(asks, Question), journal.lines
        assert asks.destroys
        assert "has 0 keys, and its copy 340" in " ".join(asks.seen)
        assert await carry_out(steps[index + 1 : index + 2], scene.hands, journal) == Ending(Outcome.DONE)


async def test_each_right_that_is_missing_is_named_beforehand_and_those_of_the_guide_are_enough(tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path, replicas=0, acl=True) as scene:
        answer = await scene.answer()
        assert isinstance(answer, Refusal)
        assert f"{scene.master.address} cannot be copied: " in answer.reason
        await scene.master.command("ACL", "SETUSER", "tandem", "+psync", "+replconf")
        for right in ("flushdb", "eval", "select"):
            answer = await scene.answer()
            assert isinstance(answer, Refusal)
            assert f"{scene.master.address} cannot be flushed: {right.upper()}: NOPERM" in answer.reason
            await scene.master.command("ACL", "SETUSER", "tandem", f"+{right}")
        assert await counted(scene.master) == OLD
        ending, journal = await scene.flushed(await scene.planned())
        assert ending == Ending(Outcome.DONE), journal.lines
        assert await counted(scene.master) == {}


async def test_where_flushdb_is_renamed_it_is_refused_beforehand(tmp_path: Path) -> None:
    renamed = {"rename-command": 'FLUSHDB ""'}
    async with stage(build(NAME), tmp_path, replicas=0, extra_config=renamed) as scene:
        answer = await scene.answer()
        assert isinstance(answer, Refusal)
        assert f"{scene.master.address} cannot be flushed: FLUSHDB: ERR unknown command" in answer.reason
        assert await counted(scene.master) == OLD


async def test_one_ping_since_the_copy_does_no_harm_and_whatever_else_came_does(tmp_path: Path) -> None:
    async with stage(build(NAME), tmp_path) as scene:
        hands, node = scene.hands, Address.parse(scene.master.address)
        now = await hands.standing(node)
        wanted = Flush((3,), now.replid, now.offset, "tandem:probe:here")
        others = [replace(wanted, offset=now.offset + more) for more in (-15, -13, -28, 14, 1)]
        for other in (*others, replace(wanted, replid="f" * 40)):
            assert await hands.flush(node, other, {}) is None
        flushed = await hands.flush(node, replace(wanted, offset=now.offset - 14), {})
        assert flushed is not None
        before, after = flushed
        assert (dict(before.databases), dict(after.databases)) == (OLD, {0: OLD[0]})
        await caught_up(*scene.topology.nodes)
        replica = Address.parse(scene.topology.nodes[1].address)
        there = replace(wanted, offset=(await hands.standing(replica)).offset)
        assert await hands.flush(replica, there, {}) is None


def values_of(journal: Journal) -> Mapping[str, object]:
    """What the last step told of the copy."""
    copies = [results_of(note).get("rescue_copy") for _, _, _, note in journal.lines]
    return next(one for one in reversed(copies) if isinstance(one, dict))


async def test_a_cluster_is_flushed_on_all_masters_or_on_none(tmp_path: Path) -> None:
    async with cluster(build(), Shape(replicas=0)) as made, ClusterLoad(made, rate=200) as load:
        hands = connect(target_of_cluster(made, timeout_ms=10_000, rescue=Folder(str(tmp_path))))
        try:
            plan = flush.plan(await look(hands), {})
            assert isinstance(plan, Plan), plan
            steps = at_once(plan.steps)
            last = [step for step in steps if isinstance(step, RescueMaster)][-1]
            journal = Journal()
            unfit = replace(last, master=replace(last.master, copy="no name"))
            failing = [unfit if step == last else step for step in steps]
            ending = await carry_out(failing, hands, journal)
            assert ending.outcome is Outcome.UNDONE, journal.lines
            assert journal.states("FlushMaster") == []
            assert journal.owed == []

            away(tmp_path / "carts")
            index, journal = await cut_off(steps, FlushMaster, "after", hands)
            ending = await settle(steps, CutOff(index), hands, journal)
            assert not isinstance(ending, Question), ending
            assert ending.outcome is Outcome.DONE, journal.lines
            assert journal.owed == []
            before = load.acked
            async with asyncio.timeout(90):
                while load.acked < before + 50:
                    await asyncio.sleep(0.02)
            await load.stop()
            async with AsyncExitStack() as stack:
                copies = copies_in(tmp_path, "carts")
                assert len(copies) == 3
                servers = [await stack.enter_async_context(loaded(build(), copy)) for copy in copies]
                assert await load.lost() > 0, "the copies have some that were flushed"
                assert await load.lost(*(server.direct_address for server in servers)) == 0
        finally:
            await hands.aclose()


def away(folder: Path) -> None:
    """Copies of the same names may be taken again."""
    folder.rename(folder.with_name("before"))
