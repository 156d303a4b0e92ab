"""Installs a Bitnami chart in a cluster, waits until all of it replicates, and knows its nodes by their pods."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sandbox.kubernetes.api.resources import STATEFUL_SETS, Json, key_of
from sandbox.kubernetes.charts import readiness, shapes
from sandbox.kubernetes.charts.bitnami import Chart, Values
from sandbox.kubernetes.charts.load import ReleaseLoad
from sandbox.kubernetes.charts.redis_images import image_name, redis_cli, redis_image
from sandbox.kubernetes.cluster import Kubernetes, kubernetes
from sandbox.kubernetes.kubelet.status import is_ready
from sandbox.redis.builds import Build

_POLL_S = 0.1
_ANSWER_S, _ROLE_S = 30.0, 5.0
"""A busy machine is slow to answer; who is master is asked of those as well that hang."""
_IMAGES = {"redis": "redis", "sentinel": "redis-sentinel"}


@contextlib.asynccontextmanager
async def bitnami(
    build: Build, *, pace: float = 0.1, moving_addresses: bool = False, **values: Any
) -> AsyncIterator["Release"]:
    """A cluster with one release of the chart, ready; the further keywords are the fields of Values."""
    own_names = bool(values.get("hostnames"))
    async with kubernetes(pace=pace, moving_addresses=moving_addresses, own_names=own_names) as cluster:
        release = install(cluster, build, **values)
        await release.ready()
        yield release


def install(cluster: Kubernetes, build: Build, **values: Any) -> "Release":
    """Install one more release, and do not wait; the keywords are the fields of Values."""
    (_, port), (_, sentinel_port) = cluster.block.node(1), cluster.block.sentinel(1)
    chart = Chart(Values(**values), build, port, sentinel_port)
    suffix = "" if chart.values.with_cli else "-minimal"
    images = {what: image_name(build, name) + suffix for what, name in _IMAGES.items()}
    for name in images.values():
        cluster.images[name] = redis_image(build, with_cli=chart.values.with_cli)
    probes = chart.values.with_cli and redis_cli() is not None
    cluster.apply(shapes.objects(chart, images, probes=probes))
    return Release(cluster, chart)


class Release:
    """One release of the chart in a cluster."""

    def __init__(self, cluster: Kubernetes, chart: Chart) -> None:
        self.cluster = cluster
        self.chart = chart
        self._formed = False

    @property
    def password(self) -> str | None:
        """Of the default user, on nodes and Sentinels."""
        return self.chart.values.password

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self.chart.values.namespace

    def pods(self) -> list[Json]:
        """Its pods by name, without those that are being deleted."""
        return self.cluster.pods(self.namespace, **self.chart.selector())

    def pod_names(self) -> list[str]:
        """Their names."""
        return [key_of(pod)[1] for pod in self.pods()]

    def address(self, pod: str, *, sentinel: bool = False) -> str:
        """Where the data node, or the Sentinel, of this pod listens: "host:port"; LookupError where it has none."""
        port = self.chart.sentinel_port if sentinel else self.chart.port
        for one in self.pods():
            if key_of(one)[1] == pod and "podIP" in one["status"]:
                return f"{one['status']['podIP']}:{port}"
        raise LookupError(f"There is no pod {pod} that has an address.")

    async def command(
        self, pod: str, *words: str | float | bytes, sentinel: bool = False, timeout_s: float = _ANSWER_S
    ) -> Any:
        """Send one command to the data node, or the Sentinel, of this pod; redis-py's errors pass through."""
        host, _, port = self.address(pod, sentinel=sentinel).rpartition(":")
        client = redis.asyncio.Redis(
            host=host,
            port=int(port),
            password=self.password,
            protocol=2,
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
        )
        async with client:
            execute: Callable[..., Awaitable[Any]] = client.execute_command
            return await execute(*words)

    async def masters(self) -> list[str]:
        """The pods whose nodes call themselves master."""
        names = self.pod_names()
        roles = await asyncio.gather(*(self._role(name) for name in names))
        return [name for name, role in zip(names, roles, strict=True) if role == "master"]

    def load(self, **settings: Any) -> ReleaseLoad:
        """Writers to its masters, not started yet; the keywords are those of ReleaseLoad."""
        return ReleaseLoad(self, **settings)

    async def _role(self, pod: str) -> str:
        try:
            return str((await self.command(pod, "ROLE", timeout_s=_ROLE_S))[0])
        except (RedisError, OSError, LookupError):
            return ""

    async def ready(self, within: float = 60.0) -> None:
        """Wait until all pods are ready, and each node and Sentinel knows all others.

        Raises:
            TimeoutError: with what is missing.
        """
        await self.cluster.until(self._all_ready, within)
        if self.chart.values.shape == "cluster" and not self._formed:
            await readiness.form_cluster(self)
            self._formed = True
        deadline = time.monotonic() + within
        while missing := await readiness.missing(self):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not ready after {within:g} s: {missing}")
            await asyncio.sleep(_POLL_S)

    def _all_ready(self) -> bool:
        sets = self.cluster.store.select(STATEFUL_SETS, self.namespace)
        own = [one for one in sets if self.chart.selector().items() <= one["metadata"]["labels"].items()]
        ready = [pod for pod in self.pods() if is_ready(pod)]
        return len(ready) == sum(int(one["spec"]["replicas"]) for one in own)
