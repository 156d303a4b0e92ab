"""Every refusal of a failover where nobody is in charge, made true on real servers, and what a plan says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions import failover
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.findings import FindingId
from actions.kit.plan import Plan, Refusal
from actions.kit.topology import Credentials, Kind, Limits
from sandbox.redis import Topology, WriteLoad, build, faults, replication, sentinel
from tests.actions.test_failover import NAME, refusal, seen, soon, until_refused
from tests.failover import target_of
from tests.scenarios.faults.replicas import load_slowly, slow_full_sync

pytestmark = pytest.mark.servers


async def plan_for(topology: Topology, **options: str) -> Plan:
    async with seen(topology) as hands:
        answer = failover.plan(await hands.observe(), options)
        assert isinstance(answer, Plan), answer
        return answer


async def test_where_all_is_well_there_is_a_plan_that_says_why_and_what_will_not_last() -> None:
    async with replication(build(NAME), config_file=False) as topology:
        first, again = await plan_for(topology), await plan_for(topology)
        assert first.fingerprint == again.fingerprint, "offsets move; the fingerprint does not"
        assert "Nobody is in charge of orders" in first.because
        assert first.cost.loss_bytes == 0
        notes = " ".join(first.cost.notes)
        assert f"those that are set to {topology.nodes[0].address} have to be pointed at" in notes
        assert "no configuration file: a restart brings the old roles back" in notes


async def test_a_replica_priority_of_0_is_a_hint_that_a_name_overrules() -> None:
    async with replication(build(NAME), replicas=1) as topology:
        await topology.nodes[1].command("CONFIG", "SET", "replica-priority", "0")
        assert f"unless it is named with --to {topology.nodes[1].address}" in await refusal(topology)
        plan = await plan_for(topology, to=topology.nodes[1].address)
        assert "somebody meant it never to be promoted" in " ".join(plan.cost.notes)


async def test_a_sentinel_watches_under_whatever_name() -> None:
    """Also one that watches it since a moment ago, and also where the ACL does not let us ask."""
    async with sentinel(build(NAME), sentinels=1, quorum=1, password="admin") as topology:
        target = replace(target_of(topology), kind=Kind.REPLICATION, sentinels=(), master_name="")
        text = await refusal(topology, lambda _: target)
        assert f"Sentinels watch {topology.nodes[0].address} (1), {topology.nodes[1].address} (1)" in text
        assert "Put kind: sentinel" in text
        for node in topology.nodes:
            await node.command("ACL", "SETUSER", "blind", "on", ">blind", "~*", "+@all", "-pubsub")
        text = await refusal(topology, lambda _: replace(target, auth=Credentials("blind", "blind")))
        assert "cannot be asked (NOPERM): the ACL has to allow +pubsub|numsub" in text


async def test_cluster_mode() -> None:
    async with replication(build(NAME), replicas=0, extra_config={"cluster-enabled": "yes"}) as topology:
        assert f"{topology.nodes[0].address} runs in cluster mode" in await refusal(topology)


async def test_the_master_does_not_answer() -> None:
    async with replication(build(NAME)) as topology:
        await faults.hang_master(topology)
        text = await refusal(topology, soon)
        assert f"No node of orders answers as a master ({topology.nodes[0].address}: timed out)" in text
        assert "promote orders --to HOST:PORT" in text


async def test_two_masters() -> None:
    async with replication(build(NAME)) as topology, seen(topology) as hands:
        await faults.split_brain(topology)
        answer = failover.plan(await hands.observe(), {})
        assert isinstance(answer, Refusal)
        assert "each say that they are master" in answer.reason
        assert "repair orders copies what only that one has" in answer.reason
        assert FindingId.SPLIT_BRAIN in {finding.id for finding in answer.findings}


async def test_a_silent_node_with_a_replica_of_its_own_may_be_another_master() -> None:
    async with replication(build(NAME)) as topology:
        host, port = topology.nodes[2].address.rsplit(":", 1)
        await topology.nodes[2].command("REPLICAOF", "NO", "ONE")
        await topology.nodes[1].command("REPLICAOF", host, port)
        async with seen(topology) as hands:
            while not (await hands.observe()).nodes[1].info.link.up:  # type: ignore[union-attr]
                pass
        await topology.nodes[2].hang()
        text = await refusal(topology, soon)
        assert f"{topology.nodes[1].address} follows {topology.nodes[2].address}, which does not answer" in text


async def test_a_fence_was_left_behind_or_may_not_be_set() -> None:
    async with replication(build(NAME), password="admin") as topology:
        for node in topology.nodes:
            await node.command("ACL", "SETUSER", "blind", "on", ">blind", "~*", "+@all", "-config")
        text = await refusal(topology, lambda target: replace(target, auth=Credentials("blind", "blind")))
        assert f"CONFIG GET is not allowed on {topology.nodes[0].address} (NOPERM)" in text
        assert "CONFIG GET is not allowed on it, so it cannot be fenced" in text
        for node in topology.nodes:
            await node.command("CONFIG", "SET", "min-replicas-to-write", str(FENCE_REPLICAS))
        text = await refusal(topology)
        assert "an earlier failover was cut off" in text
        assert "it holds the fence of an earlier failover" in text


async def test_the_master_could_not_log_in_to_the_new_one() -> None:
    async with replication(build(NAME), password="admin") as topology:
        await topology.nodes[0].command("CONFIG", "SET", "masterauth", "")
        text = await refusal(topology)
        assert f"The master {topology.nodes[0].address} could not follow the new one" in text
        assert "it has no masterauth. CONFIG SET that on it first" in text


async def test_a_failover_command_is_under_way() -> None:
    async with replication(build(NAME)) as topology:
        await topology.nodes[1].hang()
        host, port = topology.nodes[1].address.rsplit(":", 1)
        await topology.nodes[0].command("SET", "behind", "1")
        await topology.nodes[0].command("FAILOVER", "TO", host, port, "TIMEOUT", "20000")
        text = await refusal(topology, soon)
        assert "in a FAILOVER of its own: waiting-for-sync" in text
        await topology.nodes[0].command("FAILOVER", "ABORT")


async def test_no_candidate() -> None:
    async with replication(build(NAME), extra_config={"repl-timeout": "2"}, links=True) as topology:
        await topology.nodes[2].kill()
        assert "is the master already" in await refusal(topology, to=topology.nodes[0].address)
        assert "is not a node of orders" in await refusal(topology, to="127.9.9.9:1")
        await faults.cut_replica(topology, topology.nodes[1])
        text = await until_refused(topology, "its link to the master is down")
        assert "No replica can take over" in text
        assert "it does not answer" in text


async def test_the_candidate_lags_too_far() -> None:
    async with replication(build(NAME), replicas=1, links=True) as topology, WriteLoad(topology, rate=500):
        await topology.links[0].delay_replication(0.5)
        limits = Limits(max_lag_bytes=2_000)
        await until_refused(
            topology, "more than the limit of 2000", change=lambda target: replace(target, limits=limits)
        )


async def test_the_candidate_is_in_a_full_sync_or_loads_its_data() -> None:
    async with replication(build(NAME), extra_config={"enable-debug-command": "yes"}) as topology:
        await slow_full_sync(topology)
        await until_refused(topology, "it is in a full sync", to=topology.nodes[2].address)
    async with replication(build(NAME), extra_config={"enable-debug-command": "yes"}) as topology:
        await load_slowly(topology)
        await until_refused(topology, "it is loading its data", to=topology.nodes[2].address)


async def test_no_replica_at_all() -> None:
    async with replication(build(NAME), replicas=0) as topology:
        assert "No replica can take over" in await refusal(topology)
