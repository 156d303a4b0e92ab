"""The kubelet: starts the pods that are bound to the node, ends those that are deleted, and cleans up."""

import asyncio
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from sandbox.kubernetes.api.errors import not_found
from sandbox.kubernetes.api.events import record_event
from sandbox.kubernetes.api.resources import NODES, PODS, Json, key_of, timestamp
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.kubelet.images import Image
from sandbox.kubernetes.kubelet.pod import Node, RunningPod
from sandbox.redis.addresses import Block

NODE_NAME = "node-1"
_ADDRESSES = 200
_PRESSURES = {
    "memory": ("MemoryPressure", "NodeHasInsufficientMemory"),
    "disk": ("DiskPressure", "NodeHasDiskPressure"),
}


class Kubelet:
    """Every pod of the cluster as local processes.

    With `moving_addresses` a pod that is made again gets another address, as it does on most networks; else one of the
    same name keeps its own, as some can.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        pace: float,
        images: Mapping[str, Image],
        block: Block,
        moving_addresses: bool,
        own_names: bool,
    ) -> None:
        self._block = block
        self.names_file = folder / "hosts"
        """The names that programs in pods can look up, as in /etc/hosts."""
        self._node = Node(store, folder, images, pace, self.names_file, own_names)
        self._store = store
        self._moving = moving_addresses
        self._numbers: dict[tuple[str, str], int] = {}
        self._next = 0
        self._pods: dict[str, RunningPod] = {}
        self._forgetting: set[asyncio.Task[None]] = set()

    def pod(self, namespace: str, name: str) -> RunningPod:
        """The pod of that name on the node.

        Raises:
            Refused: 404.
        """
        for running in self._pods.values():
            if (running.namespace, running.name) == (namespace, name):
                return running
        raise not_found(PODS, name)

    def reconcile(self) -> None:
        """Start and end pods as the objects now say."""
        there = {pod["metadata"]["uid"]: pod for pod in self._store.select(PODS)}
        for uid, pod in there.items():
            over = pod["status"]["phase"] in {"Failed", "Succeeded"}
            deleted = pod["metadata"].get("deletionTimestamp")
            if uid not in self._pods and pod["spec"].get("nodeName") and not over and not deleted:
                self._start(pod)
            elif uid in self._pods and deleted:
                self._pods[uid].end(pod["metadata"]["deletionGracePeriodSeconds"])
            elif deleted and uid not in self._pods:
                self._store.delete(PODS, pod, 0)
        for uid, running in list(self._pods.items()):
            if uid not in there:
                running.end(0)
                self._forgetting.add(asyncio.create_task(self._forget(self._pods.pop(uid))))

    def _start(self, pod: Json) -> None:
        running = RunningPod(self._node, pod, self._address(key_of(pod)))
        self._pods[pod["metadata"]["uid"]] = running
        running.start()

    def _address(self, key: tuple[str, str]) -> str:
        if key not in self._numbers or self._moving:
            taken = {self._numbers[running.namespace, running.name] for running in self._pods.values()}
            free = (1 + number % _ADDRESSES for number in range(self._next, self._next + _ADDRESSES))
            self._numbers[key] = next(number for number in free if number not in taken)
            self._next = self._numbers[key]
        return self._block.node(self._numbers[key])[0]

    async def _forget(self, running: RunningPod) -> None:
        await running.ended()
        shutil.rmtree(running.folder, ignore_errors=True)

    def press(self, what: str = "memory") -> None:
        """Let the node report that it is short of this, "memory" or "disk"."""
        kind, reason = _PRESSURES[what]
        node = self._set_condition(kind, "True", reason)
        record_event(self._store, node, reason, f"Node {NODE_NAME} status is now: {reason}", source="kubelet")
        record_event(
            *(self._store, node, "EvictionThresholdMet", f"Attempting to reclaim {what}"),
            source="kubelet",
            warning=True,
        )

    def relieve(self) -> None:
        """Let the node have enough of everything again."""
        for kind, _ in _PRESSURES.values():
            self._set_condition(kind, "False", f"KubeletHasNo{kind}")

    def _set_condition(self, kind: str, status: str, reason: str) -> Json:
        def changed(node: Json) -> None:
            for condition in node["status"]["conditions"]:
                if condition["type"] == kind and condition["status"] != status:
                    condition |= {"status": status, "reason": reason, "lastTransitionTime": timestamp()}

        node = self._store.get(NODES, "", NODE_NAME)
        return self._store.change(NODES, node, changed) or node

    async def close(self) -> None:
        """End everything at once."""
        for running in self._pods.values():
            running.signal(signal.SIGKILL)
            running.end(0)
        endings = (running.ended() for running in self._pods.values())
        for problem in await asyncio.gather(*endings, *self._forgetting, return_exceptions=True):
            if problem is not None:
                raise problem
