"""What goes wrong on Kubernetes can be made to go wrong here, shows as it does there, and is mended."""

import asyncio

import pytest
from kubernetes import client

from sandbox.kubernetes import bitnami, faults, install
from sandbox.kubernetes import kubernetes as local_kubernetes
from sandbox.kubernetes.api.resources import CLAIMS, EVENTS, PODS
from sandbox.redis import build
from tests.sandbox.kubernetes.conftest import connected, in_thread

pytestmark = pytest.mark.servers

NAMESPACE = "orders"
POD = "redis-node-0"


@pytest.fixture
async def release():
    async with bitnami(build(), replicas=1, quorum=1) as running:
        yield running


def pod(release):
    return release.cluster.get(PODS, NAMESPACE, POD)


def status(release, container="redis"):
    return next(one for one in pod(release)["status"]["containerStatuses"] if one["name"] == container)


def events(release, reason):
    return [one["message"] for one in release.cluster.store.select(EVENTS) if one["reason"] == reason]


def served(release):
    """The pods behind the Service: those that are ready, and those that are not."""
    with connected(release.cluster) as api:
        subset = client.CoreV1Api(api).read_namespaced_endpoints("redis", NAMESPACE).subsets[0]
    return [[one.target_ref.name for one in found or ()] for found in (subset.addresses, subset.not_ready_addresses)]


async def test_a_container_that_crashes_again_and_again_waits_longer_each_time(release):
    assert "ends whenever it is started" in await faults.crash_loop(release, POD)

    def loops():
        one = status(release)
        return one["restartCount"] >= 2 and one["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"

    await release.cluster.until(loops)
    assert status(release)["lastState"]["terminated"]["exitCode"] == 137
    assert status(release)["ready"] is False
    assert status(release, "sentinel")["ready"] is True
    assert pod(release)["status"]["phase"] == "Running"
    assert any(
        "Back-off restarting failed container redis in pod redis-node-0" in one for one in events(release, "BackOff")
    )
    assert await in_thread(served, release) == [[], [POD]]
    await faults.mend(release)
    await release.ready()


async def test_a_pod_that_is_not_ready_is_behind_no_service_unless_that_is_stale(release):
    assert await in_thread(served, release) == [[POD], []]
    await faults.stale_endpoints(release)
    await faults.unready(release, POD)
    await release.cluster.until(lambda: not status(release)["ready"])
    assert "Readiness probe failed: made to fail" in events(release, "Unhealthy")
    assert await in_thread(served, release) == [[POD], []]
    release.cluster.endpoints.stale = False
    async with asyncio.timeout(90):
        while await in_thread(served, release) != [[], [POD]]:
            await asyncio.sleep(0.05)
    assert await release.command(POD, "PING") is True
    await faults.mend(release)
    await release.ready()
    assert await in_thread(served, release) == [[POD], []]


async def test_a_node_that_is_short_of_memory_evicts_a_pod_which_is_made_anew(release):
    old = pod(release)["metadata"]["uid"]
    await faults.evict(release, POD)
    await release.cluster.until(lambda: any(one["metadata"]["uid"] != old for one in release.pods()))
    was = [change.after["status"] for change in release.cluster.store.since(0, PODS) if change.after]
    evicted = [one for one in was if one.get("reason") == "Evicted"]
    assert evicted[0]["phase"] == "Failed"
    assert evicted[0]["message"] == "The node was low on resource: memory."
    assert events(release, "EvictionThresholdMet") == ["Attempting to reclaim memory"]
    with connected(release.cluster) as api:
        (node,) = (await in_thread(client.CoreV1Api(api).list_node)).items
    assert {one.type: one.status for one in node.status.conditions}["MemoryPressure"] == "True"
    await release.ready()


async def test_a_pod_whose_claim_stays_pending_is_not_scheduled():
    async with local_kubernetes() as cluster:
        release = install(cluster, build(), replicas=1, quorum=1, storage_class="fast")
        await cluster.until(lambda: events(release, "FailedScheduling") and events(release, "ProvisioningFailed"))
        with connected(cluster) as api:
            found = await in_thread(client.CoreV1Api(api).read_namespaced_pod, POD, NAMESPACE)
        assert (found.status.phase, found.status.pod_ip) == ("Pending", None)
        (condition,) = found.status.conditions
        assert (condition.type, condition.status, condition.reason) == ("PodScheduled", "False", "Unschedulable")
        assert "unbound immediate PersistentVolumeClaims" in condition.message
        (claim,) = cluster.store.select(CLAIMS)
        assert claim["status"]["phase"] == "Pending"
        assert events(release, "ProvisioningFailed") == ['storageclass.storage.k8s.io "fast" not found']
        cluster.storage_classes.add("fast")
        await release.ready()


async def test_a_forced_deletion_and_a_kill_are_survived(release):
    await release.command(POD, "SET", "colour", "blue")
    old = pod(release)["metadata"]["uid"]
    await faults.delete_pod(release, POD)
    await release.cluster.until(lambda: any(one["metadata"]["uid"] != old for one in release.pods()))
    await release.ready()
    assert await release.command(POD, "GET", "colour") == "blue"
    await faults.kill(release, POD, "sentinel")
    await faults.out_of_memory(release, POD)
    await release.cluster.until(
        lambda: status(release, "sentinel")["restartCount"] == status(release)["restartCount"] == 1
    )
    ended = [status(release, name)["lastState"]["terminated"]["reason"] for name in ("redis", "sentinel")]
    assert ended == ["OOMKilled", "Error"]
    await faults.hang(release, POD, "redis")
    await faults.mend(release)
    await release.ready()
