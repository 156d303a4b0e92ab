"""What a look at a real cluster finds: each fault made for real, and what ought not to be taken for one."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from redis.exceptions import ResponseError

from actions import promote, takeover, tune, verify
from actions.adapters import TargetHands, connect
from actions.kit.cluster.keys import tag_in
from actions.kit.cluster.shards import Shards
from actions.kit.cluster.view import SlotRange
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Diagnosis, FindingId, Severity
from actions.kit.loop import Ending, Outcome, carry_out
from actions.kit.plan import Plan
from actions.kit.snapshot import Reason, Snapshot
from actions.kit.topology import Address, AddressMap, Credentials, Kind, Target, Tls
from sandbox.redis import Cluster, Shape, build, builds, cluster, replication
from tests.failover import Journal

pytestmark = pytest.mark.servers

each_build = pytest.mark.parametrize("server", builds(), ids=lambda one: one.name)
QUICK = Shape(shards=3, replicas=1, node_timeout_ms=2_000)
SLOW = Shape(shards=3, replicas=1, node_timeout_ms=6_000)
"""Where nobody is to be given up before we have looked, on however busy a machine."""


@contextlib.asynccontextmanager
async def looking(made: Cluster, **changes: object):
    known = {
        "name": "carts",
        "kind": Kind.CLUSTER,
        "nodes": tuple(map(Address.parse, made.node_addresses)),
        "auth": Credentials(made.username, made.password),
        "tls": Tls(ca_file=str(made.tls.ca_file)) if made.tls else None,
        "timeout_ms": 2_000,
    }
    hands = connect(Target(**(known | changes)))
    try:
        yield hands
    finally:
        await hands.aclose()


async def until(hands: TargetHands, holds: Callable[[Diagnosis], object]) -> tuple[Snapshot, Diagnosis]:
    """Look until it holds."""
    async with asyncio.timeout(60):
        while True:
            snapshot = await hands.observe()
            seen = diagnose(snapshot)
            if holds(seen):
                return snapshot, seen
            await asyncio.sleep(0.05)


def one(seen: Diagnosis, wanted: FindingId, containing: str = ""):
    found = [each for each in seen.findings if each.id is wanted and containing in each.summary]
    assert found, [(each.id.value, each.summary) for each in seen.findings]
    return found[0]


@each_build
async def test_any_one_seed_tells_of_all_with_the_rights_of_the_acl_user(server):
    async with cluster(server, Shape(shards=3, replicas=2), acl=True, tls=server.has_tls) as made:
        seed = Address.parse(made.replicas(1)[0].address)
        async with looking(made, nodes=(seed,)) as hands:
            snapshot = await hands.observe()
            tuned = tune.plan(await tune.look(hands), {"maxmemory": "1gb"})  # Nine nodes are dear: here they stand.
            assert isinstance(tuned, Plan), tuned
            assert [type(step).__name__ for step in tuned.steps] == ["SetOn"] * 9 + ["SeeSettings", "KeepSettings"]
            ending = await carry_out(tuned.steps, hands, Journal())
            assert ending == Ending(Outcome.DONE)
    seen, shards = diagnose(snapshot), Shards(snapshot)
    assert (seen.verdict.id, snapshot.unasked) == (FindingId.HEALTHY, ())
    assert {str(node.address) for node in snapshot.nodes} == set(made.node_addresses)
    assert len({id(node.cluster.members) for node in snapshot.nodes}) == 1
    assert [str(shard.master) for shard in shards.shards] == list(made.node_addresses[:3])
    assert [(shard.slots[0].first, shard.slots[-1].last) for shard in shards.shards] == [*map(made.slots, range(3))]
    for index, shard in enumerate(shards.shards):
        assert {str(replica) for replica in shard.replicas} == {node.address for node in made.replicas(index)}
    assert {node.config.cluster_node_timeout_ms for node in snapshot.nodes} == {made.shape.node_timeout_ms}


@each_build
async def test_a_killed_master_is_seen_to_be_replaced(server):
    async with cluster(server, QUICK) as made, looking(made) as hands:
        await hands.observe()
        await made.primaries[1].kill()
        _, seen = await until(hands, lambda now: now.has(FindingId.MASTER_DOWN))
        lost = Address.parse(made.primaries[1].address)
        assert one(seen, FindingId.CLUSTER_SLOTS_UNCOVERED).nodes == (lost,)
        assert "of slots 5461-10921 is down" in one(seen, FindingId.MASTER_DOWN).summary
        if not server.is_valkey:  # Its replicas do not wait half a second before they ask for votes.
            await until(hands, lambda now: now.has(FindingId.FAILOVER_IN_PROGRESS))
        snapshot, seen = await until(
            hands, lambda now: now.has(FindingId.REPLICA_DOWN) and now.verdict.severity < Severity.CRITICAL
        )
    heir = made.replicas(1)[0].address
    assert str(Shards(snapshot).shards[1].master) == heir
    assert [str(node) for node in one(seen, FindingId.CLUSTER_MASTER_WITHOUT_REPLICA, "no replica").nodes] == [heir]
    assert one(seen, FindingId.REPLICA_DOWN).nodes == (lost,)


async def test_a_hung_master_whose_replica_may_not_take_over_leaves_its_slots_to_nobody():
    async with cluster(build(), SLOW) as made, looking(made, timeout_ms=1_500) as hands:
        await made.replicas(0)[0].command("CONFIG", "SET", "cluster-replica-no-failover", "yes")
        await hands.observe()
        await made.primaries[0].hang()
        _, at_once = await until(hands, lambda now: not now.has(FindingId.HEALTHY))
        assert not at_once.has(FindingId.CLUSTER_SLOTS_UNCOVERED)
        assert "hangs since a moment ago" in one(at_once, FindingId.MASTER_UNREACHABLE).summary
        snapshot, seen = await until(hands, lambda now: now.has(FindingId.WRITES_REFUSED))
        heir = made.replicas(0)[0].address
        assert f"promote carts --to {heir}" in one(seen, FindingId.MASTER_DOWN).suggests
        assert isinstance(promote.plan(snapshot, {"to": heir}), Plan)
        assert "0-5460" in one(seen, FindingId.CLUSTER_SLOTS_UNCOVERED).summary
        assert "cluster-require-full-coverage is yes" in one(seen, FindingId.WRITES_REFUSED).summary
        assert not seen.has(FindingId.FAILOVER_IN_PROGRESS)


async def test_a_lost_majority_does_not_mend_itself():
    async with cluster(build(), QUICK) as made, looking(made) as hands:
        await asyncio.gather(*(node.kill() for node in made.primaries[:2]))
        _, seen = await until(hands, lambda now: now.has(FindingId.CLUSTER_MAJORITY_LOST))
        assert "2 of 3 masters" in one(seen, FindingId.CLUSTER_MAJORITY_LOST).summary
        _, seen = await until(hands, lambda now: now.has(FindingId.WRITES_REFUSED))
        heir = made.replicas(0)[0].address
        assert f"takeover carts --to {heir}" in one(seen, FindingId.CLUSTER_SLOTS_UNCOVERED).suggests
        async with asyncio.timeout(60):  # Until every node suspects them.
            while not isinstance(takeover.plan(await hands.observe(), {"to": heir}), Plan):
                await asyncio.sleep(0.05)
        assert "do not reach a majority" in one(seen, FindingId.WRITES_REFUSED).summary


@each_build
async def test_how_far_a_lost_master_had_come_is_asked_of_those_who_heard_of_it(server):
    async with cluster(server, QUICK) as made, looking(made) as hands:
        master, replica, other = made.primaries[0], made.replicas(0)[0], made.primaries[1]
        await replica.command("CONFIG", "SET", "cluster-replica-no-failover", "yes")
        await master.command("SET", tag_in([SlotRange(*made.slots(0))]), "x" * 5_000)
        name = await master.command("CLUSTER", "MYID")
        async with asyncio.timeout(60):
            while server.version >= (7,) and told(await other.command("CLUSTER", "SHARDS"), name) < 5_000:
                await asyncio.sleep(0.05)
        await master.kill()
        snapshot, _ = await until(hands, lambda now: now.has(FindingId.MASTER_DOWN))
    heard = Shards(snapshot).last_heard(name)
    assert heard is None if server.version < (7,) else heard is not None and heard >= 5_000
    assert snapshot.unasked[0].source == f"node {master.address}"


def told(shards: list[list], name: str) -> int:
    """The offset of a node that another one tells."""
    fields = [dict(zip(node[::2], node[1::2], strict=True)) for shard in shards for node in shard[3]]
    return next(one["replication-offset"] for one in fields if one["id"] == name)


async def test_what_stands_amiss_while_all_answer():
    """Faults that nothing mends by itself, one after the other on one cluster."""
    async with cluster(build(), Shape(shards=3, replicas=1)) as made, looking(made) as hands:
        first, second, _ = made.primaries
        ids = [await node.command("CLUSTER", "MYID") for node in made.nodes]

        await first.command("CLUSTER", "SETSLOT", 7, "MIGRATING", ids[1])
        await second.command("CLUSTER", "SETSLOT", 7, "IMPORTING", ids[0])
        _, seen = await until(hands, lambda now: now.has(FindingId.CLUSTER_OPEN_SLOTS))
        assert f"7 from {first.address} to {second.address}. If nobody" in one(seen, seen.verdict.id).summary
        await first.command("CLUSTER", "SETSLOT", 7, "STABLE")
        _, seen = await until(hands, lambda now: "One end does not know" in now.verdict.summary)
        await second.command("CLUSTER", "SETSLOT", 7, "STABLE")
        await until(hands, lambda now: now.has(FindingId.HEALTHY))

        await first.command("CLUSTER", "MEET", "127.0.0.1", "1")
        _, seen = await until(hands, lambda now: now.has(FindingId.CLUSTER_DISAGREEMENT))
        assert seen.has(FindingId.HEALTHY)
        assert "shake hands with 127.0.0.1:1" in one(seen, FindingId.CLUSTER_DISAGREEMENT).summary

        await second.command("CLUSTER", "FORGET", ids[3])
        _, seen = await until(hands, lambda now: not now.has(FindingId.HEALTHY))
        said = one(seen, FindingId.CLUSTER_DISAGREEMENT, f"not know {made.nodes[3].address}")
        assert Address.parse(second.address) in said.nodes  # Valkey has the others forget it as well.

        async with asyncio.timeout(60):  # A ping that the owner sent before gives it back to those that had let it go.
            while not (seen := diagnose(await hands.observe())).has(FindingId.CLUSTER_SLOTS_UNCOVERED):
                for node in made.nodes:
                    with contextlib.suppress(ResponseError):
                        await node.command("CLUSTER", "DELSLOTS", 16_383)
        assert (
            "1 of 16,384 slots (16383): 16383 is assigned to no node"
            in one(seen, FindingId.CLUSTER_SLOTS_UNCOVERED).summary
        )


async def test_what_only_we_do_not_reach_is_not_down():
    async with cluster(build(), SLOW) as made:
        master, replica = (Address.parse(node.address) for node in (made.primaries[2], made.replicas(0)[0]))
        nowhere = AddressMap(places=tuple((place, Address(place.host, 1)) for place in (master, replica)))
        async with looking(made, address_map=nowhere) as hands:
            snapshot, seen = await until(hands, lambda _: True)
    assert {view.address for view in snapshot.nodes if view.unasked} == {master, replica}
    assert "We cannot reach the master" in one(seen, FindingId.MASTER_UNREACHABLE).summary
    assert one(seen, FindingId.REPLICA_DOWN).confidence == "undetermined"
    assert not seen.has(FindingId.CLUSTER_SLOTS_UNCOVERED)
    assert not seen.has(FindingId.HEALTHY)


async def test_seeds_that_are_no_nodes_of_this_cluster():
    """One with cluster mode off, one of another cluster, one that is silent, one that is no Redis."""
    async with (
        cluster(build(), Shape(shards=3, replicas=0)) as made,
        cluster(build(), Shape(shards=1, replicas=0)) as other,
        replication(build(), replicas=0) as plain,
        await asyncio.start_server(_chatter, "127.0.0.1", 0) as stranger,
    ):
        garbage = Address(*stranger.sockets[0].getsockname()[:2])
        silent = Address("127.0.0.1", 1)
        seeds = (made.node_addresses[0], other.node_addresses[0], plain.node_addresses[0])
        async with looking(made, nodes=(*map(Address.parse, seeds), silent, garbage)) as hands:
            snapshot, seen = await until(hands, lambda _: True)
    assert [str(node.address) for node, _ in Shards(snapshot).views] == sorted(made.node_addresses)
    for address, words in zip(seeds[1:], ("knows no other node", "cluster mode off"), strict=True):
        assert words in one(seen, FindingId.CLUSTER_DISAGREEMENT, address).summary
    reasons = {node.address: node.unasked.reason for node in snapshot.nodes if node.unasked}
    assert reasons == {silent: Reason.REFUSED, garbage: Reason.GARBAGE}
    assert not seen.has(FindingId.HEALTHY)


async def _chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_verify_writes_to_every_shard_and_reads_on_every_replica(progress):
    async with cluster(build(), Shape(shards=3, replicas=2), acl=True) as made, looking(made) as hands:
        first, second, _ = made.primaries
        ids = [await node.command("CLUSTER", "MYID") for node in (first, second)]
        await first.command("CLUSTER", "SETSLOT", 0, "MIGRATING", ids[1])
        seen = await verify.ACTION.look(hands, {"again": "0.2"}, progress)
        assert all(check.ok for check in seen.checks), seen.checks
        writes = [check for check in seen.checks if "takes a write" in check.title and check.title.endswith("now")]
        assert [check.title.split(" of ")[1].split(" and ")[0] for check in writes] == [
            "slots 0-5460",
            "slots 5461-10921",
            "slots 10922-16383",
        ]
        assert all(check.observation.count("has it") == 2 for check in writes)
        assert {await node.command("DBSIZE") for node in made.nodes} == {0}

        await second.command("CONFIG", "SET", "min-replicas-to-write", 5)
        await made.replicas(2)[0].kill()
        seen = await verify.ACTION.look(hands, {"again": "0"}, progress)
    failed = [check.title for check in seen.checks if not check.ok]
    assert [title for title in failed if "takes a write" in title] == [
        f"{second.address} takes a write of slots 5461-10921 and every replica shows it, now"
    ]
    assert f"{made.replicas(2)[0].address} follows {made.primaries[2].address}, now" in failed


async def test_verify_tells_of_a_replaced_master_that_has_not_come_back(progress):
    async with cluster(build(), QUICK) as made, looking(made) as hands:
        await made.primaries[0].kill()
        await until(hands, lambda now: now.has(FindingId.REPLICA_DOWN) and now.verdict.severity < Severity.CRITICAL)
        seen = await verify.ACTION.look(hands, {"again": "0"}, progress)
    assert [check.title for check in seen.checks if not check.ok] == [
        f"{made.primaries[0].address} is in a shard, or a spare that answers, now"
    ]
