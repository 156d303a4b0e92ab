"""A replica takes over where the master of its shard is lost: voted on by `promote`, without a vote by `takeover`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actions import promote, takeover
from actions.adapters import TargetHands, connect
from actions.kit.action import ChangeAction
from actions.kit.cluster.forced import MasterLost
from actions.kit.cluster.steps import ClusterFailover
from actions.kit.loop import Ending, Outcome, carry_out
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.settlement import CutOff, settle
from actions.kit.snapshot import Reason
from actions.kit.step_types import STEP_TYPES
from bot.ledger.codec import PlanCodec
from sandbox.redis import Build, Cluster, Server, Shape, builds, cluster
from tests import clusters
from tests.builders import healthy
from tests.cluster_failover import in_haste, patient, target_of_cluster
from tests.failover import Journal

NEWEST = builds()[0]
each_build = pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
BY_HAND = {"cluster-replica-no-failover": "yes"}
"""So that the cluster does not do by itself, and at once, what a person is to do here."""


@asynccontextmanager
async def hands_on(made: Cluster) -> AsyncIterator[TargetHands]:
    hands = connect(target_of_cluster(made, timeout_ms=1_500))
    try:
        yield hands
    finally:
        await hands.aclose()


async def refused(action: ChangeAction, hands: TargetHands, **options: str) -> str:
    answer = action.plan(await hands.observe(), options)
    assert isinstance(answer, Refusal), answer
    return answer.reason


async def planned(action: ChangeAction, hands: TargetHands, **options: str) -> Plan:
    """Wait until the others have given the master up, which takes the node time-out."""
    deadline = time.monotonic() + 90
    while isinstance(answer := action.plan(await hands.observe(), options), Refusal):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.1)
    return answer


async def role(node: Server) -> str:
    return str((await node.command("ROLE"))[0])


@pytest.mark.servers
@each_build
async def test_by_force_once_a_majority_has_given_the_master_up(which: Build) -> None:
    shape = Shape(replicas=2, node_timeout_ms=2000)
    async with cluster(which, shape, acl=True, extra_config=BY_HAND) as made, hands_on(made) as hands:
        old, (one, _) = made.primaries[0], made.replicas(0)
        assert "is a master and answers: nothing is lost. To move its role: failover carts --to" in await refused(
            promote.ACTION, hands, to=one.address
        )
        assert f"failover carts --shard {old.address}." in await refused(promote.ACTION, hands, to=old.address)
        assert await refused(promote.ACTION, hands) == "All masters of carts answer: nothing is lost."
        await old.command("SET", "{06S}", "kept")
        await made.ready()
        await old.kill()
        assert "Look again in a few seconds" in (early := await refused(promote.ACTION, hands, to=one.address)) or (
            f"{old.address} is alive" in early
        )
        plan = await planned(promote.ACTION, hands, to=one.address)
        assert f"Say which replica: promote carts --to {one.address}" in await refused(promote.ACTION, hands)
        assert "3 of 3" not in (why := await refused(takeover.ACTION, hands, to=one.address))
        assert f"2 of 3 masters answer and can vote: promote carts --to {one.address}" in why
        assert plan.risk is Risk.DESTRUCTIVE
        assert plan.cost.loss_bytes is None
        assert f"Lost is what {old.address} acknowledged and {one.address} never got" in plan.cost.notes[0]
        assert f"{one.address}> CLUSTER FAILOVER FORCE" in [step.command for step in plan.steps]
        assert PlanCodec(STEP_TYPES).loads(PlanCodec(STEP_TYPES).dumps(plan)) == plan
        journal = Journal()
        assert await carry_out(patient(plan.steps), hands, journal) == Ending(Outcome.DONE), journal.lines
        assert await role(one) == "master"
        assert await one.command("GET", "{06S}") == "kept"
        await old.start()
        await made.ready()
        assert await role(old) == "slave"


@pytest.mark.servers
async def test_the_cluster_does_it_by_itself_where_it_can() -> None:
    async with cluster(NEWEST, Shape(replicas=1, node_timeout_ms=2000)) as made, hands_on(made) as hands:
        (heir,) = made.replicas(0)
        await made.primaries[0].hang()
        seen = []
        async with asyncio.timeout(90):
            while await role(heir) != "master":
                answer = promote.plan(await hands.observe(), {"to": heir.address})
                assert isinstance(answer, Refusal), answer
                seen.append(answer.reason)
        await made.primaries[0].resume()
        assert any("suspects it only so far" in one or "is alive" in one for one in seen)


@pytest.mark.servers
async def test_of_two_replicas_the_one_with_more_takes_over() -> None:
    shape = Shape(replicas=2, node_timeout_ms=2000)
    async with cluster(NEWEST, shape, links=True, extra_config=BY_HAND) as made, hands_on(made) as hands:
        old, (one, two) = made.primaries[0], made.replicas(0)
        await made.link(old).cut_replica(one.address)
        async with asyncio.timeout(90):
            while (await one.command("INFO", "replication"))["master_link_status"] == "up":
                await asyncio.sleep(0.05)
        await old.command("SET", "{06S}", "x" * 5000)
        async with asyncio.timeout(90):
            while not await two.command("DBSIZE"):
                await asyncio.sleep(0.05)
        await old.kill()
        plan = await planned(promote.ACTION, hands, to=two.address)
        assert "bytes more and could take over" in await refused(promote.ACTION, hands, to=one.address)
        assert f"--to {two.address}" in await refused(promote.ACTION, hands)
        assert [f"{two.address} has 5," in no.why for no in plan.rejected] == [True]


@pytest.mark.servers
async def test_what_the_lost_master_had_told_the_others_is_a_loss_in_bytes() -> None:
    shape = Shape(node_timeout_ms=2000)
    async with cluster(NEWEST, shape, links=True, extra_config=BY_HAND) as made, hands_on(made) as hands:
        old, (heir,) = made.primaries[0], made.replicas(0)
        await made.link(old).black_hole(replicas=True, sentinels=False, clients=False)
        await old.command("SET", "{06S}", "x" * 5000)
        offset = (await old.command("INFO", "replication"))["master_repl_offset"]
        async with asyncio.timeout(30):  # Its next pings carry it.
            while str(offset) not in str(await made.primaries[1].command("CLUSTER", "SHARDS")):
                await asyncio.sleep(0.1)
        await old.kill()
        plan = await planned(promote.ACTION, hands, to=heir.address)
        told = f"{old.address} last told the others offset {offset:,}; {heir.address} has "
        (note,) = (note for note in plan.cost.notes if note.startswith(told))
        assert ": at least 5," in note
        assert plan.cost.loss_bytes is None, "it may have come further since"


@pytest.mark.servers
async def test_a_forced_failover_that_was_cut_off_is_settled_by_looking() -> None:
    shape = Shape(replicas=1, node_timeout_ms=2000)
    async with cluster(NEWEST, shape, extra_config=BY_HAND) as made, hands_on(made) as hands:
        (heir,) = made.replicas(0)
        await made.primaries[0].kill()
        plan = await planned(promote.ACTION, hands, to=heir.address)
        steps = patient(plan.steps)
        turn = next(index for index, step in enumerate(steps) if isinstance(step, ClusterFailover))
        ending = await settle(steps, CutOff(turn), hands, Journal())
        assert isinstance(ending, Ending)
        assert ending.outcome is Outcome.UNDONE
        assert await role(heir) == "slave"
        await steps[turn].act(hands)
        ending = await settle(steps, CutOff(turn), hands, Journal())
        assert isinstance(ending, Ending)
        assert ending.outcome is Outcome.DONE


@pytest.mark.servers
@each_build
async def test_without_a_vote_where_most_masters_are_lost(which: Build) -> None:
    async with cluster(which, Shape(shards=5, node_timeout_ms=2000)) as made, hands_on(made) as hands:
        heir = made.replicas(0)[0]
        lost = made.primaries[:3]
        await asyncio.gather(*(node.kill() for node in lost))
        assert "Only 2 of 5 masters answer: nobody can be voted for." in await refused(
            promote.ACTION, hands, to=heir.address
        )
        plan = await planned(takeover.ACTION, hands, to=heir.address)
        assert plan.risk is Risk.IRREVERSIBLE
        assert plan.cost.loss_bytes is None
        assert "Nobody votes: only 2 of 5 masters answer." in " ".join(plan.cost.notes)
        assert f"{heir.address}> CLUSTER FAILOVER TAKEOVER" in [step.command for step in plan.steps]
        alive = made.replicas(4)[0]
        assert "is a master and answers" in await refused(takeover.ACTION, hands, to=alive.address)
        journal = Journal()
        assert await carry_out(patient(plan.steps), hands, journal) == Ending(Outcome.DONE), journal.lines
        assert await role(heir) == "master"
        # With it three of five are there again, and the cluster elects the other two by itself.
        async with asyncio.timeout(60):
            while len(await made.masters()) < 5:
                await asyncio.sleep(0.1)
        await asyncio.gather(*(node.start() for node in lost))
        await made.ready()
        assert [await role(node) for node in lost] == ["slave"] * 3


def test_words_that_cannot_be_planned() -> None:
    snapshot = clusters.cluster(3, 1).failed(1).snapshot()
    for action in (promote.ACTION, takeover.ACTION):
        answer = action.plan(snapshot, {"to": "10.9.9.9"})
        assert isinstance(answer, Refusal)
        assert answer.reason == "10.9.9.9:6379 is not a node of carts."
    answer = takeover.plan(healthy(), {"to": "10.0.0.2"})
    assert isinstance(answer, Refusal)
    assert answer.reason == "orders is of kind sentinel: only a cluster is taken over."


def test_a_vote_that_is_due_is_waited_for() -> None:
    made = clusters.cluster(3, 1).failed(1)  # Its replica's link is up, as it stays for a minute where a master hangs.
    answer = promote.plan(made.snapshot(), {"to": "10.0.0.4"})
    assert isinstance(answer, Refusal)
    assert "fails over by itself within seconds" in answer.reason
    assert isinstance(promote.plan(made.row(4, flags="nofailover").snapshot(), {"to": "10.0.0.4"}), Plan)


def test_a_master_that_others_reach_or_that_keeps_us_out_is_not_lost() -> None:
    made = clusters.cluster(3, 1)
    for snapshot, words in (
        (made.without(1).snapshot(), "10.0.0.1:6379 is alive: 10.0.0.2:6379, 10.0.0.3:6379, 10.0.0.4:6379 and 2 more"),
        (made.without(1, reason=Reason.NOAUTH).snapshot(), "is there, and does not let us ask it"),
        (made.failed(1).says(2, 1, flags="fail?").snapshot(), "10.0.0.2:6379 suspects it only so far"),
    ):
        answer = promote.plan(snapshot, {"to": "10.0.0.4"})
        assert isinstance(answer, Refusal)
        assert words in answer.reason, answer.reason


@pytest.mark.servers
async def test_a_candidate_that_was_restarted_and_a_master_that_comes_back_stop_it() -> None:
    """The candidate comes back with what it was given in its first sync: much less than the plan said."""
    shape = Shape(node_timeout_ms=2000)
    async with cluster(NEWEST, shape, extra_config=BY_HAND) as made, hands_on(made) as hands:
        old, (heir,) = made.primaries[0], made.replicas(0)
        await old.command("SET", "{06S}", "x" * 5000)
        await made.ready()
        await old.hang()
        plan = await planned(promote.ACTION, hands, to=heir.address)

        async def restart() -> None:
            await heir.kill()
            await heir.start()

        ending = await carry_out(in_haste(plan.steps), hands, Journal(at=ClusterFailover, fault=restart))
        assert ending.outcome is Outcome.UNDONE
        assert "it was restarted, and lacks what it had" in ending.failures[0]
        assert await role(heir) == "slave"
        ending = await carry_out(in_haste(plan.steps), hands, Journal(at=MasterLost, fault=old.resume))
        assert ending.outcome is Outcome.UNDONE
        assert "is a master and answers: nothing is lost" in ending.failures[0]
        assert await role(heir) == "slave"
