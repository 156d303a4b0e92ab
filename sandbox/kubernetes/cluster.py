"""A whole Kubernetes on this machine: API server, controllers and one node, started and stopped together."""

import asyncio
import contextlib
import itertools
import platform
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from sandbox.kubernetes import kubeconfig
from sandbox.kubernetes.api.access import Access, Rule, User
from sandbox.kubernetes.api.resources import (
    NAMESPACES,
    NODES,
    PODS,
    RESOURCES,
    Json,
    Resource,
    timestamp,
)
from sandbox.kubernetes.api.server import ApiServer
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.controllers import loop
from sandbox.kubernetes.controllers.deployments import Deployments
from sandbox.kubernetes.controllers.endpoints import EndpointsOfServices
from sandbox.kubernetes.controllers.replicasets import ReplicaSets
from sandbox.kubernetes.controllers.scheduling import Claims, Scheduler
from sandbox.kubernetes.controllers.statefulsets import StatefulSets
from sandbox.kubernetes.kubelet.images import Image
from sandbox.kubernetes.kubelet.names import with_names
from sandbox.kubernetes.kubelet.node import NODE_NAME, Kubelet
from sandbox.kubernetes.kubelet.proxy import ServiceProxy
from sandbox.kubernetes.kubelet.streams import PodStreams
from sandbox.redis.addresses import Block

READY_S = 60.0
_BOOKMARKS_S = 60.0
_POLL_S = 0.1
_SERVICES = range(201, 254)
"""The last numbers of the addresses of Services; pods have those below."""
_BY_KIND = {resource.kind: resource for resource in RESOURCES}
Found = TypeVar("Found")


@contextlib.asynccontextmanager
async def kubernetes(
    *, pace: float = 0.1, moving_addresses: bool = False, own_names: bool = False
) -> AsyncIterator["Kubernetes"]:
    """A Kubernetes without anything installed in it.

    Args:
        pace: how long one second of Kubernetes' own waiting (probe periods, pauses before restarts, deadlines of
            rollouts) takes here, in seconds. Time-outs and grace periods are as they are.
        moving_addresses: whether a pod that is made again gets another address.
        own_names: whether all programs in pods find the cluster's names, which takes mount namespaces.

    Raises:
        LookupError: this system gives pods no addresses of their own, or no names.
    """
    if platform.system() != "Linux":
        raise LookupError("The local Kubernetes needs Linux: only there every pod can have an address of its own.")
    if own_names:
        with_names(Path())
    with tempfile.TemporaryDirectory(prefix="tandem-kubernetes-") as folder:
        cluster = Kubernetes(Path(folder), pace=pace, moving_addresses=moving_addresses, own_names=own_names)
        try:
            await cluster.start()
            yield cluster
        finally:
            await cluster.end()


class Kubernetes:
    """A running cluster; `store` holds its objects, `images` what its pods can run, `api` its server with faults."""

    def __init__(self, folder: Path, *, pace: float, moving_addresses: bool, own_names: bool) -> None:
        self.folder = folder
        self._pace = pace
        self.block = Block()
        self._service_numbers = itertools.cycle(_SERVICES)
        self.store = Store(lambda: self.block.node(next(self._service_numbers))[0])
        self.access = Access()
        self.images: dict[str, Image] = {}
        self.storage_classes = {"standard"}
        self.kubelet = Kubelet(
            self.store,
            folder,
            pace=pace,
            images=self.images,
            block=self.block,
            moving_addresses=moving_addresses,
            own_names=own_names,
        )
        self.proxy = ServiceProxy(self.store)
        self.endpoints = EndpointsOfServices(self.store, self.kubelet.names_file)
        self.api = ApiServer(
            self.store, self.access, PodStreams(self.store, self.kubelet), bookmark_s=_BOOKMARKS_S * pace
        )
        self._controlling: asyncio.Task[None] | None = None
        self._files = itertools.count(1)

    async def start(self) -> None:
        """Start everything."""
        for name in ("default", "kube-system"):
            self.store.create(NAMESPACES, {"metadata": {"name": name}, "spec": {"finalizers": ["kubernetes"]}})
        node = self.store.create(NODES, {"metadata": {"name": NODE_NAME}, "spec": {}})
        self.store.change(NODES, node, lambda changed: changed.update(status=_node_status()))
        await self.api.__aenter__()
        controllers = (
            Deployments(self.store, self._pace).reconcile,
            ReplicaSets(self.store).reconcile,
            StatefulSets(self.store).reconcile,
            Claims(self.store, self.storage_classes).reconcile,
            Scheduler(self.store).reconcile,
            self.kubelet.reconcile,
            self.endpoints.reconcile,
            self.proxy.reconcile,
        )
        self._controlling = asyncio.create_task(loop.run(self.store, controllers))

    async def end(self) -> None:
        """Stop everything; an error that stopped the controllers is raised here."""
        async with contextlib.AsyncExitStack() as last_first:
            last_first.callback(self.block.close)
            last_first.push_async_callback(self.kubelet.close)
            last_first.push_async_callback(self.proxy.close)
            last_first.push_async_callback(self._stop_controlling)
            last_first.push_async_callback(self.api.__aexit__, None, None, None)

    async def _stop_controlling(self) -> None:
        if self._controlling is not None:
            self._controlling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._controlling

    def apply(self, things: Iterable[Json]) -> None:
        """Create these objects, each in the namespace that it names, which is made where there is none.

        Raises:
            Refused: the API server refuses one of them.
        """
        for thing in things:
            resource = _BY_KIND[thing["kind"]]
            namespace = thing["metadata"].setdefault("namespace", "default") if resource.namespaced else ""
            if namespace and self.store.find(NAMESPACES, "", namespace) is None:
                self.store.create(NAMESPACES, {"metadata": {"name": namespace}, "spec": {"finalizers": ["kubernetes"]}})
            self.store.create(resource, thing)

    def pods(self, namespace: str, **labels: str) -> list[Json]:
        """The pods of a namespace that are not being deleted."""
        return self.store.select(
            PODS,
            namespace,
            lambda pod: (
                not pod["metadata"].get("deletionTimestamp")
                and labels.items() <= (pod["metadata"].get("labels") or {}).items()
            ),
        )

    def add_user(self, name: str, rules: Iterable[Rule | Json], namespaces: Iterable[str]) -> User:
        """Let somebody in who may do this in these namespaces ("*": in all, and on what is in none)."""
        listed = tuple(rule if isinstance(rule, Rule) else Rule.of(rule) for rule in rules)
        granted: Mapping[str, Iterable[Rule]] = dict.fromkeys(namespaces, listed)
        return self.access.add(name, granted)

    def kubeconfig(self, user: User | None = None, *, namespace: str = "default", context: str = "sandbox") -> Path:
        """A new file by which this user, or the administrator, gets in; its context "dead" leads to no server."""
        token = (user or self.access.admin).token
        contexts = (
            kubeconfig.Context(context, self.api.url, token, namespace),
            kubeconfig.Context("dead", "http://127.0.0.1:1", token, namespace),
        )
        return kubeconfig.write(self.folder / f"kubeconfig-{next(self._files)}.yaml", contexts)

    async def until(self, found: Callable[[], Found], within: float = READY_S) -> Found:
        """The first truthy value of `found`, which is asked again at each change, and now and then.

        Raises:
            TimeoutError: with how the pods are.
        """
        with self.store.woken() as changed:
            try:
                async with asyncio.timeout(within):
                    while not (value := found()):
                        self._check()
                        changed.clear()
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(changed.wait(), _POLL_S)
                    return value
            except TimeoutError:
                raise TimeoutError(f"Not so after {within:g} s; pods: {self._told()}") from None

    def _check(self) -> None:
        """Raise what has stopped the controllers, if they have stopped."""
        if self._controlling is not None and self._controlling.done():
            self._controlling.result()

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """An object as it is; Refused where there is none."""
        return self.store.get(resource, namespace, name)

    def _told(self) -> str:
        lines = []
        for pod in self.store.select(PODS):
            states = {one["name"]: one["state"] for one in pod["status"].get("containerStatuses") or ()}
            lines.append(f"{pod['metadata']['name']} {pod['status']['phase']} {states}")
        return "; ".join(lines) or "none"


def _node_status() -> Json:
    conditions = [
        {
            "type": kind,
            "status": "True" if kind == "Ready" else "False",
            "reason": reason,
            "message": "",
            "lastHeartbeatTime": timestamp(),
            "lastTransitionTime": timestamp(),
        }
        for kind, reason in (
            ("MemoryPressure", "KubeletHasSufficientMemory"),
            ("DiskPressure", "KubeletHasNoDiskPressure"),
            ("PIDPressure", "KubeletHasSufficientPID"),
            ("Ready", "KubeletReady"),
        )
    ]
    resources = {"cpu": "8", "memory": "32Gi", "pods": "250"}
    return {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": NODE_NAME}],
        "capacity": resources,
        "allocatable": resources,
        "conditions": conditions,
    }
