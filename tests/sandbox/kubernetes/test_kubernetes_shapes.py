"""The other two shapes of the Bitnami charts, and ways to their nodes from outside of the cluster."""

import asyncio
import socket
from pathlib import Path

import pytest
from kubernetes import client
from kubernetes.stream import portforward

from sandbox.kubernetes import bitnami, faults
from sandbox.kubernetes.api.resources import CLAIMS, PODS, SERVICES, STATEFUL_SETS
from sandbox.kubernetes.kubelet.names import with_names
from sandbox.redis import build
from tests.sandbox.kubernetes.conftest import connected, in_thread

pytestmark = pytest.mark.servers

NAMESPACE = "orders"


def names(release, resource):
    return [thing["metadata"]["name"] for thing in release.cluster.store.select(resource, NAMESPACE)]


async def test_replication_has_a_master_service_that_never_changes_its_mind():
    async with bitnami(build(), shape="replication", release="shop", replicas=2, password=None) as release:
        assert names(release, STATEFUL_SETS) == ["shop-redis-master", "shop-redis-replicas"]
        assert names(release, SERVICES) == ["shop-redis-headless", "shop-redis-master", "shop-redis-replicas"]
        assert names(release, CLAIMS) == [
            "redis-data-shop-redis-master-0",
            "redis-data-shop-redis-replicas-0",
            "redis-data-shop-redis-replicas-1",
        ]
        assert await release.masters() == ["shop-redis-master-0"]
        components = [pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in release.pods()]
        assert components == ["master", "replica", "replica"]
        await release.command("shop-redis-replicas-0", "REPLICAOF", "NO", "ONE")
        with connected(release.cluster) as api:
            endpoints = await in_thread(client.CoreV1Api(api).read_namespaced_endpoints, "shop-redis-master", NAMESPACE)
        assert [one.target_ref.name for one in endpoints.subsets[0].addresses] == ["shop-redis-master-0"]
        service = release.cluster.get(SERVICES, NAMESPACE, "shop-redis-master")["spec"]["clusterIP"]
        assert await through(service, release, "SET colour blue") == b"+OK\r\n"
        assert await release.command("shop-redis-master-0", "GET", "colour") == "blue"
        await faults.unready(release, "shop-redis-master-0")
        async with asyncio.timeout(60):
            while await through(service, release, "PING"):
                await asyncio.sleep(0.05)
        old = release.cluster.get(PODS, NAMESPACE, "shop-redis-master-0")["metadata"]["uid"]
        await faults.delete_pod(release, "shop-redis-master-0")
        await release.cluster.until(lambda: all(pod["metadata"]["uid"] != old for pod in release.pods()))
        await release.cluster.until(lambda: "shop-redis-master-0" in release.pod_names())
        async with asyncio.timeout(60):
            while await through(service, release, "GET colour") != b"$4\r\n":
                await asyncio.sleep(0.05)
        assert await release.masters() == ["shop-redis-master-0", "shop-redis-replicas-0"], (
            "two masters, and nobody minds"
        )


async def through(service, release, command):
    """What the Service answers; nothing where no pod is ready behind it."""
    reader, writer = await asyncio.open_connection(service, release.chart.port)
    try:
        writer.write(f"{command}\r\n".encode())
        return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_cluster_serves_all_slots_from_pods_without_a_component():
    async with bitnami(build(), shape="cluster", replicas=6, release="carts") as release:
        assert names(release, STATEFUL_SETS) == ["carts-redis-cluster"]
        assert names(release, SERVICES) == ["carts-redis-cluster", "carts-redis-cluster-headless"]
        pods = release.pods()
        assert [pod["metadata"]["name"] for pod in pods] == [f"carts-redis-cluster-{number}" for number in range(6)]
        labels = pods[0]["metadata"]["labels"]
        assert (labels["app.kubernetes.io/name"], labels.get("app.kubernetes.io/component")) == ("redis-cluster", None)
        assert [one["name"] for one in pods[0]["spec"]["containers"]] == ["carts-redis-cluster"]
        assert len(await release.masters()) == 3
        async with release.load(rate=200) as load:
            await asyncio.sleep(0.2)
        assert load.acked > 0


async def test_nodes_and_sentinels_announce_the_names_of_their_pods():
    try:
        with_names(Path())
    except LookupError as error:
        pytest.skip(str(error))
    async with bitnami(build(), hostnames=True, moving_addresses=True) as release:
        first = "redis-node-0.redis-headless.orders.svc.cluster.local"
        named = await release.command("redis-node-1", "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster", sentinel=True)
        assert named == [first, str(release.chart.port)]
        assert (await release.command("redis-node-2", "INFO", "replication"))["master_host"] == first
        old = release.address("redis-node-2")
        release.cluster.store.delete(PODS, release.cluster.get(PODS, NAMESPACE, "redis-node-2"))
        await release.cluster.until(lambda: "redis-node-2" not in release.pod_names())
        async with release.load(rate=200) as load:
            await release.ready()
        assert release.address("redis-node-2") != old
        await release.command("redis-node-0", "WAIT", 2, 5000)
        assert await load.lost("redis-node-2") == 0


async def test_a_port_of_a_pod_is_reached_through_the_api_server():
    async with bitnami(build(), replicas=1, quorum=1) as release:
        ports = [release.chart.port, release.chart.sentinel_port, 1]
        with connected(release.cluster) as api:

            def talk():
                connect = client.CoreV1Api(api).connect_get_namespaced_pod_portforward
                forwarded = portforward(connect, "redis-node-0", NAMESPACE, ports=",".join(map(str, ports)))
                answers = []
                for port in ports[:2]:
                    one = forwarded.socket(port)
                    one.settimeout(20)
                    one.sendall(f"AUTH {release.password}\r\nPING\r\n".encode())
                    answers.append(read(one, b"PONG\r\n"))
                nobody = forwarded.socket(1)
                nobody.settimeout(20)
                assert nobody.recv(1) == b""
                problem = forwarded.error(1)
                forwarded.close()
                return answers, problem

            answers, problem = await in_thread(talk)
        assert answers == [b"+OK\r\n+PONG\r\n"] * 2
        assert "connection refused" in problem


def read(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        received += connection.recv(4096)
    return received
