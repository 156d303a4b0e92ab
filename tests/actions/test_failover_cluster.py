"""Why a cluster is not failed over: each reason made true, on real servers where that can be done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from actions import failover
from actions.adapters import connect
from actions.kit.cluster.candidates import Candidates
from actions.kit.cluster.shards import Shards
from actions.kit.errors import UsageError
from actions.kit.plan import Plan, Refusal
from actions.kit.ports import Hands
from actions.kit.snapshot import NodeView, Reason
from actions.kit.topology import Kind, Limits
from sandbox.redis import Cluster, Server, Shape, builds, cluster, replication
from tests import clusters
from tests.builders import healthy
from tests.cluster_failover import target_of_cluster
from tests.failover import target_of

NEWEST = builds()[0]


@asynccontextmanager
async def hands_on(made: Cluster, **changes: object) -> AsyncIterator[Hands]:
    hands = connect(target_of_cluster(made, **changes))
    try:
        yield hands
    finally:
        await hands.aclose()


async def refused(hands: Hands, **options: str) -> str:
    answer = failover.plan(await hands.observe(), options)
    assert isinstance(answer, Refusal), answer
    return answer.reason


async def chosen(hands: Hands, **options: str) -> Plan:
    answer = failover.plan(await hands.observe(), options)
    assert isinstance(answer, Plan), answer
    return answer


async def node_id(node: Server) -> str:
    return str(await node.command("CLUSTER", "MYID"))


@pytest.mark.servers
async def test_words_that_name_no_shard_or_two_of_them() -> None:
    async with cluster(NEWEST) as made, hands_on(made) as hands:
        first, second = made.primaries[:2]
        (replica,), (other,) = made.replicas(0), made.replicas(1)
        assert "carts has 3 shards: say which, by failover carts --to REPLICA" in await refused(hands)
        assert "127.0.0.9:6379 is not a node of carts; its nodes are " in await refused(hands, to="127.0.0.9")
        assert f"{first.address} cannot take over: it is the master of this shard already." == await refused(
            hands, to=first.address
        )
        assert "is not in the shard that --shard names" in await refused(hands, to=other.address, shard="0")
        assert "No master of carts is on 127.0.0.9; masters are on " in await refused(hands, host="127.0.0.9")
        for options in (
            {"shard": "16384"},
            {"shard": "-1"},
            {"shard": "none at all"},
            {"host": "a", "to": "b"},
            {"to": ":"},
        ):
            with pytest.raises(UsageError):
                failover.plan(await hands.observe(), options)
        for shard in ("5460", first.address, replica.address):
            plan = await chosen(hands, shard=shard)
            assert str(plan.candidate) == replica.address
        assert (await chosen(hands, to=other.address)).candidate != plan.candidate
        assert second.address in (await chosen(hands, to=other.address)).because


@pytest.mark.servers
async def test_what_is_open_fenced_or_told_otherwise_by_a_node() -> None:
    async with cluster(NEWEST, Shape(replicas=2), acl=True) as made, hands_on(made) as hands:
        first, second, third = made.primaries
        one, two = made.replicas(0)
        await first.command("CLUSTER", "SETSLOT", 100, "MIGRATING", await node_id(second))
        assert f"slot 100 is being moved at {first.address}" in await refused(hands, shard="0")
        assert isinstance(await chosen(hands, shard="16000"), Plan)
        await first.command("CLUSTER", "SETSLOT", 100, "STABLE")
        await second.command("CLUSTER", "SETSLOT", 100, "IMPORTING", await node_id(first))
        assert f"slot 100 is being moved at {second.address}" in await refused(hands, shard="0")
        await second.command("CLUSTER", "SETSLOT", 100, "STABLE")

        await one.command("CONFIG", "SET", "min-replicas-to-write", 1_000_000)
        assert "it holds the fence of an earlier failover" in await refused(hands, to=one.address)
        plan = await chosen(hands, shard="0")
        assert str(plan.candidate) == two.address
        assert [(str(no.node), "the fence of an earlier" in no.why) for no in plan.rejected] == [(one.address, True)]
        await one.command("CONFIG", "SET", "min-replicas-to-write", 0)
        await first.command("CONFIG", "SET", "min-replicas-to-write", 1_000_000)
        assert "still refuses writes: an earlier failover was cut off" in await refused(hands, shard="0")
        await first.command("CONFIG", "SET", "min-replicas-to-write", 0)

        async with asyncio.timeout(90):
            while True:  # The owner's next ping mends it, within a second.
                await second.command("CLUSTER", "DELSLOTS", 100)
                answer = failover.plan(await hands.observe(), {"shard": "0"})
                if isinstance(answer, Refusal):
                    break
        assert f"{second.address} says otherwise" in answer.reason
        await made.ready()

        for node in made.nodes:
            await node.command("ACL", "SETUSER", "tandem", "-cluster")
        assert "does not let us ask CLUSTER INFO and CLUSTER NODES" in await refused(hands, shard="0")
        for node in made.nodes:
            await node.command("ACL", "SETUSER", "tandem", "+cluster", "-config|get")
        assert "CONFIG GET is not allowed on" in await refused(hands, shard=third.address)


@pytest.mark.servers
async def test_a_candidate_that_is_behind_cut_off_or_hung() -> None:
    shape, limits = Shape(replicas=2, node_timeout_ms=15_000), Limits(max_lag_bytes=10_000)
    async with cluster(NEWEST, shape, links=True) as made, hands_on(made, timeout_ms=1_500, limits=limits) as hands:
        first, (one, two) = made.primaries[0], made.replicas(0)
        await made.link(first).cut_replica(one.address)
        async with asyncio.timeout(90):
            while (await one.command("INFO", "replication"))["master_link_status"] == "up":
                await asyncio.sleep(0.05)
        assert "its link to the master is down" in await refused(hands, to=one.address)
        assert str((await chosen(hands, shard="0")).candidate) == two.address
        await two.hang()
        reason = await refused(hands, shard="0")
        assert f"No replica can take over from {first.address}." in reason
        assert f"{two.address}: it does not answer" in reason
        await two.resume()
        await made.link(first).heal()
        await made.ready()
        await made.link(first).delay_replication(20)
        await first.command("SET", "{06S}", "x" * 20_000)
        assert "bytes behind, more than the limit of 10000" in await refused(hands, to=one.address)


@pytest.mark.servers
async def test_a_master_or_the_majority_of_masters_that_does_not_answer() -> None:
    async with cluster(NEWEST, Shape(node_timeout_ms=30_000)) as made, hands_on(made, timeout_ms=1_500) as hands:
        first, second, third = made.primaries
        await first.kill()
        reason = await refused(hands, shard="0")
        assert f"The master {first.address} does not answer (refused): without it there is no handshake" in reason
        assert "promote carts --to HOST:PORT" in reason
        assert isinstance(await chosen(hands, shard=second.address), Plan)
        await second.kill()
        reason = await refused(hands, shard=third.address)
        assert reason.startswith("Only 1 of 3 masters answer: a failover needs the votes of a majority.")
        assert "takeover carts --to HOST:PORT" in reason


@pytest.mark.servers
async def test_a_cluster_that_does_not_serve_its_slots() -> None:
    async with cluster(NEWEST) as made, hands_on(made) as hands:
        for node in made.nodes:
            await node.command("CLUSTER", "DELSLOTS", 100)
        async with asyncio.timeout(90):
            while "cluster_state:fail" not in await made.primaries[2].command("CLUSTER", "INFO"):
                await asyncio.sleep(0.05)
        assert "says cluster_state:fail (16383 slots assigned, 0 of failed nodes)" in await refused(
            hands, shard=made.primaries[2].address
        )
        assert "Nobody owns slot 100." in await refused(hands, shard="100")


@pytest.mark.servers
async def test_servers_that_are_no_cluster() -> None:
    async with replication(NEWEST, replicas=1) as topology:
        hands = connect(target_of(topology, kind=Kind.CLUSTER))
        assert "do not run in cluster mode: put its kind right in targets.yaml" in await refused(hands, shard="0")
        await hands.aclose()


def test_a_shard_is_asked_for_where_there_are_none() -> None:
    answer = failover.plan(healthy(), {"shard": "7"})
    assert isinstance(answer, Refusal)
    assert "--shard is for targets of kind cluster." in answer.reason


def test_who_votes_does_not_reach_the_master_or_the_candidate() -> None:
    made = clusters.cluster(3, 2)
    suspected = made.says(2, 1, flags="fail?").snapshot()
    answer = failover.plan(suspected, {"shard": "0"})
    assert isinstance(answer, Refusal)
    assert (
        "10.0.0.2:6379 does not reach the master 10.0.0.1:6379: the cluster may be about to fail over" in answer.reason
    )
    answer = failover.plan(made.says(2, 4, flags="fail?").snapshot(), {"to": "10.0.0.4"})
    assert isinstance(answer, Refusal)
    assert "10.0.0.2:6379 does not reach it" in answer.reason


def test_a_candidate_that_loads_or_syncs() -> None:
    def loading(view: NodeView) -> NodeView:
        return replace(view, info=replace(view.info, loading=True)) if view.address.host == "10.0.0.4" else view

    def syncing(view: NodeView) -> NodeView:
        if view.address.host != "10.0.0.4":
            return view
        return replace(view, info=replace(view.info, link=replace(view.info.link, sync_in_progress=True, up=False)))

    for change, words in ((loading, "it is loading its data"), (syncing, "it is in a full sync")):
        answer = failover.plan(clusters.cluster().snapshot(change), {"to": "10.0.0.4"})
        assert isinstance(answer, Refusal)
        assert words in answer.reason


def test_the_best_candidate_is_meant_to_be_master_and_on_a_host_without_another() -> None:
    def versions(view: NodeView) -> NodeView:
        return replace(view, info=replace(view.info, version=(6, 2, 0))) if view.address.host == "10.0.0.4" else view

    made = clusters.cluster(3, 3)  # The replicas of 1 are 4, 7 and 10.
    held_back = made.row(7, flags="nofailover").snapshot(versions)
    shards = Shards(held_back)
    choice = Candidates(held_back, shards, shards.shards[0]).choose(None)
    assert choice.node.address.host == "10.0.0.10"
    assert "is the best candidate" in choice.why
    assert [one.why for one in choice.rejected] == [
        "it could take over too, but runs another version than the master",
        "it could take over too, but has cluster-replica-no-failover",
    ]
    crowded = made.row(4, place="10.0.0.2:6380@16380").snapshot()
    shared = Shards(crowded)
    candidates = Candidates(crowded, shared, shared.shards[0], avoid="10.0.0.7")
    seven = crowded.node(clusters.address(7))
    assert seven is not None
    assert candidates.why_not(seven) == ("it is on 10.0.0.7 too",)


def test_what_an_approval_binds_to() -> None:
    def planned(made: clusters.Cluster, **options: str) -> Plan:
        answer = failover.plan(made.snapshot(), options)
        assert isinstance(answer, Plan), answer
        return answer

    made = clusters.cluster(3, 2)
    before = planned(made, shard="0")
    assert planned(made, to="10.0.0.4").fingerprint == before.fingerprint
    assert planned(made, to="10.0.0.7").fingerprint != before.fingerprint
    assert planned(made, shard="16000").fingerprint != before.fingerprint
    assert planned(made.row(1, epoch=9), shard="0").fingerprint != before.fingerprint
    assert planned(made.without(7), shard="0").fingerprint != before.fingerprint
    assert planned(made.without(9, reason=Reason.TIMED_OUT), shard="0").fingerprint == before.fingerprint
    assert planned(clusters.cluster(4, 2).without(6), host="10.0.0.1").seen[0] == "4 masters own slots"
