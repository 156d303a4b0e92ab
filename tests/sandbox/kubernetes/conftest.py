"""The official client for a local Kubernetes, as the administrator or as somebody who may do less."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes import client, config

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
