"""Deployments roll out, get stuck and are rolled back as on a real cluster, with an application that uses Redis."""

import asyncio
import json
import urllib.request
from datetime import UTC, datetime

import pytest
from kubernetes import client

from sandbox.kubernetes import Application, bitnami, deploy
from sandbox.kubernetes.api.resources import PODS, REPLICA_SETS
from sandbox.redis import build
from tests.sandbox.kubernetes.conftest import connected, in_thread

pytestmark = pytest.mark.servers

NAMESPACE = "orders"
NAME = "orders-api"
RESTARTED = "kubectl.kubernetes.io/restartedAt"


@pytest.fixture
async def release():
    async with bitnami(build(), replicas=1, quorum=1) as running:
        yield running


@pytest.fixture
def apps(release):
    with connected(release.cluster) as api:
        yield client.AppsV1Api(api)


def environment(host):
    container = {"name": NAME, "env": [{"name": "REDIS_HOST", "value": host}]}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


async def test_a_changed_variable_is_rolled_out_and_nothing_else_of_the_container_changes(release, apps):
    application = deploy(release, Application(redis_host="redis", replicas=2))
    await application.rolled_out()
    before = await in_thread(apps.read_namespaced_deployment, NAME, NAMESPACE)
    old = {pod["metadata"]["name"] for pod in application.pods()}
    host = f"redis-node-0.{release.chart.headless}"
    fewest = []

    async def count():
        while True:
            fewest.append(application.deployment()["status"].get("readyReplicas", 0))
            await asyncio.sleep(0.01)

    counting = asyncio.create_task(count())
    await in_thread(apps.patch_namespaced_deployment, NAME, NAMESPACE, environment(host))
    await application.rolled_out()
    counting.cancel()
    after = await in_thread(apps.read_namespaced_deployment, NAME, NAMESPACE)
    was, now = before.spec.template.spec.containers[0], after.spec.template.spec.containers[0]
    assert {one.name: one.value for one in now.env} == {**{one.name: one.value for one in was.env}, "REDIS_HOST": host}
    assert (now.image, now.ports, now.readiness_probe) == (was.image, was.ports, was.readiness_probe)
    assert after.metadata.generation == before.metadata.generation + 1 == after.status.observed_generation
    assert min(fewest) == 2, "25% of two pods is less than one: none may be missing while it rolls out"
    await release.cluster.until(lambda: old.isdisjoint(pod["metadata"]["name"] for pod in application.pods()))
    assert {one.type: one.reason for one in after.status.conditions} == {
        "Available": "MinimumReplicasAvailable",
        "Progressing": "NewReplicaSetAvailable",
    }
    assert after.metadata.annotations["deployment.kubernetes.io/revision"] == "2"


async def test_a_rollout_that_gets_stuck_says_so_and_can_be_undone(release, apps):
    application = deploy(release, Application(redis_host="redis", progress_deadline_s=20))
    await application.rolled_out()
    await in_thread(apps.patch_namespaced_deployment, NAME, NAMESPACE, environment("127.0.0.1:1"))

    def stuck():
        conditions = application.deployment()["status"]["conditions"]
        return any(one["reason"] == "ProgressDeadlineExceeded" for one in conditions)

    await release.cluster.until(stuck)
    deployment = await in_thread(apps.read_namespaced_deployment, NAME, NAMESPACE)
    assert (deployment.status.ready_replicas, deployment.status.updated_replicas) == (2, 1)
    assert deployment.status.unavailable_replicas == 1
    sets = await in_thread(apps.list_namespaced_replica_set, NAMESPACE)
    revisions = {one.metadata.annotations["deployment.kubernetes.io/revision"]: one for one in sets.items}
    # As kubectl rollout undo does: the template of the revision before, without the mark of its pods.
    template = client.ApiClient().sanitize_for_serialization(revisions["1"].spec.template)
    del template["metadata"]["labels"]["pod-template-hash"]
    undo = [{"op": "replace", "path": "/spec/template", "value": template}]
    await in_thread(apps.patch_namespaced_deployment, NAME, NAMESPACE, undo)
    await application.rolled_out()
    deployment = await in_thread(apps.read_namespaced_deployment, NAME, NAMESPACE)
    assert deployment.metadata.annotations["deployment.kubernetes.io/revision"] == "3"
    assert len(release.cluster.store.select(REPLICA_SETS)) == 2


async def test_an_image_that_is_not_there_is_not_pulled(release, apps):
    application = deploy(release, Application(redis_host="redis", replicas=1))
    await application.rolled_out()
    container = {"name": NAME, "image": "ghcr.io/example/orders-api:typo"}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    await in_thread(apps.patch_namespaced_deployment, NAME, NAMESPACE, change)

    def waiting():
        for pod in application.pods():
            for status in pod["status"].get("containerStatuses", ()):
                if status["state"].get("waiting", {}).get("reason") == "ImagePullBackOff":
                    return pod
        return None

    pod = await release.cluster.until(waiting)
    assert pod["status"]["phase"] == "Pending"
    assert application.deployment()["status"]["readyReplicas"] == 1


async def test_the_application_writes_logs_and_is_asked_for_its_health(release, apps):
    application = deploy(release, Application(redis_host="redis", replicas=1, owner="argocd"))
    await application.rolled_out()
    annotations = application.deployment()["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/tracking-id"] == "orders-api:apps/Deployment:orders/orders-api"
    (pod,) = application.pods()

    def healthy():
        with urllib.request.urlopen(application.health_url, timeout=60) as answer:
            return json.load(answer)["redis"]

    assert await in_thread(healthy) == "ok"
    await release.command("redis-node-0", "CONFIG", "SET", "min-replicas-to-write", 1)
    core = client.CoreV1Api(apps.api_client)

    def log():
        return core.read_namespaced_pod_log(pod["metadata"]["name"], NAMESPACE, _preload_content=False).data.decode()

    async with asyncio.timeout(60):
        while "Not enough good replicas to write" not in await in_thread(log):
            await asyncio.sleep(0.1)
    change = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: datetime.now(UTC).isoformat()}}}}}
    await in_thread(apps.patch_namespaced_deployment, NAME, NAMESPACE, change)
    await release.cluster.until(lambda: len(application.pods()) == 2)


async def test_a_deployment_is_scaled_and_deleted_with_all_its_pods(release, apps):
    application = deploy(release, Application(redis_host="redis", replicas=1))
    await application.rolled_out()
    await in_thread(apps.patch_namespaced_deployment_scale, NAME, NAMESPACE, {"spec": {"replicas": 0}})
    await release.cluster.until(lambda: not application.pods())
    scale = await in_thread(apps.read_namespaced_deployment_scale, NAME, NAMESPACE)
    assert (scale.spec.replicas, scale.status.replicas) == (None, 0)
    await in_thread(apps.patch_namespaced_deployment_scale, NAME, NAMESPACE, {"spec": {"replicas": 1}})
    await application.rolled_out()
    await in_thread(apps.delete_namespaced_deployment, NAME, NAMESPACE)
    await release.cluster.until(lambda: not application.pods())
    assert [pod["metadata"]["name"] for pod in release.cluster.store.select(PODS)] == ["redis-node-0"]
