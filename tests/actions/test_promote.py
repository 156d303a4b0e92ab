"""Promotion by hand on real servers: every refusal made true, what the plan says is lost, and the faults on the way."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from actions import promote
from actions.adapters import TargetHands, connect
from actions.kit.by_hand import StillLost
from actions.kit.diagnosis import diagnose
from actions.kit.following import Repoint
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.opening import OpenForWrites
from actions.kit.plan import Plan, Refusal, Step
from actions.kit.promotion import FenceCandidate, Promote
from actions.kit.rejoin import Rejoin
from actions.kit.settlement import CutOff, Question, settle
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Kind
from sandbox.redis import Build, Server, Topology, WriteLoad, build, builds, faults, replication, sentinel
from tests.actions.test_failover_replication_on_servers import in_haste
from tests.builders import healthy, node_at, with_link, with_view, without_node
from tests.failover import (
    Journal,
    caught_up,
    cut_off,
    in_file,
    never_two_writable_masters,
    patient,
    setting,
    target_of,
    without_the_long_look,
)

pytestmark = pytest.mark.servers

NAME = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else builds()[0].name


HUNG = {"timeout_ms": 2_000}
"""Of a target where somebody is silent who has to be given up."""


@asynccontextmanager
async def seen(topology: Topology, **changes: object) -> AsyncIterator[TargetHands]:
    hands = connect(target_of(topology, **changes))
    try:
        yield hands
    finally:
        await hands.aclose()


async def answer(topology: Topology, to: Server | str | None = None, **changes: object) -> Plan | Refusal:
    options = {"to": to.address if isinstance(to, Server) else to} if to else {}
    async with seen(topology, **changes) as hands:
        return promote.plan(await hands.observe(), options)


async def refusal(topology: Topology, to: Server | str | None = None, **changes: object) -> str:
    said = await answer(topology, to, **changes)
    assert isinstance(said, Refusal), said
    assert all(reason.endswith(".") for reason in said.reasons), said.reasons
    return said.reason


async def plan_for(topology: Topology, to: Server, **changes: object) -> Plan:
    """As soon as the replicas have noticed."""
    deadline = time.monotonic() + 90
    while not isinstance(said := await answer(topology, to, **changes), Plan):
        assert time.monotonic() < deadline, said
        await asyncio.sleep(0.05)
    return said


async def behind(topology: Topology, replica: Server, others: tuple[Server, ...]) -> None:
    """Let the others have three writes that this one has not: its link to the master is cut; then the master dies."""
    await topology.link(topology.nodes[0]).cut_replica(replica.address)
    for number in range(3):
        await topology.nodes[0].command("SET", f"late:{number}", "value")
    await caught_up(topology.nodes[0], *others)
    await topology.nodes[0].kill()


async def test_the_master_answers() -> None:
    async with replication(build(NAME)) as topology:
        text = await refusal(topology, topology.nodes[1])
        assert text == (
            f"The master {topology.nodes[0].address} answers: nothing is lost yet. To move its role: failover orders."
        )
        await faults.split_brain(topology)
        assert "each say that they are master" in await refusal(topology, topology.nodes[1])


async def test_a_replica_still_hears_the_master() -> None:
    """It takes writes from whoever reaches it; we do not, and that proves nothing."""
    async with replication(build(NAME), links=True) as topology:
        await topology.links[0].black_hole(replicas=False, sentinels=False, clients=True)
        text = await refusal(topology, topology.nodes[1], **HUNG)
        assert f"The master {topology.nodes[0].address} is alive: node {topology.nodes[1].address} says: link" in text


async def test_a_master_that_hangs_since_a_moment_may_be_alive() -> None:
    async with replication(build(NAME)) as topology:
        await topology.nodes[0].hang()
        deadline = time.monotonic() + 90
        while "may be alive" not in (text := await refusal(topology, topology.nodes[1], **HUNG)):
            assert time.monotonic() < deadline, text
            await asyncio.sleep(0.2)
        assert "Look again in a few seconds" in text


async def test_the_master_is_there_and_does_not_let_us_in() -> None:
    async with replication(build(NAME), password="right") as topology:
        await topology.nodes[0].command("CONFIG", "SET", "requirepass", "changed")
        text = await refusal(topology, topology.nodes[1])
        assert f"The master {topology.nodes[0].address} is there, and does not let us ask it (WRONGPASS" in text


async def test_sentinels_are_in_charge_there_or_gone() -> None:
    async with sentinel(build(NAME), down_after_ms=60_000) as topology:
        await topology.nodes[0].kill()
        text = await refusal(topology, topology.nodes[1])
        assert "A majority of them is there: it fails over by itself" in text
        unknown = await refusal(topology, topology.nodes[1], kind=Kind.REPLICATION, sentinels=(), master_name="")
        assert "Sentinels watch" in unknown
        for server in topology.sentinels[1:]:
            await server.kill()
        text = await refusal(topology, topology.nodes[1])
        for server in topology.sentinels[1:]:
            assert f"Sentinel {server.address} does not answer: refused" in text
        assert "Bring a majority of them back, and they fail over" in text


async def test_cluster_mode_and_other_kinds() -> None:
    async with replication(build(NAME), replicas=0, extra_config={"cluster-enabled": "yes"}) as topology:
        assert "runs in cluster mode" in await refusal(topology, topology.nodes[0])
        assert "is in no shard: it owns no slots" in await refusal(topology, topology.nodes[0], kind=Kind.CLUSTER)


async def test_the_candidate_has_to_be_named_and_to_have_the_most() -> None:
    async with replication(build(NAME), links=True) as topology:
        _, first, second = topology.nodes
        await behind(topology, first, (second,))
        await plan_for(topology, second)
        assert f"Say which replica: promote orders --to {second.address}" in await refusal(topology)
        assert "is not a node of orders" in await refusal(topology, "127.9.9.9:1")
        text = await refusal(topology, first)
        assert f"{first.address} cannot be promoted: {second.address} has " in text
        assert "bytes more and could take over" in text
        await second.command("CONFIG", "SET", "min-replicas-to-write", "1000000")
        assert "holds the fence of an earlier failover" in await refusal(topology, second)
        plan = await plan_for(topology, first)
        assert "At least " in " ".join(plan.cost.notes)
        assert plan.cost.loss_bytes is None


async def test_histories_that_nothing_connects() -> None:
    """Both come of one master, and each has taken something since that the other has not."""
    async with replication(build(NAME)) as topology:
        master, first, second = topology.nodes
        await second.command("REPLICAOF", "NO", "ONE")
        await second.command("SET", "of", "its own")
        await master.command("SET", "for", "the first")
        await caught_up(master, first)
        await master.kill()
        await second.command("REPLICAOF", *master.address.rsplit(":", 1))
        deadline = time.monotonic() + 90
        while "nothing proves whether" not in (text := await refusal(topology, first)):
            assert time.monotonic() < deadline, text
            await asyncio.sleep(0.05)
        assert "only a comparison of keys can tell" in text


def test_a_replica_of_a_replica_that_is_in_a_full_sync_has_only_a_part() -> None:
    snapshot = with_link(healthy(sentinels=0), 3, master=node_at(2), up=False, sync_in_progress=True)
    snapshot = without_node(with_link(snapshot, 2, up=False), 1, Reason.REFUSED)
    said = promote.plan(snapshot, {"to": str(node_at(3))})
    assert isinstance(said, Refusal)
    assert said.reason == f"{node_at(3)} cannot be promoted: it is in a full sync, and has only a part of the data."
    assert isinstance(promote.plan(snapshot, {"to": str(node_at(2))}), Plan)


def test_a_candidate_that_will_have_too_few_replicas_to_take_writes() -> None:
    """As in a deployment of two nodes: the only replica becomes a master without any."""
    cases = ((1, 1, 10, "and 0 will"), (1, 1, 0, None), (2, 2, 10, "and 1 will"), (2, 1, 10, None))
    for replicas, wanted, max_lag, said in cases:
        snapshot = without_node(healthy(replicas, sentinels=0), 1, Reason.REFUSED)
        for number in range(2, replicas + 2):
            snapshot = with_link(snapshot, number, up=False)
        config = replace(snapshot.nodes[1].config, min_replicas_to_write=wanted, min_replicas_max_lag=max_lag)
        plan = promote.plan(with_view(snapshot, 2, config=config), {"to": str(node_at(2))})
        assert isinstance(plan, Plan), plan
        notes = " ".join(plan.cost.notes)
        assert ("takes writes only while" in notes) is (said is not None)
        assert (said or "") in notes


async def test_nobody_can_be_promoted() -> None:
    async with replication(build(NAME), replicas=1) as topology:
        await topology.nodes[1].kill()
        await topology.nodes[0].kill()
        assert "No node answers at all" in await refusal(topology, topology.nodes[1])


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_a_dead_master_is_replaced_and_the_loss_is_said(which: Build) -> None:
    async with replication(which) as topology, WriteLoad(topology, rate=400, timeout=0.5) as load:
        old, first, second = topology.nodes
        await old.kill()
        async with seen(topology) as hands:
            verdict = (await _diagnosed(hands)).verdict
            assert verdict.suggests[0].startswith("promote orders --to ")
            heir = next(node for node in topology.nodes if node.address == verdict.suggests[0].split()[-1])
            plan = await plan_for(topology, heir)
            said = " ".join(plan.cost.notes)
            assert f"{old.address} is dead: nothing listens there" in said
            assert "how much, nothing proves" in said
            assert "keys" in said
            assert plan.cost.loss_bytes is None
            acked = load.acked
            journal = Journal()
            assert await carry_out(patient(brief(plan.steps)), hands, journal) == Ending(Outcome.DONE), journal.lines
        assert (await heir.command("ROLE"))[0] == "master"
        other = second if heir is first else first
        assert (await other.command("ROLE"))[1:3] == [heir.address.rsplit(":", 1)[0], int(heir.address.rsplit(":")[1])]
        assert not in_file(heir, "replicaof ")
        assert journal.owed == []
        async with asyncio.timeout(90):
            while load.acked < acked + 50:
                await asyncio.sleep(0.05)


async def _diagnosed(hands: TargetHands):
    deadline = time.monotonic() + 90
    while True:
        said = diagnose(await hands.observe())
        if any(line.startswith("promote") for line in said.verdict.suggests):
            return said
        assert time.monotonic() < deadline, said.verdict
        await asyncio.sleep(0.05)


def brief(steps: Sequence[Step]) -> list[Step]:
    """A master that is dead for good is not watched for."""
    return [step for step in without_the_long_look(steps) if not (isinstance(step, Rejoin) and step.again)]


@asynccontextmanager
async def lost(which: str = NAME, **settings: object) -> AsyncIterator[tuple[Topology, TargetHands, list[Step]]]:
    """A master that is dead, and the steps that promote the first replica."""
    async with replication(build(which), **settings) as topology:
        await topology.nodes[0].command("SET", "before", "1")
        await caught_up(*topology.nodes)
        await topology.nodes[0].kill()
        plan = await plan_for(topology, topology.nodes[1])
        async with seen(topology) as hands:
            yield topology, hands, brief(plan.steps)


@pytest.mark.parametrize("at", [OpenForWrites, Rejoin], ids=lambda kind: kind.__name__)
async def test_what_does_not_prove_that_the_master_is_dead_is_said(at: type[Step]) -> None:
    """Cut off from us and from the replicas, it goes on taking writes; back in the run it is fenced, and kept."""
    async with replication(build(NAME), links=True, extra_config={"repl-timeout": "2"}) as topology:
        old, new, _ = topology.nodes
        await topology.link(old).black_hole()
        plan = await plan_for(topology, new, **HUNG)
        assert f"Nothing proves that {old.address} is dead" in plan.cost.notes[0]
        await old.command("SET", "only:here", "1")
        async with seen(topology, **HUNG) as hands:
            journal = Journal()

            async def heals() -> None:
                await topology.link(old).heal()

            journal.at, journal.fault = at, heals
            # One that is cut off from us takes writes for as long as it is: the card says so.
            watched = never_two_writable_masters(topology) if at is OpenForWrites else contextlib.nullcontext()
            async with watched:
                ending = await carry_out(in_haste(plan.steps), hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, journal.lines
            assert journal.states("OpenForWrites") == [StepState.DONE]
            assert "It refuses writes now, but was not demoted" in " ".join(ending.failures)
            assert "bytes only it has. Save what is needed of it" in " ".join(ending.failures)
            assert await new.command("SET", "after", "1")
            assert await old.command("GET", "only:here") == "1"
            assert [(str(one.node), one.new, one.old) for one in journal.owed] == [(old.address, "1000000", "0")]


async def test_a_master_that_comes_back_with_nothing_of_its_own_follows() -> None:
    """It hung, and took no write since: what it has, the new one has too."""
    async with replication(build(NAME), extra_config={"repl-timeout": "2"}) as topology:
        old, new, _ = topology.nodes
        await old.hang()
        plan = await plan_for(topology, new, **HUNG)
        async with seen(topology, **HUNG) as hands:
            journal = Journal(Rejoin, old.resume)
            ending = await carry_out(patient(plan.steps), hands, journal)
            assert ending.outcome is Outcome.DONE, journal.lines
        await topology.ready()
        assert await setting(old, "min-replicas-to-write") == "0"
        assert in_file(old, f"replicaof {new.address.rsplit(':', 1)[0]}")


async def test_the_master_comes_back_before_the_promotion() -> None:
    async with lost() as (topology, hands, steps):
        journal = Journal(StillLost, topology.nodes[0].start)
        ending = await carry_out(steps, hands, journal)
        assert ending.outcome is Outcome.UNDONE, journal.lines
        assert "answers: nothing is lost yet" in ending.failures[0]
        assert await setting(topology.nodes[1], "min-replicas-to-write") == "0"
        await topology.ready()


@pytest.mark.parametrize("at", [StillLost, OpenForWrites, Repoint], ids=lambda kind: kind.__name__)
async def test_a_candidate_that_is_restarted_empty_takes_nobody_s_data(at: type[Step]) -> None:
    """As a replica of the lost master, or as a master if its file says so; without its fence, too."""
    async with lost() as (topology, hands, steps):
        _, new, third = topology.nodes

        async def comes_back_empty() -> None:
            await new.kill()
            if at is OpenForWrites:
                lines = new.config_path.read_text().splitlines()
                new.config_path.write_text("\n".join(line for line in lines if not line.startswith("replicaof")))
            await new.start()

        journal = Journal(at, comes_back_empty)
        ending = await carry_out(in_haste(steps), hands, journal)
        assert ending.outcome is (Outcome.UNDONE if at is StillLost else Outcome.INCOMPLETE), journal.lines
        assert f"{new.address} was restarted " in " ".join(ending.failures)
        assert await third.command("GET", "before") == "1"
        assert await new.command("DBSIZE") == 0
        assert (
            journal.states("OpenForWrites")
            == ({StillLost: [], OpenForWrites: [StepState.FAILED], Repoint: [StepState.DONE]}[at])
        )


async def test_an_old_master_is_closed_also_beside_a_new_one_that_it_must_not_follow() -> None:
    """Both were restarted without their data, and both take writes: which of them is right a person has to say."""
    async with lost() as (topology, hands, steps):
        old, new, _ = topology.nodes

        async def both_come_back() -> None:
            await new.kill()
            await asyncio.gather(new.start(), old.start())

        journal = Journal(Rejoin, both_come_back)
        ending = await carry_out(in_haste(steps), hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        assert f"{new.address} was restarted since it was promoted" in ending.failures[0]
        assert await new.command("SET", "after", "1")
        with pytest.raises(Exception, match="NOREPLICAS"):
            await old.command("SET", "after", "1")
        assert [(str(one.node), one.new, one.old) for one in journal.owed] == [(old.address, "1000000", "0")]


BACK = [*((one, "as it was") for one in builds()), (build(NAME), "empty")]


@pytest.mark.parametrize(("which", "back"), BACK, ids=lambda one: one if isinstance(one, str) else one.name)
async def test_a_master_that_comes_back_right_after_the_promotion_is_closed_before_the_other_is_opened(
    which: Build, back: str
) -> None:
    """It has nothing of its own, so it follows. What it was set to comes back as it was there, and not as elsewhere."""
    async with replication(which, extra_config={"repl-timeout": "2"}) as topology:
        old, new, _ = topology.nodes
        await topology.nodes[0].command("SET", "before", "1")
        await caught_up(*topology.nodes)
        await new.command("CONFIG", "SET", "min-replicas-to-write", "1")
        await (old.hang() if back == "as it was" else old.kill())
        plan = await plan_for(topology, new, **HUNG)

        async def comes_back() -> None:
            await (old.resume() if back == "as it was" else old.start())

        # Whether two take writes is seen by writes, and one that took one has something of its own.
        watched = never_two_writable_masters(topology) if back == "as it was" else contextlib.nullcontext()
        async with seen(topology, **HUNG) as hands, watched:
            journal = Journal(OpenForWrites, comes_back)
            assert await carry_out(patient(brief(plan.steps)), hands, journal) == Ending(Outcome.DONE), journal.lines
        (note,) = [note for _, title, _, note in journal.lines if title == "OpenForWrites"]
        assert f"{old.address} was back, and was fenced first: {old.address} is a replica of {new.address}" in note
        assert journal.owed == []
        await topology.ready()
        assert await setting(old, "min-replicas-to-write") == "0"
        assert await setting(new, "min-replicas-to-write") == "1"
        assert await new.command("GET", "before") == "1"


async def test_a_master_that_was_closed_is_opened_again_where_the_other_cannot_be() -> None:
    """The candidate dies between the two; what is sent to it may be done, so only before that anything is put back."""
    async with lost() as (topology, _, steps):
        old, new, _ = topology.nodes

        class Dying(TargetHands):
            async def fence(self, node: Address, pause_ms: int, settings: Mapping[str, str]) -> int:
                offset = await super().fence(node, pause_ms, settings)
                await new.kill()
                return offset

        hands = Dying(target_of(topology))
        try:
            journal = Journal(OpenForWrites, old.start)
            ending = await carry_out(in_haste(steps), hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, journal.lines
            assert {str(change.node) for change in journal.owed} == {new.address}
            assert await old.command("SET", "after", "1")
        finally:
            await hands.aclose()


async def test_one_that_hangs_once_it_is_closed_is_still_owed_its_settings() -> None:
    """It wakes up as a second master, which refuses writes: whoever settles that finds in the ledger what it had."""
    async with lost() as (topology, _, steps):
        old, new, _ = topology.nodes

        class Stalling(TargetHands):
            async def demote(self, node: Address, master: Address) -> None:
                if str(node) == old.address:
                    await old.hang()
                await super().demote(node, master)

        hands = Stalling(target_of(topology, timeout_ms=1_000))
        try:
            journal = Journal(OpenForWrites, old.start)
            ending = await carry_out(patient(steps), hands, journal)
            assert ending.outcome is Outcome.DONE, (ending, journal.lines)
            await old.resume()
            assert await new.command("SET", "after", "1")
            with pytest.raises(Exception, match=r"NOREPLICAS|READONLY|LOADING"):
                await old.command("SET", "after", "1")
            assert [(str(one.node), one.new, one.old) for one in journal.owed] == [(old.address, "1000000", "0")]
        finally:
            await hands.aclose()


async def test_a_run_that_was_cut_off_between_closing_and_opening_goes_on() -> None:
    async with lost() as (topology, hands, steps):
        old, new, _ = topology.nodes
        index, journal = await cut_off(steps, OpenForWrites, "before", hands)
        await old.start()
        (step,) = [step for step in steps if isinstance(step, OpenForWrites)]
        assert step.returning
        asked = await settle(steps, CutOff(index), hands, journal)
        assert isinstance(asked, Question)
        assert f"was not opened: {old.address} takes writes again" in " ".join(asked.seen)
        await step.returning.close(hands, journal, {})
        ending = await settle(steps, CutOff(index), hands, journal)
        assert isinstance(ending, Ending)
        assert ending.outcome is Outcome.DONE, (ending, journal.lines)
        assert journal.owed == []
        await topology.ready()
        assert await topology.master() is new


async def test_the_candidate_hangs_when_it_is_promoted() -> None:
    async with lost() as (topology, _, steps):
        new = topology.nodes[1]

        class Hanging(TargetHands):
            async def _all(self, server, *commands, repeatable=False):
                if ("REPLICAOF", "NO", "ONE") in commands:
                    await new.hang()
                return await super()._all(server, *commands, repeatable=repeatable)

        hands = Hanging(target_of(topology, **HUNG))
        try:
            journal = Journal()
            ending = await carry_out(in_haste(steps), hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, journal.lines
            await new.resume()
            await asyncio.sleep(0.2)
            assert (await new.command("ROLE"))[0] == "master"
            with pytest.raises(Exception, match="NOREPLICAS"):
                await new.command("SET", "as", "master")
            assert [str(change.node) for change in journal.owed] == [new.address]
        finally:
            await hands.aclose()


@pytest.mark.parametrize("at", [FenceCandidate, Promote, OpenForWrites, Rejoin], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_cut_off_is_settled_by_looking(at: type[Step], when: str) -> None:
    async with lost() as (topology, hands, steps):
        journal = Journal()
        index = next(number for number, step in enumerate(steps) if isinstance(step, at))
        for number, step in enumerate(steps[: index + 1]):
            await journal.intends(number, step)
            if number < index or when == "after":
                await step.perform(hands, journal)
                for change in step.repays:
                    await journal.repaid(change)
        ending = await settle(steps, CutOff(index), hands, journal)
        assert isinstance(ending, Ending)
        moved = at in {OpenForWrites, Rejoin} or (at is Promote and when == "after")
        assert ending.outcome is (Outcome.DONE if moved else Outcome.UNDONE), (ending, journal.lines)
        assert [node.address for node in await topology.masters()] == ([topology.nodes[1].address] if moved else [])
        assert journal.owed == []
        assert await setting(topology.nodes[1], "min-replicas-to-write") == "0"


async def test_replicas_that_follow_one_another_get_a_master_again() -> None:
    async with replication(build(NAME)) as topology:
        first, second, third = topology.nodes
        await first.command("SET", "kept", "1")
        await caught_up(first, second, third)
        await first.command("REPLICAOF", *second.address.rsplit(":", 1))
        plan = await plan_for(topology, second)
        assert "they follow one another" in plan.because
        assert (plan.cost.loss_bytes, plan.cost.loss_keys) == (0, 0)
        async with seen(topology) as hands:
            verdict = (await _diagnosed(hands)).verdict
            assert verdict.summary == "Nobody takes writes: every known node is a replica."
            assert await carry_out(patient(plan.steps), hands, Journal()) == Ending(Outcome.DONE)
        assert await second.command("GET", "kept") == "1"
        assert (await third.command("ROLE"))[2] == int(second.address.rsplit(":", 1)[1])
        assert Address.parse(second.address) == plan.candidate
        assert replace(plan, candidate=None).fingerprint != plan.fingerprint
