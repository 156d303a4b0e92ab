"""Where the servers in pods are dialled: at their own addresses, or at local ones that lead through the API server."""

from __future__ import annotations

import asyncio
import functools

from actions.adapters.kubernetes import forward
from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.doors import Door, Guest
from actions.adapters.kubernetes.questions import PODS
from actions.adapters.kubernetes.redis_cli import RedisCli
from actions.adapters.redis.reach import Reach
from actions.kit.errors import AccessDenied, ActionError
from actions.kit.kubernetes import parse
from actions.kit.kubernetes.place import Way
from actions.kit.kubernetes.view import KubernetesView, PodView
from actions.kit.topology import Address


class DirectReach:
    """See ``actions.adapters.redis.reach.Reach``: the pod's own address for a name that only the cluster looks up.

    Args:
        first: where servers are dialled that lead elsewhere by what ``targets.yaml`` says.
    """

    def __init__(self, first: Reach) -> None:
        self._first = first
        self._view: KubernetesView | None = None

    def know(self, view: KubernetesView) -> None:
        """These pods are there now."""
        if view.unasked is None:
            self._view = view

    async def __call__(self, announced: Address) -> Address:
        """See ``Reach``."""
        place = await self._first(announced)
        pod = self._view.pod_of(place.host) if self._view is not None else None
        return Address(pod.ip, place.port) if pod is not None and pod.ip else place

    async def aclose(self) -> None:
        """Nothing was opened."""


class PodReach:
    """See ``actions.adapters.redis.reach.Reach``: an address that a pod announces, by its IP or its name.

    Close with ``aclose``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._view = KubernetesView(client.place.namespace, client.place.release)
        self._former: set[str] = set()
        self._doors: dict[tuple[str, int], Door] = {}

    def know(self, view: KubernetesView) -> None:
        """These pods are there now."""
        if view.unasked is None:
            now = {pod.ip for pod in view.pods}
            self._former = (self._former | {pod.ip for pod in self._view.pods if pod.ip}) - now
            self._view = view

    async def __call__(self, announced: Address) -> Address:
        """See ``Reach``."""
        try:
            pod = self._view.pod_of(announced.host) or await self._looked_up(announced.host)
            return await self._opened(pod, announced)
        except AccessDenied as error:
            raise PermissionError(str(error)) from error
        except ActionError as error:
            raise OSError(str(error)) from error

    async def aclose(self) -> None:
        """Close every door."""
        doors, self._doors = self._doors, {}
        await asyncio.gather(*(door.aclose() for door in doors.values()))

    async def _looked_up(self, host: str) -> PodView:
        """The pod, from a fresh list.

        Raises:
            ConnectionRefusedError: there was one, and there is none any more.
            OSError: there never was one that we knew.
        """
        labels = f"{parse.RELEASE}={self._client.place.release}"
        pods = parse.items(await self._client.list(PODS, labels=labels), parse.pod)
        self.know(KubernetesView(self._view.namespace, self._view.release, pods=pods))
        pod = self._view.pod_of(host)
        if pod is None and host in self._former:
            raise ConnectionRefusedError(f"the pod that had the address {host} is gone")
        if pod is None:
            raise OSError(f"no pod of release {self._view.release} has the address {host}")
        return pod

    async def _opened(self, pod: PodView, announced: Address) -> Address:
        port, still = announced.port, functools.partial(self._still, pod, announced.host)
        door = self._doors.setdefault((pod.name, port), Door())
        if self._client.place.reach is Way.EXEC:
            guest: Guest = RedisCli(self._client, pod, port, still).serve
            return await door.open_for(guest, _nothing)
        opening = functools.partial(forward.open_forward, self._client, pod.name, port)
        found = await self._client.bounded(opening, unwanted=lambda unused: unused.way.close())
        try:
            await still()
        except BaseException:
            found.way.close()
            raise
        return await door.open_for(found.serve, found.way.close)

    async def _still(self, pod: PodView, host: str) -> None:
        """A way leads to whoever bears the pod's name, and a StatefulSet's next pod bears it at another address.

        Asked after the way was opened: who has the address then had it when the way was opened too.

        Raises:
            ConnectionRefusedError: the pod of this name has another address now, or there is none.
        """
        if host != pod.ip:
            return
        there = await self._client.list(PODS, fields=f"metadata.name={pod.name}")
        if all(one.ip != host for one in parse.items(there, parse.pod)):
            raise ConnectionRefusedError(f"the pod that had the address {host} is gone")


def _nothing() -> None:
    """Nothing was opened yet."""
