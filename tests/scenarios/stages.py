"""Builds what a scenario happens on: each kind of target, on real servers, and our way to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actions.kit.kubernetes.place import KubernetesPlace
from actions.kit.topology import Address, Credentials, Kind, Target
from sandbox import redis
from sandbox.kubernetes import Release, bitnami
from sandbox.redis import Build, Shape
from tests.elasticache import search
from tests.failover import target_of
from tests.scenarios.scenario import Stage


@asynccontextmanager
async def sentinel(build: Build, settings: Mapping[str, Any]) -> AsyncIterator[Stage]:
    """A master, two replicas and three Sentinels by default."""
    async with redis.sentinel(build, **settings) as topology:
        yield Stage(topology, target_of(topology, timeout_ms=1_000), topology.node_addresses)


@asynccontextmanager
async def replication(build: Build, settings: Mapping[str, Any]) -> AsyncIterator[Stage]:
    """A master and two replicas by default, with nobody in charge."""
    async with redis.replication(build, **settings) as topology:
        yield Stage(topology, target_of(topology, timeout_ms=1_000), topology.node_addresses)


@asynccontextmanager
async def beside_another(build: Build, settings: Mapping[str, Any]) -> AsyncIterator[Stage]:
    """The same as ``replication``, and another deployment of a master and a replica. The faults get both."""
    async with redis.replication(build, **settings) as topology, redis.replication(build, replicas=1) as another:
        yield Stage((topology, another), target_of(topology, timeout_ms=1_000), topology.node_addresses)


@asynccontextmanager
async def cluster(build: Build, settings: Mapping[str, Any]) -> AsyncIterator[Stage]:
    """Three masters, each with a replica: the replicas have the numbers from 3. ``shape`` is one of the settings."""
    shape = settings.get("shape", Shape(node_timeout_ms=2_000))
    others = {name: value for name, value in settings.items() if name != "shape"}
    async with redis.cluster(build, shape, **others) as made:
        target = Target(
            "carts",
            Kind.CLUSTER,
            nodes=tuple(map(Address.parse, made.node_addresses)),
            auth=Credentials(made.username, made.password),
        )
        yield Stage(made, target, made.node_addresses)


@asynccontextmanager
async def elasticache(build: Build, settings: Mapping[str, Any]) -> AsyncIterator[Stage]:
    """A group of a primary and two replicas in a local AWS. The faults get it as tests.elasticache has it."""
    with pytest.MonkeyPatch.context() as patch:
        async with search(patch, build, **settings) as scene:
            members = scene.group.node_groups[0].members
            yield Stage(scene, scene.target, tuple(str(scene.address(one.index + 1)) for one in members))


@asynccontextmanager
async def kubernetes(build: Build, settings: Mapping[str, Any]) -> AsyncIterator[Stage]:
    """A release of the Bitnami chart, of three pods with Sentinels by default."""
    async with bitnami(build, **settings) as release:
        yield Stage(release, _on_kubernetes(release), tuple(map(release.address, release.pod_names())))


def _on_kubernetes(release: Release) -> Target:
    kind = Kind.SENTINEL if release.chart.values.shape == "sentinel" else Kind.REPLICATION
    secret = Credentials(None, release.password)
    place = KubernetesPlace(namespace=release.namespace, release="redis", kubeconfig=str(release.cluster.kubeconfig()))
    name = release.chart.values.master_set if kind is Kind.SENTINEL else ""
    return Target("orders", kind, auth=secret, sentinel_auth=secret, master_name=name, kubernetes=place)
