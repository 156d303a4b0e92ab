"""The Bitnami chart with Sentinels on real servers: what the client sees of it, and what happens to its pods."""

import json
import re
from datetime import UTC, datetime

import pytest
import pytest_asyncio
import redis.exceptions
from kubernetes import client
from kubernetes.client import ApiException
from kubernetes.stream import stream

from sandbox.kubernetes import Rule, bitnami
from sandbox.redis import build
from tests.sandbox.kubernetes.conftest import connected, execute, in_thread

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="module")]

NAMESPACE = "orders"
PODS_OF_SENTINEL = ["redis-node-0", "redis-node-1", "redis-node-2"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def release():
    async with bitnami(build(), release="redis") as running:
        yield running


@pytest.fixture
def api(release):
    with connected(release.cluster) as made:
        yield made


def message(error):
    return json.loads(error.value.body)["message"]


async def test_the_chart_is_seen_as_it_is_installed(release, api):
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    selector = "app.kubernetes.io/instance=redis,app.kubernetes.io/name=redis"
    pods = (await in_thread(core.list_namespaced_pod, NAMESPACE, label_selector=selector)).items
    assert [pod.metadata.name for pod in pods] == PODS_OF_SENTINEL
    assert len({pod.status.pod_ip for pod in pods}) == 3
    for pod in pods:
        assert (pod.status.phase, pod.metadata.labels["app.kubernetes.io/component"]) == ("Running", "node")
        assert [(one.name, one.ready, one.restart_count) for one in pod.status.container_statuses] == [
            ("redis", True, 0),
            ("sentinel", True, 0),
        ]
        assert {one.type for one in pod.status.conditions if one.status == "True"} >= {"Ready", "PodScheduled"}
    owner = (await in_thread(apps.list_namespaced_stateful_set, NAMESPACE, label_selector=selector)).items[0]
    assert owner.metadata.name == "redis-node"
    assert (owner.status.replicas, owner.status.ready_replicas, owner.status.updated_replicas) == (3, 3, 3)
    assert owner.metadata.annotations["meta.helm.sh/release-name"] == "redis"
    assert owner.metadata.labels["app.kubernetes.io/managed-by"] == "Helm"
    claims = (await in_thread(core.list_namespaced_persistent_volume_claim, NAMESPACE)).items
    assert [(one.metadata.name, one.status.phase) for one in claims] == [
        (f"redis-data-{pod}", "Bound") for pod in PODS_OF_SENTINEL
    ]
    services = (await in_thread(core.list_namespaced_service, NAMESPACE)).items
    assert [(one.metadata.name, one.spec.cluster_ip == "None") for one in services] == [
        ("redis", False),
        ("redis-headless", True),
    ]
    slices = await in_thread(
        client.DiscoveryV1Api(api).list_namespaced_endpoint_slice,
        NAMESPACE,
        label_selector="kubernetes.io/service-name=redis",
    )
    assert [one.target_ref.name for one in slices.items[0].endpoints] == PODS_OF_SENTINEL
    assert all(one.conditions.ready for one in slices.items[0].endpoints)
    endpoints = await in_thread(core.read_namespaced_endpoints, "redis", NAMESPACE)
    assert [one.ip for one in endpoints.subsets[0].addresses] == [pod.status.pod_ip for pod in pods]
    about = "involvedObject.kind=Pod,involvedObject.name=redis-node-0"
    events = (await in_thread(core.list_namespaced_event, NAMESPACE, field_selector=about)).items
    assert {event.reason for event in events} >= {"Scheduled", "Pulled", "Created", "Started"}


async def test_the_nodes_replicate_and_the_sentinels_agree(release):
    master = release.address("redis-node-0")
    await release.command("redis-node-0", "SET", "colour", "blue")
    assert await release.command("redis-node-0", "WAIT", 2, 5000) == 2
    for pod in PODS_OF_SENTINEL:
        named = await release.command(pod, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster", sentinel=True)
        assert ":".join(named) == master
    with pytest.raises(redis.exceptions.ResponseError, match="without a config file"):
        await release.command("redis-node-0", "CONFIG", "REWRITE")


async def test_commands_run_in_a_container_as_they_are(release, api):
    refused = await in_thread(execute, api, "redis-node-0", "redis-cli", "PING")
    assert "NOAUTH" in refused.read_all()
    asked = await in_thread(execute, api, "redis-node-1", "sh", "-c", 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli ROLE')
    assert asked.returncode == 0
    assert asked.read_all().splitlines()[0] == "slave"
    exact = await in_thread(execute, api, "redis-node-0", "echo", "$HOME", "a  b", "; exit 3")
    assert exact.read_all() == "$HOME a  b ; exit 3\n"
    failed = await in_thread(execute, api, "redis-node-0", "sh", "-c", "echo oops >&2; exit 3")
    assert (failed.read_stderr(timeout=0), failed.returncode) == ("oops\n", 3)
    unknown = await in_thread(execute, api, "redis-node-0", "ping", "redis-master")
    problem = json.loads(unknown.read_channel(3))["message"]
    assert 'exec: "ping": executable file not found in $PATH' in problem


async def test_input_reaches_a_command(release, api):
    def talk():
        connect = client.CoreV1Api(client.ApiClient(api.configuration)).connect_get_namespaced_pod_exec
        wanted = {"stdin": True, "stdout": True, "stderr": True, "tty": False, "_preload_content": False}
        ran = stream(connect, "redis-node-0", NAMESPACE, container="redis", command=["redis-cli"], **wanted)
        ran.write_stdin(f"AUTH {release.password}\nROLE\n")
        ran.close_channel(0)
        ran.run_forever(timeout=30)
        ran.sock.shutdown()
        return ran.read_all()

    assert (await in_thread(talk)).splitlines()[:2] == ["OK", "master"]


async def test_logs_are_of_one_container_and_as_much_as_is_asked(release, api):
    core = client.CoreV1Api(api)

    def lines(**wanted):
        answer = core.read_namespaced_pod_log("redis-node-0", NAMESPACE, _preload_content=False, **wanted)
        return answer.data.decode().splitlines()

    everything = await in_thread(lines, container="redis")
    assert any("Ready to accept connections" in line for line in everything)
    assert (await in_thread(lines, container="redis", tail_lines=2)) == everything[-2:]
    stamped = await in_thread(lines, container="redis", tail_lines=1, timestamps=True)
    assert re.match(rf"{datetime.now(UTC):%Y-}\S+Z ", stamped[0])
    assert any("+monitor master mymaster" in line for line in await in_thread(lines, container="sentinel"))
    with pytest.raises(ApiException) as which:
        await in_thread(lines)
    assert "a container name must be specified for pod redis-node-0, choose one of: [redis sentinel]" in str(
        which.value
    )
    with pytest.raises(ApiException) as unknown:
        await in_thread(lines, container="nginx")
    assert "container nginx is not valid for pod redis-node-0" in message(unknown)
    with pytest.raises(ApiException) as never:
        await in_thread(lines, container="redis", previous=True)
    assert 'previous terminated container "redis" in pod "redis-node-0" not found' in message(never)


async def test_exec_needs_both_verbs(release):
    rules = [Rule(("get",), ("pods", "pods/exec"))]
    reader = release.cluster.add_user("system:serviceaccount:chatops:tandem", rules, [NAMESPACE])
    # The client fails at its own exception, which has no body: what it wanted to say is that one's context.
    with connected(release.cluster, reader) as api, pytest.raises(AttributeError) as refused:
        await in_thread(execute, api, "redis-node-0", "redis-cli", "PING")
    told = refused.value.__context__
    assert isinstance(told, ApiException)
    assert told.status == 0
    assert told.reason.startswith("Handshake status 403 Forbidden")
    assert 'cannot create resource \\"pods/exec\\"' in told.reason
