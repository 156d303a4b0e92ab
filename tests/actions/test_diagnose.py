"""``diagnose`` on real servers: one look where all is well, else a second that tells what moves."""

import asyncio
import re
import time
from contextlib import AsyncExitStack

import pytest
import redis.asyncio

from actions import diagnose
from actions.adapters import connect
from actions.kit.clients import Clients
from actions.kit.diagnosis import diagnose as diagnosed
from actions.kit.errors import UsageError
from actions.kit.findings import FindingId
from actions.kit.topology import Address
from sandbox.redis import Topology, build, builds, faults, replication, sentinel
from tests.failover import target_of

pytestmark = pytest.mark.servers


async def test_one_look_where_all_is_well(progress):
    async with replication(build()) as topology:
        hands = connect(target_of(topology))
        seen = await diagnose.ACTION.look(hands, {}, progress)
        await hands.aclose()

    assert seen.diagnosis.verdict.id is FindingId.HEALTHY
    assert progress.said == []


async def test_a_second_look_tells_which_of_two_masters_takes_writes(progress):
    async with replication(build()) as topology:
        await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
        hands = connect(target_of(topology))

        async def write(sentence: str) -> None:
            await progress(sentence)
            await _write(topology)

        seen = await diagnose.ACTION.look(hands, {}, write)
        await hands.aclose()

    verdict = seen.diagnosis.verdict
    first, second = topology.node_addresses[:2]
    told = {one.source.split(",")[0]: one.observation for one in verdict.evidence if "two looks" in one.source}
    assert verdict.id is FindingId.SPLIT_BRAIN
    assert told[f"node {first} INFO"].endswith(": no write in between")
    assert re.search(r"(\d), then (\d): [\d.]+ writes a second", told[f"node {second} INFO"])
    assert f"{second} took writes between two looks" in verdict.summary
    assert len(progress.said) == 1
    assert "Looking again after 1 s, to see who takes writes now" in progress.said[0]


@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_of_two_masters_one_look_tells_whom_an_application_writes_to(which):
    async with replication(which) as topology, AsyncExitStack() as stack:
        await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
        clients = []
        for node in topology.nodes[:2]:
            host, port = node.address.split(":")
            clients.append(await stack.enter_async_context(redis.asyncio.Redis(host=host, port=int(port))))
            await clients[-1].ping()
        hands = connect(target_of(topology))
        stack.push_async_callback(hands.aclose)
        await hands.observe()
        await clients[1].set("a", 1)
        seen = await hands.observe()
        await topology.nodes[1].command("REPLICAOF", *topology.nodes[0].address.split(":"))
        single = await hands.observe()

    first, second = (seen.node(Address.parse(node.address)) for node in topology.nodes[:2])
    assert (first.clients, second.clients) == (Clients(0, 0), Clients(1, 1))
    assert f"{second.address} was sent writes a moment ago" in diagnosed(seen).verdict.summary
    assert all(node.clients is None for node in single.nodes), "with one master nobody is asked"


async def test_one_look_where_nothing_can_grow(progress):
    async with replication(build()) as topology:
        await topology.nodes[2].kill()
        hands = connect(target_of(topology))
        seen = await diagnose.ACTION.look(hands, {}, progress)
        await hands.aclose()

    assert seen.diagnosis.verdict.id is FindingId.REPLICA_DOWN
    assert progress.said == []


async def _write(topology: Topology) -> None:
    for number in range(3):
        await topology.nodes[1].command("SET", f"key:{number}", "value")


@pytest.mark.parametrize("how", ["hang", "command"])
async def test_in_a_failover_the_promoted_one_is_never_called_the_wrong_one(how):
    """Looked at all the way through: whoever is master in the end was right from its promotion on."""
    async with sentinel(build(), down_after_ms=1500) as topology:
        hands, old = connect(target_of(topology, timeout_ms=300)), topology.nodes[0]
        earlier, blamed, moving = None, [], False
        if how == "hang":
            await faults.hang_master(topology)
        else:
            await topology.sentinels[0].command("SENTINEL", "FAILOVER", topology.master_name)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            snapshot = await hands.observe()
            diagnosis, earlier = diagnosed(snapshot, earlier), snapshot
            moving |= diagnosis.has(FindingId.FAILOVER_IN_PROGRESS)
            blamed += [one.summary for one in diagnosis.findings if "is the true master" in one.summary]
            if diagnosis.master not in (None, Address.parse(old.address)) and not diagnosis.has(
                FindingId.FAILOVER_IN_PROGRESS
            ):
                break
            await asyncio.sleep(0.03)
        await hands.aclose()

    assert moving
    assert [summary for summary in blamed if f"; {old.address} " not in summary] == []


async def test_on_demand_the_keys_of_two_masters_are_counted_and_named_only_where_that_is_wanted(progress):
    async with replication(build()) as topology:
        for key in ("both", "lost"):
            await topology.nodes[0].command("SET", key, 1)
        await topology.nodes[0].command("WAIT", 2, 5000)
        await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
        await topology.nodes[1].command("DEL", "lost")
        hands = connect(target_of(topology))
        counted = await diagnose.ACTION.look(hands, {"compare": ""}, progress)
        named = await diagnose.ACTION.look(hands, {"compare": "", "names": ""}, progress)
        await topology.nodes[1].command("REPLICAOF", *topology.node_addresses[0].split(":"))
        with pytest.raises(UsageError, match="type both"):
            await diagnose.ACTION.look(hands, {"names": ""}, progress)
        await topology.nodes[1].kill()
        single = await diagnose.ACTION.look(hands, {"compare": ""}, progress)
        await hands.aclose()

    (one,) = counted.comparisons
    assert {str(one.first), str(one.second)} == set(topology.node_addresses[:2])
    assert (one.complete, one.only_first + one.only_second, one.same, one.names) == (True, 1, 1, ())
    assert [name.name for name in named.comparisons[0].names] == [b"lost"]
    assert any("Comparing the keys of" in said for said in progress.said)
    assert (single.comparisons, single.uncompared[:27]) == ((), "There are not two masters t")
    assert f"diagnose {counted.snapshot.target} --compare" in counted.diagnosis.verdict.suggests
