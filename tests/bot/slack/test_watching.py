"""What Tandem notices itself, without anybody's alert: who falls silent, and what a failover of others has cost."""

import asyncio
import re
from pathlib import Path

import pytest

from sandbox.kubernetes import bitnami, faults
from sandbox.redis import Shape, build, cluster, replication
from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets
from tests.failover import PATIENT


def of_kind(kind: str, nodes: object) -> dict[str, object]:
    """``targets.yaml`` for one target without Sentinels."""
    return {
        "approvers": {"usergroup": "S0REDISOPS"},
        "targets": {"orders": {"kind": kind, "nodes": nodes, "channels": [INCIDENT], "limits": PATIENT}},
    }


@pytest.fixture
def down_after_ms() -> int:
    """Here the Sentinels fail over by themselves."""
    return 3_000


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is killed refuses at once; one that answers late, on a busy machine, is not silent."""
    monkeypatch.setattr("bot.alerts.nodes.TIMEOUT_S", 20.0)


async def test_a_master_without_sentinels_that_dies_is_told_with_what_can_be_done(
    slack: LocalSlack, house: House
) -> None:
    house.watch_nodes_s = 1
    async with replication(build(None)) as redis:
        house.keep(of_kind("replication", list(redis.node_addresses)))
        async with house.bot():
            await known(redis)
            await redis.nodes[0].kill()
            prompt = await slack.waits_for(lambda: saying(slack, "no answer from the master"))
            assert "orders: RedisMasterSilent" in prompt.plain()
            offered = await slack.waits_for(lambda: saying(slack, "promote orders"))
            assert offered.ts == prompt.ts
            await redis.nodes[0].start()
            await redis.ready()
            over = await slack.waits_for(lambda: saying(slack, "over after"), within=90)
            assert over.ts == prompt.ts


async def test_a_failover_of_the_sentinels_is_told_with_what_it_cost(
    slack: LocalSlack, house: House, redis: Topology
) -> None:
    house.watch_nodes_s = 1
    house.keep(targets(redis))
    async with house.bot():
        await known(redis)
        for sentinel in redis.sentinels:
            await subscribed(sentinel)
        await redis.nodes[0].kill()
        prompt = await slack.waits_for(lambda: saying(slack, "no answer from the master"))
        done = await slack.waits_for(lambda: saying(slack, "AutomaticFailover"), within=120)
        assert done.ts == prompt.ts
        assert f"{redis.node_addresses[0]} last answered as the master at" in done.plain()
        assert f"Nothing is lost of what {redis.node_addresses[0]} had" in done.plain()
        assert "is the master and takes writes. All 3 Sentinels name it." in done.plain()
        assert f"{redis.node_addresses[0]} does not answer" in done.plain()


async def test_a_failover_that_somebody_orders_is_not_told_as_automatic(
    slack: LocalSlack, house: House, redis: Topology
) -> None:
    house.watch_nodes_s = 1
    house.keep(targets(redis))
    async with house.bot():
        await known(redis)
        for sentinel in redis.sentinels:
            await subscribed(sentinel)
        await redis.sentinels[0].command("SENTINEL", "FAILOVER", redis.master_name)
        done = await slack.waits_for(lambda: saying(slack, "FailoverByCommand"), within=120)
        said = (
            f"the Sentinel {redis.sentinel_addresses[0]} did not hold {redis.node_addresses[0]} to be down (no +odown)."
        )
        assert said in done.plain()
        assert "AutomaticFailover" not in done.plain()


async def test_a_failover_that_finds_nobody_is_told_with_what_can_be_done(
    slack: LocalSlack, house: House, redis: Topology
) -> None:
    house.keep(targets(redis, sentinels=[redis.sentinel_addresses[0]]))
    async with house.bot():
        for sentinel in redis.sentinels:  # Only one is in the settings: it names the others.
            await subscribed(sentinel)
        for node in redis.nodes:
            await node.kill()
        prompt = await slack.waits_for(lambda: saying(slack, "no replica can be promoted"), within=120)
        assert "SentinelFailoverGivenUp" in prompt.plain()


async def test_a_cluster_that_mends_itself_tells_what_it_cost(slack: LocalSlack, house: House) -> None:
    house.watch_nodes_s = 1
    async with cluster(build(None), Shape(shards=3, replicas=1, node_timeout_ms=3_000)) as redis:
        house.keep(of_kind("cluster", [redis.node_addresses[1]]))
        async with house.bot():
            await known(redis)
            await redis.primaries[0].kill()
            prompt = await slack.waits_for(lambda: saying(slack, "no answer from the master"))
            done = await slack.waits_for(lambda: saying(slack, "AutomaticFailover"), within=120)
            assert done.ts == prompt.ts
            assert f"{redis.primaries[0].address} last answered as the master at" in done.plain()
            assert "is the master and takes writes" in done.plain()
            await redis.replicas(0)[0].kill()  # Nobody is left to take over.
            stopped = await slack.waits_for(lambda: saying(slack, "is fail. It serves no slot"), within=120)
            assert stopped.ts == prompt.ts


async def test_what_becomes_of_a_pod_is_told(slack: LocalSlack, house: House, tmp_path: Path) -> None:
    house.watch_nodes_s = 1
    async with bitnami(build(None), shape="replication", replicas=1) as release:
        (tmp_path / "password").write_text(str(release.password))
        file = str(release.cluster.kubeconfig())
        orders = {
            "kind": "replication",
            "auth": {"password_file": str(tmp_path / "password")},
            "kubernetes": {"namespace": release.namespace, "release": "redis", "kubeconfig": file},
            "channels": [INCIDENT],
        }
        house.keep({"approvers": {"usergroup": "S0REDISOPS"}, "targets": {"orders": orders}})
        async with house.bot():
            await release.cluster.until(lambda: ("watch", "pods") in release.cluster.api.requests)
            pod = max(release.pod_names())
            await faults.out_of_memory(release, pod)
            prompt = await slack.waits_for(lambda: saying(slack, "it had used more memory than its limit"))
            assert f"Container redis of pod {pod} was killed" in prompt.plain()


async def known(redis: object) -> None:
    """Wait until every node is asked again and again over a connection that stays."""
    async with asyncio.timeout(90):
        for node in redis.nodes:  # type: ignore[attr-defined]
            while not re.search(r" cmd=(info|cluster\|info) ", str(await node.command("CLIENT", "LIST"))):
                await asyncio.sleep(0.1)


async def subscribed(sentinel: object) -> None:
    """Wait until a Sentinel has a subscriber."""
    async with asyncio.timeout(90):
        while " psub=1 " not in str(await sentinel.command("CLIENT", "LIST")):  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
