"""The official client for a local Kubernetes, as the administrator or as somebody who may do less."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.stream import stream

from sandbox.kubernetes import Kubernetes, User
from sandbox.kubernetes import kubernetes as local_kubernetes


@contextmanager
def connected(cluster: Kubernetes, user: User | None = None) -> Iterator[client.ApiClient]:
    """The official client, by a kubeconfig as people have it."""
    made = config.new_client_from_config(str(cluster.kubeconfig(user)))
    try:
        yield made
    finally:
        made.rest_client.pool_manager.clear()


async def in_thread(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The client blocks, and the cluster runs in this event loop."""
    return await asyncio.to_thread(functools.partial(function, *arguments, **named))


@pytest.fixture
async def cluster() -> AsyncIterator[Kubernetes]:
    async with local_kubernetes() as running:
        yield running


@pytest.fixture
def api(cluster: Kubernetes) -> Iterator[client.ApiClient]:
    with connected(cluster) as made:
        yield made


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


@pytest.fixture
def apps(api: client.ApiClient) -> client.AppsV1Api:
    return client.AppsV1Api(api)


def execute(api: client.ApiClient, pod: str, *command: str, container: str = "redis") -> Any:
    """As kubectl exec in the namespace orders: a client of its own for each, which is how the SDK wants it."""
    connect = client.CoreV1Api(client.ApiClient(api.configuration)).connect_get_namespaced_pod_exec
    wanted = {"stdin": False, "stdout": True, "stderr": True, "tty": False, "_preload_content": False}
    ran = stream(connect, pod, "orders", container=container, command=list(command), **wanted)
    ran.run_forever(timeout=30)
    ran.sock.shutdown()  # Its own `close` leaves the socket open where the server has closed first.
    return ran
