"""Pods come and go as on a real cluster, with real servers in them."""

import asyncio
import contextlib
import json
import signal

import psutil
import pytest
from kubernetes import client
from kubernetes.stream import stream
from redis.exceptions import RedisError

from sandbox.kubernetes import Image, bitnami
from sandbox.kubernetes import kubernetes as local_kubernetes
from sandbox.kubernetes.api.resources import PODS
from sandbox.redis import build
from tests.sandbox.kubernetes.conftest import connected, execute, in_thread

pytestmark = pytest.mark.servers

NAMESPACE = "orders"


@pytest.fixture
async def release():
    async with bitnami(build(), replicas=2, down_after_ms=1000) as running:
        yield running


@pytest.fixture
def api(release):
    with connected(release.cluster) as made:
        yield made


async def test_a_killed_container_starts_again_and_a_deleted_pod_is_made_anew(release, api):
    core = client.CoreV1Api(api)
    running = release.cluster.kubelet.pod(NAMESPACE, "redis-node-1")
    before = running.containers["redis"].process.pid
    running.containers["redis"].process.kill()
    await release.cluster.until(lambda: running.containers["redis"].restarts == 1 and running.containers["redis"].ready)
    status = (await in_thread(core.read_namespaced_pod, "redis-node-1", NAMESPACE)).status.container_statuses[0]
    assert (status.restart_count, status.last_state.terminated.exit_code) == (1, 137)
    assert running.containers["redis"].process.pid != before
    previous = await in_thread(
        core.read_namespaced_pod_log, "redis-node-1", NAMESPACE, container="redis", previous=True
    )
    assert "Ready to accept connections" in previous
    old = release.cluster.get(PODS, NAMESPACE, "redis-node-1")
    await in_thread(core.delete_namespaced_pod, "redis-node-1", NAMESPACE)
    await release.cluster.until(
        lambda: any(
            pod["metadata"]["uid"] != old["metadata"]["uid"] and pod["metadata"]["name"] == "redis-node-1"
            for pod in release.pods()
        )
    )
    await release.ready()
    assert await release.masters() == ["redis-node-0"]


async def test_the_sentinels_fail_over_when_the_master_hangs(release):
    await release.command("redis-node-0", "SET", "colour", "blue")
    release.cluster.kubelet.pod(NAMESPACE, "redis-node-0").signal(signal.SIGSTOP, "redis")

    role = ""
    async with asyncio.timeout(60):
        while role != "master":
            await asyncio.sleep(0.05)
            with contextlib.suppress(RedisError):  # The Sentinels break its connections when they promote it.
                role = (await release.command("redis-node-1", "ROLE"))[0]
    assert await release.command("redis-node-1", "GET", "colour") == "blue"


async def test_an_image_without_redis_cli_runs_redis_and_no_redis_cli():
    async with bitnami(build(), replicas=1, quorum=1, with_cli=False) as release:
        assert await release.masters() == ["redis-node-0"]
        with connected(release.cluster) as api:
            missing = await in_thread(execute, api, "redis-node-0", "redis-cli", "PING")
            by_shell = await in_thread(execute, api, "redis-node-0", "sh", "-c", "redis-cli PING")
        problem = json.loads(missing.read_channel(3))
        assert (problem["reason"], problem["code"]) == ("InternalError", 500)
        assert 'exec: "redis-cli": executable file not found in $PATH' in problem["message"]
        assert by_shell.returncode == 127


async def test_a_log_is_followed_to_its_end():
    async with local_kubernetes() as cluster:
        cluster.images["talker:1"] = Image(
            ("talker",), {"talker": "#!/bin/sh\nfor n in 1 2 3; do echo $n; sleep 0.2; done\n"}
        )
        container = {"name": "talker", "image": "talker:1"}
        spec = {"restartPolicy": "Never", "containers": [container]}
        cluster.apply([{"kind": "Pod", "metadata": {"name": "talker", "namespace": NAMESPACE}, "spec": spec}])
        await cluster.until(lambda: cluster.get(PODS, NAMESPACE, "talker")["status"]["phase"] == "Running")
        with connected(cluster) as api:
            core = client.CoreV1Api(api)
            read = await in_thread(
                core.read_namespaced_pod_log, "talker", NAMESPACE, follow=True, _preload_content=False
            )
            assert await in_thread(read.read) == b"1\n2\n3\n"
            await cluster.until(lambda: cluster.get(PODS, NAMESPACE, "talker")["status"]["phase"] == "Succeeded")
            await in_thread(core.delete_namespaced_pod, "talker", NAMESPACE, dry_run="All")
            assert cluster.get(PODS, NAMESPACE, "talker")
            await in_thread(core.delete_namespaced_pod, "talker", NAMESPACE)
            assert cluster.store.select(PODS) == []


async def test_a_changed_template_renews_the_pods_from_the_last_to_the_first(release, api):
    apps = client.AppsV1Api(api)
    before = {pod["metadata"]["uid"] for pod in release.pods()}
    change = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}}
    await in_thread(apps.patch_namespaced_stateful_set, "redis-node", NAMESPACE, change)
    await release.cluster.until(
        lambda: len(release.pods()) == 2 and before.isdisjoint(pod["metadata"]["uid"] for pod in release.pods())
    )
    await release.ready()
    owner = await in_thread(apps.read_namespaced_stateful_set, "redis-node", NAMESPACE)
    assert owner.status.current_revision == owner.status.update_revision
    changes = release.cluster.store.since(0, PODS)
    gone = [one.before["metadata"]["name"] for one in changes if one.after is None]
    assert gone == ["redis-node-1", "redis-node-0"]


async def test_scaling_down_takes_the_last_pod_and_keeps_its_claim(release, api):
    apps = client.AppsV1Api(api)
    await in_thread(apps.patch_namespaced_stateful_set_scale, "redis-node", NAMESPACE, {"spec": {"replicas": 1}})
    await release.cluster.until(
        lambda: [pod["metadata"]["name"] for pod in release.cluster.store.select(PODS)] == ["redis-node-0"]
    )
    claims = await in_thread(client.CoreV1Api(api).list_namespaced_persistent_volume_claim, NAMESPACE)
    assert len(claims.items) == 2
    scale = await in_thread(apps.read_namespaced_stateful_set_scale, "redis-node", NAMESPACE)
    assert scale.spec.replicas == 1


async def test_nothing_is_left_behind():
    async with contextlib.AsyncExitStack() as stack, bitnami(build(), replicas=1, quorum=1) as release:
        with connected(release.cluster) as api:
            connect = client.CoreV1Api(client.ApiClient(api.configuration)).connect_get_namespaced_pod_exec
            wanted = {"container": "redis", "command": ["sleep", "600"], "stdout": True, "_preload_content": False}
            left = await in_thread(stream, connect, "redis-node-0", NAMESPACE, **wanted)
            stack.callback(left.sock.shutdown)
        async with asyncio.timeout(30):
            while not (sleeping := asleep()):
                await asyncio.sleep(0.05)
        folder = release.cluster.folder
    containers = release.cluster.kubelet.pod(NAMESPACE, "redis-node-0").containers.values()
    assert all(one.process.returncode is not None for one in containers)
    assert not folder.exists()
    async with asyncio.timeout(30):
        while any(child.is_running() for child in sleeping):
            await asyncio.sleep(0.05)


def asleep() -> list[psutil.Process]:
    """Those of our processes that sleep(1); others come and go while they are looked at."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [child] if child.name() == "sleep" else []
    return found
